"""torch's own smallest modules, which need no record: their attributes are their arguments.

Networks are made of them, so that watching their constructors would be most of what watching
costs. Only exact classes whose attributes hold the arguments just as they were passed stand
here; `device` and `dtype` say where weights lie, and are not told.

Source of the attributes: torch.nn.modules (linear, activation, dropout), torch 2.1 to 2.13.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

from torch import nn

from .record import RECORD_KEY, RECORD_VERSION

Arguments = dict[str, Any]


def _linear(module: Any) -> Arguments:
    sizes = {"in_features": module.in_features, "out_features": module.out_features}
    return {**sizes, "bias": module.bias is not None}


def _attributes(*names: str) -> Callable[[Any], Arguments]:
    return lambda module: {name: getattr(module, name) for name in names}


LEAVES: Final[dict[type, Callable[[Any], Arguments]]] = {
    nn.Linear: _linear,
    nn.Identity: _attributes(),
    nn.ReLU: _attributes("inplace"),
    nn.SiLU: _attributes("inplace"),
    nn.GELU: _attributes("approximate"),
    nn.Tanh: _attributes(),
    nn.Sigmoid: _attributes(),
    nn.Dropout: _attributes("p", "inplace"),
}


def record_of(module: nn.Module) -> Any:
    """The module's record; of a leaf the plain form of one, made now; None where there is none."""
    record = vars(module).get(RECORD_KEY)
    cls = type(module)
    if record is not None or not isinstance(cls, Hashable) or cls not in LEAVES:
        return record
    arguments = LEAVES[cls]
    own = arguments(module)
    path = f"{cls.__module__}:{cls.__qualname__}"
    return {
        "version": RECORD_VERSION,
        "class": path,
        "own": own,
        "inherited": {},
        "unrecovered": [],
    }
