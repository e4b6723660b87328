"""Names do not collide, do not depend on the process, and never change once released."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import naming_strategies as hostile
import pytest

import lightning_expname
from lightning_expname.facts import Facts
from lightning_expname.naming import (
    NAME_VERSION,
    NamePolicy,
    Speech,
    derive_names,
    digest,
    format_name,
    parse_name,
)

GOLDEN = Path(__file__).parents[1] / "golden" / f"names_v{NAME_VERSION}.json"
CASES: list[dict[str, Any]] = json.loads(GOLDEN.read_text("utf-8"))["cases"]
STAGES = [
    "relu",
    "gelu",
    "gelu-tanh",
    "1",
    "True",
    "None",
    "日本",
    "감정",
    "a/b",
    "v1.5",
    "",
    1,
    1.0,
]
STAGES += [True, False, None, 0, -0.0, 0.0, 1e-5, "1e-05", [1, 2], ["1", "2"], "1_2", [], "[]"]


def configurations(count: int, seed: int) -> list[dict[str, Any]]:
    """So many configurations, pairwise distinct in their typed fields."""
    source = random.Random(seed)
    wide = {f"block_{i}.width": 64 * i for i in range(12)}
    found: dict[str, dict[str, Any]] = {}
    while len(found) < count:
        fields: dict[str, Any] = {
            key: source.choice(STAGES)
            for key in sorted(source.sample(["a", "a.b", "a_b", "b1", "x1e"], 3))
        }
        fields["d_model"] = source.randrange(4096)
        fields |= wide if source.random() < 0.5 else {}
        fields["last_one"] = source.randrange(10_000)
        found.setdefault(repr(fields), fields)
    return list(found.values())


def test_200_000_distinct_configurations_have_200_000_names() -> None:
    every = configurations(200_000, seed=20261124)
    names = {format_name(fields) for fields in every}
    assert len(names) == 200_000
    assert max(map(len, names)) <= 110
    assert any("-_h" in name for name in names) and any("-_h" not in name for name in names)


IN_ANOTHER_PROCESS = """
import json, sys
from lightning_expname.naming import digest, format_name
rows = json.load(sys.stdin)
print(json.dumps([[format_name(row), digest(row)] for row in rows]))
"""


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242", "random"])
def test_names_do_not_depend_on_the_process(hash_seed: str) -> None:
    rows = configurations(300, seed=7)
    root = str(Path(lightning_expname.__file__).parents[1])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        input=json.dumps(rows),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [[format_name(row), digest(row)] for row in rows]


def test_naming_imports_nothing_heavy() -> None:
    heavy = ["torch", "lightning", "pytorch_lightning", "wandb", "numpy", "sklearn", "optuna"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({heavy})); import lightning_expname.naming"
    )
    root = str(Path(lightning_expname.__file__).parents[1])
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": root}, check=True)


def test_the_golden_file_is_of_this_version() -> None:
    assert json.loads(GOLDEN.read_text("utf-8"))["name_version"] == NAME_VERSION
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_golden_names_never_change(case: dict[str, Any]) -> None:
    """A case that fails here asks for a new NAME_VERSION and a new file, not for a new name."""
    if "fields" in case:
        assert format_name(case["fields"], max_bytes=case["max_bytes"]) == case["name"]
        assert digest(case["fields"]) == case["digest"]
        if parse_name(case["name"]).digest is None:
            assert hostile.typed_fields(parse_name(case["name"])) == hostile.typed_fields(
                case["fields"]
            )
    else:
        names = derive_names(
            Facts.from_json(case["facts"]),
            NamePolicy.of(case["policy"]),
            Speech(**case["speech"]),
            ordinal=case["ordinal"],
            mode=case["mode"],
        )
        assert vars(names) == case["names"]
