"""Reduces the value of a hyper-parameter to what JSON can hold."""

from __future__ import annotations

import decimal
import enum
import fractions
import functools
import inspect
import numbers
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from ..facts import Kind, Plain
from .classify import (
    EMPTY,
    classify,
    comes_from,
    declared_types,
    declares_only,
    is_number,
)

MAX_TEXT: Final = 1000
MAX_ITEMS: Final = 256
_MAX_DEPTH: Final = 6


def plain(value: object, kind: Kind | None = None) -> Plain:
    """The value as JSON can hold it; a description where there is no such value.

    An Enum is its name, a class or a function its `__name__`, a path and a device their text, a
    dtype its text without `torch.`, a number of numpy or torch a Python number, a tuple a list.

    Args:
        value: anything; never raises.
        kind: as `classify` found it. A `float` becomes a Python float (`"1e-3"` is 0.001,
            1 is 1.0), an `int` a Python int (2.0 is 2).

    Example:
        >>> plain((3, 3)), plain("1e-3", "float"), plain(2.0, "int")
        ([3, 3], 0.001, 2)
    """
    try:
        return _of_kind(_reduce(value, 0), kind)
    except Exception:  # user objects may raise from any of their methods
        return describe(value)


def typed_plain(value: object, annotation: object = EMPTY, default: object = EMPTY) -> Plain:
    """`plain` of the kind that the declaration leads to; 0 and 1 declared `bool` are bools."""
    reduced = plain(value, classify(value, annotation, default))
    if (
        type(reduced) is int
        and reduced in (0, 1)
        and declares_only(declared_types(annotation), bool)
    ):
        return bool(reduced)
    return reduced


def describe(value: object) -> str:
    """A short text for a value that is not kept: what it is, never its content or address.

    Example:
        >>> describe(functools.partial(int, base=2))
        'partial(int, base=2)'
    """
    try:
        if isinstance(value, functools.partial):
            return _describe_partial(value)
        if inspect.isroutine(value) or isinstance(value, type):
            return str(getattr(value, "__qualname__", type(value).__name__)).rpartition(".")[2]
        if isinstance(value, (complex, bytes, range, slice)):
            return repr(value)[:MAX_TEXT]
    except Exception:  # the type's name needs nothing of the object itself
        return f"<{type(value).__name__}>"
    return f"<{type(value).__name__}>"


def _describe_partial(value: functools.partial[Any]) -> str:
    words = [describe(value.func)]
    words += [_word(argument) for argument in value.args]
    words += [f"{name}={_word(argument)}" for name, argument in value.keywords.items()]
    return f"partial({', '.join(words)})"


def _word(value: object) -> str:
    return repr(value)[:80] if isinstance(value, (int, float, str, bool)) else describe(value)


def _of_kind(value: Plain, kind: Kind | None) -> Plain:
    if isinstance(value, bool):
        return value
    if kind == "float" and isinstance(value, (int, str)):
        return float(value) if isinstance(value, int) or is_number(value) else value
    if kind == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _reduce(value: object, depth: int) -> Plain:
    if value is None or type(value) in (bool, int, float):
        return value  # type: ignore[return-value]
    if isinstance(value, enum.Enum):
        return str(value.name if value.name is not None else value.value)
    if isinstance(value, str):
        return str(value) if len(value) <= MAX_TEXT else f"{value[: MAX_TEXT - 1]}…"
    if comes_from(value, "torch", "Tensor") or comes_from(value, "numpy", "ndarray", "generic"):
        is_scalar = value.ndim == 0  # type: ignore[attr-defined]
        return _reduce(value.item(), depth) if is_scalar else describe(value)  # type: ignore[attr-defined]
    if isinstance(value, numbers.Number):
        return _reduce_number(value)
    if isinstance(value, PurePath):
        return str(value)
    if comes_from(value, "torch", "dtype", "device"):
        return str(value).removeprefix("torch.")
    return _reduce_container(value, depth)


def _reduce_number(value: object) -> Plain:
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, (numbers.Real, decimal.Decimal, fractions.Fraction)):
        return float(value)
    return describe(value)


def _reduce_container(value: object, depth: int) -> Plain:
    is_mapping = isinstance(value, Mapping) or comes_from(value, "omegaconf", "DictConfig")
    is_list = isinstance(value, (list, tuple)) or comes_from(value, "omegaconf", "ListConfig")
    if not (is_mapping or is_list) or depth >= _MAX_DEPTH:
        return describe(value)
    if len(value) > MAX_ITEMS:  # type: ignore[arg-type]
        return f"<{type(value).__name__} of {len(value)}>"  # type: ignore[arg-type]
    if is_mapping:
        items = value.items()  # type: ignore[attr-defined]
        return {str(key): _reduce(item, depth + 1) for key, item in items}
    return [_reduce(item, depth + 1) for item in value]  # type: ignore[attr-defined]
