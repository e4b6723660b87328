"""What a model was made of is read back from the recorded config, however it was made."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import math
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest
import torch
from flavour import ExpNameLogger, capture_init, uncapture_init
from lit_models import LitRegressor, MultiModalTransformer, fit
from omegaconf import OmegaConf
from torch import nn

from lightning_expname.observer import ExpNameWarning

Read = Callable[[], list[Any]]


class Net(MultiModalTransformer):
    """Takes anything, and keeps nothing of it."""

    def __init__(self, d_model: int = 16, **anything: Any) -> None:
        super().__init__(d_model)


def recorded(read: Read, module: Any) -> Any:
    fit(ExpNameLogger(), module=module, epochs=1)
    (run,) = read()
    return run


def of(read: Read, **anything: Any) -> dict[str, Any]:
    config: dict[str, Any] = recorded(read, LitRegressor(Net(**anything))).config
    return config


class NetConfig(pydantic.BaseModel):
    width: int = 8
    act: str = "gelu"
    rate: float = 0.25


class PretrainedConfig:
    """As configs of Hugging Face are: attributes, any of them, and `to_dict`."""

    def __init__(self, hidden_size: int = 8, **more: Any) -> None:
        self.hidden_size = hidden_size
        self.__dict__.update(more)

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__, transformers_version="5")


@dataclasses.dataclass
class Block:
    depth: int = 2
    kinds: list[str] = dataclasses.field(default_factory=lambda: ["a"])


CONFIGS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "pydantic": (lambda: NetConfig(width=4), {"width": 4, "act": "gelu", "rate": 0.25}),
    "hugging face": (
        lambda: PretrainedConfig(4, num_attention_heads=2),
        {"hidden_size": 4, "num_attention_heads": 2},
    ),
    "dataclass": (lambda: Block(3), {"depth": 3, "kinds": ["a"]}),
    "dict": (lambda: {"depth": 3, "in": {"rate": 0.5}}, {"depth": 3, "rate": 0.5}),
    "omegaconf": (
        lambda: OmegaConf.create({"depth": 3, "again": "${.depth}", "home": "${oc.env:HOME}"}),
        {"depth": 3, "again": 3, "home": "${oc.env:HOME}"},
    ),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_config_object_is_told_by_its_entries(
    expname_root: Path, expname_recorded: Read, kind: str
) -> None:
    build, expected = CONFIGS[kind]
    config = of(expname_recorded, config=build())
    assert {name: config[name] for name in expected} == expected
    assert "recovery" not in config


def test_entries_of_a_config_object_are_spoken(expname_root: Path, expname_recorded: Read) -> None:
    run = recorded(expname_recorded, LitRegressor(Net(config=NetConfig(width=4))))
    assert run.name == "d_model16-width4-act.gelu-bs16-lr1e-05"


def test_a_partial_of_the_model_is_the_model(expname_root: Path, expname_recorded: Read) -> None:
    make = functools.partial(MultiModalTransformer, n_heads=2, dropout=0.5)
    run = recorded(expname_recorded, LitRegressor(make(16)))
    assert (run.config["n_heads"], run.config["dropout"]) == (2, 0.5)
    assert run.name.startswith("d_model16-n_heads2-")
    assert run.project == "MultiModalTransformer-KEMDy19"


def test_a_model_of_configure_model(expname_root: Path, expname_recorded: Read) -> None:
    class Late(LitRegressor):
        def __init__(self, width: int, rate: float = 0.5) -> None:
            super().__init__(None)  # type: ignore[arg-type]  # it comes later
            self._width = width

        def configure_model(self) -> None:
            if self.model is None:
                self.model = MultiModalTransformer(self._width)

    run = recorded(expname_recorded, Late(16))
    assert (run.config["width"], run.config["rate"]) == (16, 0.5)
    assert (run.project, run.name) == ("Late-KEMDy19", "width16-bs16-lr1e-05")
    assert "recovery" not in run.config


class Kept(nn.Module):
    def __init__(self, width: int, depth: int, act: str = "relu") -> None:
        super().__init__()
        self.width, self._depth = width, depth
        self.net = nn.Linear(4, 1)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.net(batch)


def unseen(build: Callable[[], Any]) -> Any:
    """As if it were built before our import."""
    uncapture_init()
    try:
        return build()
    finally:
        capture_init()


def test_a_model_that_nobody_saw_is_told_by_its_attributes_and_marked(
    expname_root: Path, expname_recorded: Read
) -> None:
    net = unseen(lambda: Kept(3, 4))
    with pytest.warns(ExpNameWarning, match="could not be recovered") as caught:
        run = recorded(expname_recorded, LitRegressor(net))
    assert (run.config["width"], run.config["depth"]) == (3, 4)
    assert run.config["recovery"] == {"from_attributes": ["width", "depth"], "unrecovered": ["act"]}
    (said,) = [str(one.message) for one in caught if "recovered" in str(one.message)]
    assert "act" in said and "capture_init" in said


def test_a_module_that_nobody_saw_is_told_by_its_saved_hyper_parameters(
    expname_root: Path, expname_recorded: Read
) -> None:
    class Saving(LitRegressor):
        def __init__(self, width: int, rate: float = 0.5) -> None:
            super().__init__(nn.Linear(4, 1))
            self.save_hyperparameters()

    run = recorded(expname_recorded, unseen(lambda: Saving(3)))
    assert (run.config["width"], run.config["rate"]) == (3, 0.5)
    assert "unrecovered" not in run.config.get("recovery", {})


class Color(enum.Enum):
    RED = 1


def never() -> None:
    raise AssertionError("an argument was called")


class Bad:
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("as the test asks")


def itself() -> list[Any]:
    value: list[Any] = [1]
    value.append(value)
    return value


ARGUMENTS: dict[str, tuple[Any, Any]] = {
    "exact": (0.1 + 0.2, 0.30000000000000004),
    "large": (2**53, 2**53),
    "beyond": (2**53 + 1, str(2**53 + 1)),
    "nan": (math.nan, "NaN"),
    "infinite": (-math.inf, "-Infinity"),
    "color": (Color.RED, "RED"),
    "where": (Path("data/a.csv"), "data/a.csv"),
    "dtype": (torch.float16, "float16"),
    "of_numpy": (np.int64(3), 3),
    "of_numpy_too": (np.float32(0.5), 0.5),
    "of_torch": (torch.tensor(3), 3),
    "part": (functools.partial(torch.optim.AdamW, lr=0.1), "partial(AdamW, lr=0.1)"),
    "function": (never, "never"),
    "cls": (nn.GELU, "GELU"),
    "raw": (b"\xff", "b'\\xff'"),
    "flag_of_numpy": (np.bool_(True), True),
    "text_of_numpy": (np.str_("a"), "a"),
    "who": (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    "when": (datetime.date(2024, 2, 29), "2024-02-29"),
    "pattern": (re.compile("a+"), "a+"),
    "device": (torch.device("cpu"), "cpu"),
    "shape": ((4, 4), [4, 4]),
    "nothing": (None, None),
}


def test_every_kind_of_argument_is_read_back(expname_root: Path, expname_recorded: Read) -> None:
    given = {name: value for name, (value, _) in ARGUMENTS.items()}
    config = of(expname_recorded, **given, bad=Bad(), itself=itself(), last=7)
    for name, (_, expected) in ARGUMENTS.items():
        assert config[name] == expected, name
        assert type(config[name]) is type(expected), name
    assert config["last"] == 7  # no bad one loses the others
    assert "recovery" not in config


def test_an_int_that_python_does_not_write_out_costs_nothing_else(
    expname_root: Path, expname_recorded: Read
) -> None:
    endless = 10**5000
    config = of(expname_recorded, x=endless, many=[endless, 2], last=7)
    assert config["x"] == "<int of 16610 bits>"
    assert config["many"] == ["<int of 16610 bits>", 2]
    assert config["last"] == 7


def test_five_thousand_arguments_are_read_back(expname_root: Path, expname_recorded: Read) -> None:
    many = {f"k{number}": number for number in range(5000)}
    config = of(expname_recorded, many=many)
    assert {name: config[name] for name in many} == many
