"""The model within a wrapper that nobody here knows: an average of weights, an adapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch

from .arguments import arguments_of
from .given import given_models
from .snapshots import ModuleRef, unwrapped

WRAPPED_NAMES: Final = ("model", "module", "base_model", "net", "network", "inner", "wrapped")
"""Arguments that stand for the whole model, and for no part of one (`encoder`, `backbone`)."""

_MAX_DEPTH: Final = 8
_CONTAINERS: Final = "torch.nn.modules.container"


def is_lightning_module(module: torch.nn.Module) -> bool:
    """Of either flavour."""
    return any(base.__name__ == "LightningModule" for base in type(module).__mro__)


def child_of(module: torch.nn.Module, given: ModuleRef) -> torch.nn.Module | None:
    """The child that a module was given, under whatever name; None unless just one is like it."""
    alike = [child for child in _children(module) if type(child) is given.cls]
    return alike[0] if len(alike) == 1 else None


def model_within(module: torch.nn.Module) -> torch.nn.Module:
    """The model that a wrapper, or another LightningModule, was given; else the module itself.

    A wrapper was given one module under a name for a whole model, and holds nothing but it,
    copies of it, or wrappers around it: no layer and no parameter of its own. A classifier around
    a backbone has a head, and a stack of copies of a layer has a container; both are models.

    Example:
        >>> type(model_within(WeightAverage(model=Net(), decay=0.99))).__name__
        'Net'
    """
    for _ in range(_MAX_DEPTH):
        module = unwrapped(module)
        held = _held_by(module)
        if held is None:
            return module
        module = held
    return module


def _held_by(module: torch.nn.Module) -> torch.nn.Module | None:
    models = given_models(arguments_of(module))
    if len(models) != 1 or len(models[0][0]) != 1 or models[0][1].cls is None:
        return None
    (name,), given = models[0]
    if is_lightning_module(module):
        return child_of(module, given)
    return _only(module, given.cls) if name in WRAPPED_NAMES and given.cls else None


def _only(module: torch.nn.Module, cls: type, depth: int = 0) -> torch.nn.Module | None:
    """The first module of that class within one that holds no other; None when it does."""
    parameters = (vars(module).get("_parameters") or {}).values()
    has_own = any(parameter is not None for parameter in parameters)
    if has_own or type(module).__module__ == _CONTAINERS or depth >= _MAX_DEPTH:
        return None
    found = [
        child if type(child) is cls else _only(child, cls, depth + 1) for child in _children(module)
    ]
    return None if None in found else next(iter(found), None)


def _children(module: torch.nn.Module) -> Iterator[torch.nn.Module]:
    children = vars(module).get("_modules") or {}
    return (unwrapped(child) for child in children.values() if child is not None)
