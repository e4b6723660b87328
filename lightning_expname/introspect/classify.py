"""What kind of hyper-parameter a value is: the kind decides whether a name may speak it.

torch, numpy and omegaconf are recognised by the names of their types, never imported: a value of
theirs can only exist where they are loaded already.
"""

from __future__ import annotations

import dataclasses
import decimal
import enum
import fractions
import functools
import inspect
import numbers
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Final

from ..facts import Kind

EMPTY: Final = inspect.Parameter.empty

_LITERAL: Final[object] = "literal"
_DECLARED: Final = re.compile(
    r"(?:(?:typing\.)?Optional\[)?\s*(int|float|bool|str)\s*\]?(?:\s*\|\s*None)?"
)
_BASIC: Final[dict[str, type]] = {"int": int, "float": float, "bool": bool, "str": str}
_EXPONENT: Final = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][\w.+-]{0,31}")
_MAX_INTS: Final = 8
_MAX_BITS: Final = 14_000  # 4215 digits
_MAX_WORDS: Final = 4


def classify(value: object, annotation: object = EMPTY, default: object = EMPTY) -> Kind:
    """The kind of a hyper-parameter: by its value, led by its declared type, then its default.

    `int` and `categorical` may stand in names; `float`, `none` and `other` only in the config. An
    integer declared `float` is a float (`dropout: float = 0`), a short list of integers counts
    as `int`, an Enum, a bool, a dtype, a class and a short identifier as `categorical`. A YAML
    `1e-3`, which arrives as a text, is a float.

    Example:
        >>> classify(8), classify(8, float), classify("gelu"), classify("data/train.csv")
        ('int', 'float', 'categorical', 'other')
    """
    try:
        return _classify(value, declared_types(annotation), default)
    except Exception:  # an object that raises from its own dunder methods is no hyper-parameter
        return "other"


def is_endless(value: object) -> bool:
    """Whether an int has more digits than Python writes out (4300; sys.get_int_max_str_digits)."""
    return isinstance(value, int) and value.bit_length() > _MAX_BITS


def flattens(value: object) -> bool:
    """Whether a value is spoken entry by entry: a dict, a DictConfig, a dataclass instance."""
    if isinstance(value, Mapping) or comes_from(value, "omegaconf", "DictConfig"):
        return True
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def comes_from(value: object, package: str, *names: str) -> bool:
    """Whether the value's type, or a base of it, is one of `names` of the given package."""
    return any(
        base.__name__ in names and base.__module__.partition(".")[0] == package
        for base in type(value).__mro__
    )


def declared_types(annotation: object) -> frozenset[object] | None:
    """The types that an annotation admits, None aside; None when it says nothing usable."""
    if annotation is EMPTY or annotation is None or annotation is Any:
        return None
    if isinstance(annotation, str):
        match = _DECLARED.fullmatch(annotation.strip())
        return frozenset({_BASIC[match[1]]}) if match else None
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return declared_types(typing.get_args(annotation)[0])
    if origin is typing.Literal:
        return frozenset({_LITERAL})
    if origin is typing.Union or origin is getattr(types, "UnionType", typing.Union):
        return _union(typing.get_args(annotation))
    return frozenset({origin or annotation})


def declares_only(declared: frozenset[object] | None, only: type) -> bool:
    """Whether a declaration admits exactly one type (beside None)."""
    return declared is not None and len(declared) == 1 and only in declared


def _union(members: tuple[object, ...]) -> frozenset[object] | None:
    found: set[object] = set()
    for member in members:
        if member is type(None):
            continue
        types_of_member = declared_types(member)
        if types_of_member is None:
            return None
        found |= types_of_member
    return frozenset(found)


def _classify(value: object, declared: frozenset[object] | None, default: object) -> Kind:
    if value is None:
        return "none"
    if declared == frozenset({_LITERAL}) or isinstance(value, (enum.Enum, bool)):
        return "categorical"
    if comes_from(value, "numpy", "bool", "bool_"):
        return "categorical"
    if comes_from(value, "torch", "Tensor") or comes_from(value, "numpy", "ndarray"):
        is_scalar = value.ndim == 0  # type: ignore[attr-defined]
        item = value.item() if is_scalar else ...  # type: ignore[attr-defined]
        return _classify(item, declared, default) if is_scalar else "other"
    if is_endless(value):
        return "other"
    if isinstance(value, numbers.Integral):
        return _integral(declared, default)
    if isinstance(value, (numbers.Real, decimal.Decimal, fractions.Fraction)):
        return "int" if declares_only(declared, int) and float(value).is_integer() else "float"
    if isinstance(value, str):
        return _text(value, declared)
    return _composite(value)


def _integral(declared: frozenset[object] | None, default: object) -> Kind:
    if declared is None:
        return "float" if isinstance(default, float) else "int"
    if declares_only(declared, float):
        return "float"
    if bool in declared and not declared & {int, float}:
        return "categorical"
    return "int"


def _text(value: str, declared: frozenset[object] | None) -> Kind:
    if declares_only(declared, float) and is_number(value):
        return "float"
    if (declared is None or declares_only(declared, str)) and _EXPONENT.fullmatch(value):
        return "float"
    return "categorical" if _IDENTIFIER.fullmatch(value) else "other"


def is_number(text: str) -> bool:
    """Whether `float` reads the text."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _composite(value: object) -> Kind:
    if comes_from(value, "torch", "dtype", "device"):
        return "categorical"
    if isinstance(value, type) or inspect.isfunction(value) or inspect.isbuiltin(value):
        return "other" if getattr(value, "__name__", "<").startswith("<") else "categorical"
    if isinstance(value, functools.partial):
        return "other"
    if isinstance(value, (list, tuple)) or comes_from(value, "omegaconf", "ListConfig"):
        return _sequence(list(value))  # type: ignore[call-overload]
    return "other"


def _sequence(items: list[object]) -> Kind:
    if not items or any(isinstance(item, (list, tuple)) for item in items):
        return "other"  # a nested list cannot be told from a flat one when it is spoken
    kinds = {_classify(item, None, EMPTY) for item in items}
    if kinds == {"int"} and len(items) <= _MAX_INTS:
        return "int"
    if kinds == {"categorical"} and len(items) <= _MAX_WORDS:
        return "categorical"
    return "other"
