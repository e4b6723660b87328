"""The kind of a hyper-parameter: which values names may speak."""

from __future__ import annotations

import dataclasses
import decimal
import enum
import fractions
import functools
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from lightning_expname.introspect.classify import EMPTY, classify, flattens


class Act(enum.Enum):
    RELU = 1


class Word(str, enum.Enum):
    A = "a"


class Number(enum.IntEnum):
    X = 3


class Flags(enum.Flag):
    P = 1
    Q = 2


@dataclasses.dataclass
class Config:
    a: int = 1


N = EMPTY
CAT = "categorical"
ROWS: list[tuple[Any, Any, Any, str]] = [
    (True, bool, N, CAT),
    (True, int, N, CAT),
    (1, bool, N, CAT),
    (np.bool_(True), N, N, CAT),
    (8, int, N, "int"),
    (8, N, N, "int"),
    (0, float, N, "float"),
    (1, N, 1e-3, "float"),
    (1, Optional[float], None, "float"),
    (1, "float", N, "float"),
    (1, "Optional[float]", N, "float"),
    (1, "float | None", N, "float"),
    (1, Union[int, float], 1.0, "int"),
    (0.5, Union[int, float], 1.0, "float"),
    (2.0, int, N, "int"),
    (2.0, N, N, "float"),
    (np.int64(3), N, N, "int"),
    (np.float32(0.5), N, N, "float"),
    (np.float64(0.5), N, N, "float"),
    (np.array(3), N, N, "int"),
    (torch.tensor(3), N, N, "int"),
    (torch.tensor(0.3), N, N, "float"),
    (torch.tensor([1, 2]), N, N, "other"),
    ("relu", str, N, CAT),
    ("relu", Literal["relu", "gelu"], N, CAT),
    (2, Literal[1, 2], N, CAT),
    ("a/b/c.txt", str, N, "other"),
    ("s3://x/y", str, N, "other"),
    ("a long sentence of text", str, N, "other"),
    ("1e-3", float, N, "float"),
    ("1e-3", N, N, "float"),
    ("google/bert-base", str, N, "other"),
    ("", str, N, "other"),
    (Act.RELU, Act, N, CAT),
    (Word.A, Word, N, CAT),
    (Number.X, Number, N, CAT),
    (Flags.P | Flags.Q, Flags, N, CAT),
    (None, Optional[int], None, "none"),
    ([64, 64], list[int], N, "int"),
    ((3, 3), tuple, N, "int"),
    ([0.9, 0.999], N, N, "other"),
    ([], N, N, "other"),
    (["a", "b"], N, N, CAT),
    (list(range(50)), N, N, "other"),
    ([[1, 2], [3]], N, N, "other"),
    ({"a": 1}, dict, N, "flatten"),
    (torch.Size([3, 32]), N, N, "int"),
    (Path("/x"), Path, N, "other"),
    (torch.float16, N, N, CAT),
    (torch.device("cuda:0"), N, N, CAT),
    (torch.nn.ReLU, N, N, CAT),
    (torch.nn.functional.gelu, N, N, CAT),
    (lambda x: x, N, N, "other"),
    (functools.partial(torch.nn.LayerNorm, eps=1e-6), N, N, "other"),
    (OmegaConf.create({"a": 1}), N, N, "flatten"),
    (OmegaConf.create([1, 2]), N, N, "int"),
    (Config(), Config, N, "flatten"),
    (decimal.Decimal("0.1"), N, N, "float"),
    (fractions.Fraction(1, 3), N, N, "float"),
    (float("nan"), N, N, "float"),
    (float("inf"), float, N, "float"),
    (10**30, int, N, "int"),
    (complex(1), N, N, "other"),
    (b"x", N, N, "other"),
    (range(3), N, N, "other"),
    ({1, 2}, N, N, "other"),
    (slice(1), N, N, "other"),
    (3, Annotated[int, "x"], N, "int"),
    ("3", int, N, CAT),
    (3, Optional[int], N, "int"),
    (3, Optional[float], N, "float"),
]


def test_every_row_of_the_table_is_there() -> None:
    assert len(ROWS) == 71


@pytest.mark.parametrize(("value", "annotation", "default", "kind"), ROWS)
def test_kind(value: Any, annotation: Any, default: Any, kind: str) -> None:
    assert flattens(value) == (kind == "flatten")
    expected = "other" if kind == "flatten" else kind
    assert classify(value, annotation, default) == expected


def test_unions_written_with_a_bar() -> None:
    assert classify(3, int | None) == "int"
    assert classify(3, float | None) == "float"


class Hostile:
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    __hash__ = None  # type: ignore[assignment]


def test_an_object_that_raises_is_other() -> None:
    assert classify(Hostile()) == "other"
    assert classify([Hostile()]) == "other"


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()))
def test_never_raises_and_a_spoken_text_is_an_identifier(value: object) -> None:
    kind = classify(value)
    if isinstance(value, str) and kind == CAT:
        assert 0 < len(value) <= 32
        assert not set(value) & set("/ :{}=\\")
    assert (kind == "none") == (value is None)


def test_the_pure_modules_load_without_torch_and_numpy() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'numpy', 'omegaconf', 'lightning', 'wandb'):\n"
        "    sys.modules[name] = None\n"
        "from lightning_expname.introspect.values import plain\n"
        "print(plain((1, 'a')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[1, 'a']\n"
