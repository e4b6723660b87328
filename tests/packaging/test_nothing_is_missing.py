"""What a test would be skipped for is installed: the whole run fails instead of skipping it."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

TESTS = Path(__file__).parents[1]
ASKED = re.compile(r"importorskip\(\"(\w+)")
BY_PARAMETER = {"lightning", "pytorch_lightning"}  # tests/introspect/test_describe_module.py


def test_every_package_that_a_test_asks_for_is_here() -> None:
    files = [path for path in TESTS.rglob("test_*.py") if TESTS / "slow" not in path.parents]
    asked = {name for path in files for name in ASKED.findall(path.read_text(encoding="utf-8"))}
    assert {"wandb", "hydra", "matplotlib"} <= asked
    assert [name for name in sorted(asked | BY_PARAMETER) if find_spec(name) is None] == []
