"""What an object was built with, as far as it kept it: schedulers, callbacks, datasets, samplers.

Only `torch.nn.Module`s are watched while they are built; of other objects the attributes that are
named as the constructor's parameters tell. Progress (`last_epoch`, `best`...) has no such name.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Collection, Mapping
from typing import Any, Final

from ..facts import Plain
from .signatures import own_parameters
from .values import describe, plain

_ABSENT: Final = object()
_MAX_DEPTH: Final = 3
_MAX_ITEMS: Final = 64
_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None), Mapping, set, frozenset)


def describe_object(
    value: object, *, skip: Collection[str] = (), extra: Mapping[str, Any] | None = None
) -> dict[str, Plain]:
    """`name`, and the constructor's arguments that the object still holds; never raises.

    Args:
        value: any object.
        skip: parameters that are no setting (`optimizer`, `dirpath`).
        extra: where else a parameter's value may stand (an optimizer's param group).

    Example:
        >>> describe_object(EarlyStopping("val_acc", patience=5), skip=["verbose"])["patience"]
        5
    """
    return _described(value, skip, extra or {}, 0)


def _described(
    value: object, skip: Collection[str], extra: Mapping[str, Any], depth: int
) -> dict[str, Plain]:
    found: dict[str, Plain] = {"name": type(value).__name__}
    for name in own_parameters(type(value)):
        held = _held(value, name, extra) if name not in skip else _ABSENT
        if held is not _ABSENT:
            told = part(held, depth + 1)
            if told is not None or held is None:
                found[name] = told
    return found


def _held(value: object, name: str, extra: Mapping[str, Any]) -> Any:
    """The attribute, public or private, in the singular or the plural; never through a property."""
    attributes = getattr(value, "__dict__", {})
    for candidate in (name, f"_{name}"):
        if candidate in attributes:
            return attributes[candidate]
    if name in extra:
        return extra[name]
    several = attributes.get(f"{name}s", _ABSENT)
    if isinstance(several, (list, tuple)) and several:
        return several[0] if all(one == several[0] for one in several) else list(several)
    return _ABSENT


def part(value: Any, depth: int = 1) -> Plain:
    """One argument: a plain value, a nested description, or a short text; never raises."""
    try:
        return _part(value, depth)
    except Exception:  # objects of users may raise from any of their methods
        return describe(value)


def _part(value: Any, depth: int) -> Plain:
    if isinstance(value, (list, tuple)):
        if len(value) > _MAX_ITEMS:
            return f"<{type(value).__name__} of {len(value)}>"
        return [part(item, depth) for item in value]
    if isinstance(value, _PLAIN) and not isinstance(value, type):
        return plain(value)
    if isinstance(value, (types.FunctionType, functools.partial)):
        return describe_callable(value)
    reduced = plain(value)
    if reduced != describe(value) or depth > _MAX_DEPTH or isinstance(value, type):
        return reduced
    described = _described(value, (), {}, depth)
    return described if len(described) > 1 else type(value).__name__


def describe_callable(value: Any) -> Plain:
    """A function by its name, with the numbers and words that it was closed over; never called.

    Example:
        >>> describe_callable(functools.partial(warm_up, steps=100))
        'partial(warm_up, steps=100)'
    """
    if not isinstance(value, types.FunctionType):
        return describe(value)
    closed = inspect.getclosurevars(value).nonlocals if value.__closure__ else {}
    kept = {
        name: plain(one)
        for name, one in sorted(closed.items())
        if isinstance(one, (bool, int, float, str))
    }
    return {"name": describe(value), **kept} if kept else describe(value)
