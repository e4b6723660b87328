"""What JSON can hold of a value."""

from __future__ import annotations

import enum
import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_expname.introspect.values import describe, plain, typed_plain


class Act(enum.Enum):
    RELU = 1


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Act.RELU, "RELU"),
        (torch.nn.ReLU, "ReLU"),
        (torch.nn.functional.gelu, "gelu"),
        (Path("/data/x"), "/data/x"),
        (torch.float16, "float16"),
        (torch.device("cuda", 0), "cuda:0"),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (torch.tensor(7), 7),
        ((1, (2, 3)), [1, [2, 3]]),
        ({1: (2,)}, {"1": [2]}),
        ({1: "a", "1": "b", "1_2": "c"}, {"1_3": "a", "1": "b", "1_2": "c"}),
        ({1, "a", None, 2.5}, ["a", 1, 2.5, None]),
        ({Act.RELU, 10, 2}, ["RELU", 10, 2]),
        ("1e-3", "1e-3"),
        (torch.zeros(2), [0.0, 0.0]),
        (torch.zeros(9, 9), "<Tensor 9x9>"),
        (Hostile(), "<Hostile>"),
        ([Hostile()], ["<Hostile>"]),
        (functools.partial(torch.nn.LayerNorm, eps=1e-6), "partial(LayerNorm, eps=1e-06)"),
        (lambda x: x, "<lambda>"),
    ],
)
def test_reduced(value: Any, expected: Any) -> None:
    got = plain(value)
    assert got == expected
    assert type(got) is type(expected)
    json.dumps(got)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [("1e-3", "float", 0.001), (2.0, "int", 2), (1, "float", 1.0), (True, "float", True)],
)
def test_of_kind(value: Any, kind: Any, expected: Any) -> None:
    assert repr(plain(value, kind)) == repr(expected)


def test_a_declared_bool_given_as_a_number_is_a_bool() -> None:
    assert typed_plain(1, bool) is True
    assert type(typed_plain(1, int)) is int
    assert type(typed_plain(0, float)) is float


def test_a_set_is_told_alike_in_every_process() -> None:
    """Of sets within sets and of objects, `repr` differs by the hashes' seed and by addresses."""
    code = (
        "from lightning_expname.introspect.values import plain\n"
        "class A: pass\n"
        "words = {'a', 'b', 'c', 'd', 1, None}\n"
        "print(plain({frozenset(words), frozenset(list(words)[:0]), 'z', (2, 'y'), A(), int}))\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert told == {"['<A>', 'int', 'z', ['a', 'b', 'c', 'd', 1, None], [2, 'y'], []]\n"}


def test_long_values_are_bounded() -> None:
    assert len(str(plain("x" * 10_000))) == 1000
    assert plain(list(range(20_000))) == "<list of 20000>"


def test_an_endless_list_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    json.dumps(plain(endless))


def test_a_description_never_holds_an_address() -> None:
    assert describe(object()) == "<object>"
    assert "0x" not in describe(functools.partial(lambda x: x, object()))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(JSON)
def test_plain_is_a_fixed_point(value: Any) -> None:
    once = plain(value)
    assert plain(once) == once
    json.dumps(once)


def test_a_thousand_keys_that_are_written_alike_are_a_thousand_values() -> None:
    class Key:
        pass

    found = plain({Key(): number for number in range(1000)} | {"<Key>_2": "kept"})
    assert found["<Key>_2"] == "kept" and len(found) == 1001
    assert sorted(one for one in found.values() if one != "kept") == list(range(1000))
