"""Modules of every shape that constructors come in."""

from __future__ import annotations

import abc
import copy
import dataclasses
import functools
import pickle
from collections.abc import Callable
from typing import Any, Generic, TypeVar, Union

import lightning.pytorch as pl
import torch
from torch import nn

T = TypeVar("T")


class Plain(nn.Module):
    def __init__(self, n_heads: int = 4, dropout: float = 0.1, name: str = "x") -> None:
        super().__init__()
        self.n_heads = n_heads
        self.dropout = nn.Dropout(dropout)
        self.name = name


class NotStored(nn.Module):
    def __init__(self, hidden: int, depth: int = 2, act: str = "relu") -> None:
        super().__init__()
        self.net = nn.Sequential(*[nn.Linear(hidden, hidden) for _ in range(depth)])


class Child(Plain):
    def __init__(self, extra: int = 1, **kw: Any) -> None:
        super().__init__(**kw)
        self.e = extra


class ChildNoInit(NotStored):
    pass


@dataclasses.dataclass
class Cfg:
    n_layer: int = 2
    n_head: int = 4
    lr: float = 1e-3


class WithCfg(nn.Module):
    def __init__(self, config: Cfg) -> None:
        super().__init__()
        self.config = config
        self.layer = nn.Linear(config.n_layer, 1)


class WithCfgUnpacked(nn.Module):
    def __init__(self, cfg: Cfg) -> None:
        super().__init__()
        self.n = cfg.n_layer


class Kw(nn.Module):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        self.h = kwargs.get("h", 1)
        self.k = kwargs["k"]


class KwStored(nn.Module):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        self.kwargs = kwargs


class PosOnly(nn.Module):
    def __init__(self, a: int, b: int, /, c: int = 3, *, d: str = "z") -> None:
        super().__init__()
        self.c = c
        self.q = a


class VarPos(nn.Module):
    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.net = nn.Sequential(*[nn.Linear(i, o) for i, o in zip(sizes, sizes[1:])])


@dataclasses.dataclass(eq=False)
class DataclassModule(nn.Module):
    h: int = 3
    act: str = "gelu"

    def __post_init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(self.h, 1)


class Mutates(nn.Module):
    def __init__(self, width: int = 8, mult: int = 2) -> None:
        width = width * mult
        super().__init__()
        self.width = width
        self.mult = mult


class MutatesAfter(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        width *= 2
        self.width = width


class Parsed(nn.Module):
    def __init__(
        self, act: Union[str, Callable[..., Any]] = "relu", kernel: Union[int, tuple] = 3
    ) -> None:
        super().__init__()
        self.act = nn.ReLU() if act == "relu" else act
        self.kernel = (kernel, kernel) if isinstance(kernel, int) else kernel


class LateSuper(nn.Module):
    def __init__(self, n: int) -> None:
        helper = n + 1
        n = None if n < 0 else n
        super().__init__()
        self.helper = helper


class FactoryBase(nn.Module):
    @classmethod
    def from_name(cls, name: str) -> FactoryBase:
        return cls(depth={"s": 2, "b": 12}[name])

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(depth)])


class HFConfig:
    def __init__(
        self, hidden_size: int = 8, num_attention_heads: int = 2, dropout: float = 0.1, **kw: Any
    ) -> None:
        self.hidden_size = hidden_size
        self.num_attention_heads = num_attention_heads
        self.dropout = dropout
        self.__dict__.update(kw)

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


class HFModel(nn.Module):
    def __init__(self, config: HFConfig) -> None:
        super().__init__()
        self.config = config
        self.layer = nn.Linear(config.hidden_size, 1)


class OwnNew(nn.Module):
    def __new__(cls, k: int) -> OwnNew:
        return super().__new__(cls)

    def __init__(self, k: int) -> None:
        super().__init__()
        self.kk = k


class GenericModule(nn.Module, Generic[T]):
    def __init__(self, n: int = 1) -> None:
        super().__init__()
        self.z = n


class AbstractModule(nn.Module, abc.ABC):
    def __init__(self, n: int = 1) -> None:
        super().__init__()
        self.z = n


class DictModule(nn.Module, dict):
    def __init__(self, n: int = 1) -> None:
        nn.Module.__init__(self)
        self.z = n


class Bare(nn.Module):
    def __init__(self, n: int = 1) -> None:
        super().__init__()
        self.z = n

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.z


class Lit(pl.LightningModule):
    def __init__(self, model: nn.Module, weight_decay: float = 0.01, warmup: int = 100) -> None:
        super().__init__()
        self.model = model
        self.wd = weight_decay


class LitSaved(pl.LightningModule):
    def __init__(self, model: nn.Module, weight_decay: float = 0.01, warmup: int = 100) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["model"])
        self.model = model


class LitChild(LitSaved):
    def __init__(self, a: int = 1, b: int = 2, **kw: Any) -> None:
        super().__init__(**kw)
        self.save_hyperparameters(ignore=["model"])


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return build()


def encoder_layer(**options: Any) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(16, 4, dim_feedforward=32, batch_first=True, **options)


Case = tuple[Callable[[], Any], dict[str, Any]]
CASES: dict[str, Case] = {
    "plain": (
        lambda: Plain(n_heads=8, dropout=0.2),
        {"n_heads": 8, "dropout": 0.2, "name": "x"},
    ),
    "positional": (lambda: Plain(8, 0.3, "y"), {"n_heads": 8, "dropout": 0.3, "name": "y"}),
    "not stored": (lambda: NotStored(16, 3), {"hidden": 16, "depth": 3, "act": "relu"}),
    "inherits, kwargs to super": (
        lambda: Child(extra=5, n_heads=2),
        {"extra": 5, "n_heads": 2, "dropout": 0.1, "name": "x"},
    ),
    "subclass without init": (
        lambda: ChildNoInit(4, depth=1),
        {"hidden": 4, "depth": 1, "act": "relu"},
    ),
    "dataclass config stored": (
        lambda: WithCfg(Cfg(3, 5)),
        {"config.n_layer": 3, "config.n_head": 5, "config.lr": 1e-3},
    ),
    "dataclass config unpacked": (
        lambda: WithCfgUnpacked(Cfg(3, 5)),
        {"cfg.n_layer": 3, "cfg.n_head": 5, "cfg.lr": 1e-3},
    ),
    "kwargs": (lambda: Kw(h=3, k="q", unused=1), {"h": 3, "k": "q", "unused": 1}),
    "kwargs stored": (lambda: KwStored(h=3, k="q"), {"h": 3, "k": "q"}),
    "positional-only": (lambda: PosOnly(1, 2, c=4, d="w"), {"a": 1, "b": 2, "c": 4, "d": "w"}),
    "args": (lambda: VarPos(4, 8, 2), {"sizes": (4, 8, 2)}),
    "dataclass module": (lambda: DataclassModule(h=7, act="relu"), {"h": 7, "act": "relu"}),
    "mutates before super": (lambda: Mutates(8, 2), {"width": 8, "mult": 2}),
    "mutates after super": (lambda: MutatesAfter(8), {"width": 8}),
    "parsed": (lambda: Parsed("relu", 5), {"act": "relu", "kernel": 5}),
    "late super": (lambda: LateSuper(3), {"n": 3}),
    "classmethod factory": (lambda: FactoryBase.from_name("b"), {"depth": 12}),
    "HF-like config": (
        lambda: HFModel(HFConfig(hidden_size=16, extra=3)),
        {
            "config.hidden_size": 16,
            "config.num_attention_heads": 2,
            "config.dropout": 0.1,
            "config.extra": 3,
        },
    ),
    "own __new__": (lambda: OwnNew(3), {"k": 3}),
    "Generic": (lambda: GenericModule[int](n=3), {"n": 3}),
    "ABC": (lambda: AbstractModule(n=3), {"n": 3}),
    "dict mixin": (lambda: DictModule(n=3), {"n": 3}),
    "TransformerEncoderLayer": (
        lambda: encoder_layer(dropout=0.2, activation="gelu"),
        {
            "d_model": 16,
            "nhead": 4,
            "dim_feedforward": 32,
            "dropout": 0.2,
            "activation": "gelu",
            "layer_norm_eps": 1e-5,
            "batch_first": True,
            "norm_first": False,
            "bias": True,
            "device": None,
            "dtype": None,
        },
    ),
    "TransformerEncoder copies": (
        lambda: nn.TransformerEncoder(encoder_layer(), num_layers=2).layers[1],
        {"d_model": 16, "nhead": 4, "dim_feedforward": 32},
    ),
    "Conv2d": (
        lambda: nn.Conv2d(3, 8, 5, stride=2),
        {"in_channels": 3, "out_channels": 8, "kernel_size": 5, "stride": 2},
    ),
    "LSTM": (
        lambda: nn.LSTM(4, 8, num_layers=2, bidirectional=True),
        {"input_size": 4, "hidden_size": 8, "num_layers": 2, "bidirectional": True},
    ),
    "Sequential child": (lambda: nn.Sequential(Plain(8), nn.ReLU())[0], {"n_heads": 8}),
    "partial": (
        lambda: functools.partial(Plain, n_heads=8)(dropout=0.2),
        {"n_heads": 8, "dropout": 0.2},
    ),
    "torch.compile": (lambda: torch.compile(Plain(8, 0.2)), {"n_heads": 8, "dropout": 0.2}),
    "jit.script": (lambda: torch.jit.script(Bare(5)), {"n": 5}),
    "jit.trace": (
        lambda: torch.jit.trace(nn.Sequential(nn.Linear(4, 3)), torch.ones(1, 4)).get_submodule(
            "0"
        ),
        {"in_features": 4, "out_features": 3},
    ),
    "deepcopy": (lambda: copy.deepcopy(NotStored(16, 3)), {"hidden": 16, "depth": 3}),
    "pickle": (
        lambda: pickle.loads(pickle.dumps(NotStored(16, 3))),
        {"hidden": 16, "depth": 3, "act": "relu"},
    ),
    "LightningModule": (
        lambda: Lit(Plain(2), weight_decay=0.5, warmup=7),
        {"weight_decay": 0.5, "warmup": 7},
    ),
    "LightningModule that saves": (
        lambda: LitSaved(Plain(2), weight_decay=0.5, warmup=7),
        {"weight_decay": 0.5, "warmup": 7},
    ),
    "meta device": (lambda: on_meta(lambda: NotStored(16, 3)), {"hidden": 16, "depth": 3}),
    "no submodule": (lambda: Bare(5), {"n": 5}),
    "LightningModule child that saves": (
        lambda: LitChild(a=3, b=4, model=Plain(2)),
        {"a": 3, "b": 4, "weight_decay": 0.01},
    ),
    "skip_init": (
        lambda: nn.utils.skip_init(nn.Linear, 3, 4),
        {"in_features": 3, "out_features": 4},
    ),
}
INCOMPLETE = ("mutates before super", "jit.script", "jit.trace")
