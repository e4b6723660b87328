"""torch's smallest modules keep no record, and yet their arguments are told as they were passed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from torch import nn

from lightning_expname.introspect.capture import capture_init
from lightning_expname.introspect.hparams import collect_hparams
from lightning_expname.introspect.leaves import LEAVES
from lightning_expname.introspect.record import RECORD_KEY

PASSED: list[tuple[type[nn.Module], dict[str, Any]]] = [
    (nn.Linear, {"in_features": 3, "out_features": 4, "bias": False}),
    (nn.Linear, {"in_features": 3, "out_features": 4, "bias": True}),
    (nn.Identity, {}),
    (nn.ReLU, {"inplace": True}),
    (nn.SiLU, {"inplace": False}),
    (nn.GELU, {"approximate": "tanh"}),
    (nn.Tanh, {}),
    (nn.Sigmoid, {}),
    (nn.Dropout, {"p": 0.25, "inplace": True}),
    (nn.Dropout, {"p": 0, "inplace": False}),
]


@pytest.mark.parametrize(("cls", "passed"), PASSED)
def test_a_leaf_tells_what_it_was_given(cls: type[nn.Module], passed: dict[str, Any]) -> None:
    capture_init()
    leaf = cls(**passed)
    assert RECORD_KEY not in vars(leaf)
    told = collect_hparams(copy.deepcopy(leaf))
    assert told == passed
    assert list(map(type, told.values())) == list(map(type, passed.values()))


def test_every_leaf_is_tried() -> None:
    assert {cls for cls, _ in PASSED} == set(LEAVES)


def test_a_subclass_of_a_leaf_is_watched() -> None:
    class Wide(nn.Linear):
        def __init__(self, factor: int = 2) -> None:
            super().__init__(4, 4 * factor)

    capture_init()
    assert collect_hparams(Wide(3)) == {"factor": 3}


def test_a_leaf_given_to_another_module_is_followed() -> None:
    class Holder(nn.Module):
        def __init__(self, head: nn.Module) -> None:
            super().__init__()
            self.parts = [head]

    capture_init()
    assert collect_hparams(Holder(nn.Linear(3, 4)))["head.out_features"] == 4
