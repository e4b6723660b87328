"""Wrappers that nobody here knows: the run is named after the model within them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule
from torch import nn

from lightning_expname.introspect.hparams import describe_module


class Net(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layer = nn.Linear(width, width)


class Average(nn.Module):
    """An exponential moving average, with a buffer."""

    def __init__(self, model: nn.Module, decay: float = 0.99) -> None:
        super().__init__()
        self.online = model
        self.average = copy.deepcopy(model)
        self.register_buffer("steps", torch.zeros(()))


class Tuner(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.model.layer = nn.Sequential(model.layer, nn.Linear(4, 4))  # as adapters do


class Adapted(nn.Module):
    """Another wrapper, built inside, holds the model: `base_model.model`."""

    def __init__(self, model: nn.Module, rank: int = 8) -> None:
        super().__init__()
        self.base_model = Tuner(model)


class Classifier(nn.Module):
    def __init__(self, model: nn.Module, classes: int = 3) -> None:
        super().__init__()
        self.model = model
        self.head = nn.Linear(4, classes)


class Composed(nn.Module):
    """Holds nothing but an encoder, and is a model nevertheless."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder


class Stack(nn.Module):
    def __init__(self, module: nn.Module, depth: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList([copy.deepcopy(module) for _ in range(depth)])


class Scaled(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.scale = nn.Parameter(torch.ones(()))


class Absent(nn.Module):
    """Keeps what it was given where nobody sees it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.hidden = [model]


class Lit(LightningModule):
    def __init__(self, model: nn.Module, lr: float = 0.1) -> None:
        super().__init__()
        self.kept = model  # not under the argument's name


class Distilled(LightningModule):
    def __init__(self, student: nn.Module, temperature: float = 2.0) -> None:
        super().__init__()
        self.student = student


CASES: list[tuple[Callable[[], Any], str]] = [
    (lambda: Average(Net(8)), "Net"),
    (lambda: Adapted(Net(8)), "Net"),
    (lambda: Average(Adapted(Net(8))), "Net"),
    (lambda: Average(torch.compile(Net(8), backend="eager")), "Net"),
    (lambda: torch.compile(Average(Net(8)), backend="eager"), "Net"),
    (lambda: Lit(Average(Net(8))), "Net"),
    (lambda: Distilled(Lit(Net(8))), "Net"),
    (lambda: Average(Classifier(Net(8))), "Classifier"),
    (lambda: Classifier(Net(8)), "Classifier"),
    (lambda: Composed(Net(8)), "Composed"),
    (lambda: Stack(Net(8)), "Stack"),
    (lambda: Scaled(Net(8)), "Scaled"),
    (lambda: Absent(Net(8)), "Absent"),
]


@pytest.mark.parametrize(("build", "name"), CASES)
def test_the_model_within_is_named(build: Callable[[], Any], name: str) -> None:
    described = describe_module(Lit(build()))
    assert described.model == name
    spoken = {one.name: one.value for one in described.hparams if one.owner == "model"}
    assert spoken["width"] == 8
    assert described.unrecovered == ()


def test_of_several_models_the_one_that_is_called_so_is_looked_into() -> None:
    class Both(LightningModule):
        def __init__(self, teacher: nn.Module, model: nn.Module) -> None:
            super().__init__()
            self.teacher, self.model = teacher, model

    assert describe_module(Both(Classifier(Net()), Average(Net()))).model == "Net"


def test_a_wrapper_that_holds_itself_is_no_endless_search() -> None:
    outer = Average(Net(8))
    outer.online = outer
    assert describe_module(Lit(outer)).model == "Average"
