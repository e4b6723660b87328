"""Reduces the value of a hyper-parameter to what JSON can hold."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import inspect
import math
import numbers
import re
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final, cast

from ..facts import Kind, Plain
from .classify import (
    EMPTY,
    classify,
    comes_from,
    declared_types,
    declares_only,
    is_endless,
    is_number,
)
from .keys import keyed

MAX_TEXT: Final = 1000
MAX_ITEMS: Final = 10_000
MAX_PARTS: Final = 100_000
"""Of one value, all levels together: a list that holds one list a hundred times, and so on."""

_MAX_ARRAY: Final = 64
_MAX_DEPTH: Final = 32
_CONFIG_NAME: Final = re.compile(r"(?i)(config|cfg|conf|args|arguments|namespace|options|hparams)$")


def plain(value: object, kind: Kind | None = None) -> Plain:
    """The value as JSON can hold it; a description where there is no such value.

    An Enum is its name, a class or a function its `__name__`, a path and a device their text, a
    dtype its text without `torch.`, a number of numpy or torch a Python number, a tuple a list, a
    set a sorted list, a config object a dict. `docs/config.md` has the whole table.

    Args:
        value: anything; never raises.
        kind: as `classify` found it. A `float` becomes a Python float (`"1e-3"` is 0.001,
            1 is 1.0), an `int` a Python int (2.0 is 2).

    Example:
        >>> plain((3, 3)), plain("1e-3", "float"), plain(2.0, "int")
        ([3, 3], 0.001, 2)
    """
    try:
        return _of_kind(_Reducer().reduce(value), kind)
    except Exception:  # user objects may raise from any of their methods
        return describe(value)


def plain_entries(entries: Mapping[Any, Any]) -> dict[str, Plain]:
    """`plain` of each value, under its key as a text; no limit of how many."""
    return keyed(((key, plain(value)) for key, value in entries.items()), _key_of)


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
        if is_endless(value):
            return f"<int of {int(value).bit_length()} bits>"  # type: ignore[call-overload]
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
    is_short = isinstance(value, (int, float, str, bool)) and not is_endless(value)
    return repr(value)[:80] if is_short else describe(value)


def _of_kind(value: Plain, kind: Kind | None) -> Plain:
    if isinstance(value, bool):
        return value
    if kind == "float" and isinstance(value, (int, str)):
        return float(value) if isinstance(value, int) or is_number(value) else value
    if kind == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


class _Reducer:
    """One value: holds the containers on its way against self-reference, and counts its parts."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._left = MAX_PARTS

    def reduce(self, value: object) -> Plain:
        self._left -= 1
        if is_endless(value):
            return describe(value)
        if value is None or type(value) in (bool, int, float):
            return value  # type: ignore[return-value]
        if isinstance(value, enum.Enum):
            return str(value.name if value.name is not None else value.value)
        if isinstance(value, str):
            return str(value) if len(value) <= MAX_TEXT else f"{value[: MAX_TEXT - 1]}…"
        if comes_from(value, "torch", "Tensor") or comes_from(value, "numpy", "ndarray", "generic"):
            return self._array(value)
        if isinstance(value, numbers.Number):
            return _reduce_number(value)
        text = _as_text(value)
        return text if text is not None else self._container(value)

    def _array(self, value: Any) -> Plain:
        if value.ndim == 0:
            return self.reduce(value.item())
        if math.prod(value.shape) <= _MAX_ARRAY:
            return self.reduce(value.tolist())
        return f"<{type(value).__name__} {'x'.join(map(str, value.shape))}>"

    def _container(self, value: object) -> Plain:
        items = _items(value)
        if items is None or id(value) in self._open or len(self._open) >= _MAX_DEPTH:
            return describe(value)
        if len(items) > min(MAX_ITEMS, self._left):
            return f"<{type(value).__name__} of {len(items)}>"
        self._open.add(id(value))
        try:
            if isinstance(items, Mapping):
                return keyed(((key, self.safely(one)) for key, one in items.items()), _key_of)
            told = [self.safely(item) for item in items]
            # The order of a set, and the texts of what is in it, change from process to process.
            return sorted(told, key=repr) if isinstance(value, (set, frozenset)) else told
        finally:
            self._open.discard(id(value))

    def safely(self, value: object) -> Plain:
        """One bad value never loses the others."""
        try:
            return self.reduce(value)
        except Exception:
            return describe(value)


def _key_of(key: object) -> str:
    """The text that a key is recorded under."""
    reduced = key if isinstance(key, str) else plain(key)
    return reduced if isinstance(reduced, str) else str(reduced)


def _as_text(value: object) -> str | None:
    """What is said by a text of its own: paths, dtypes, dates, patterns, identifiers."""
    if isinstance(value, (PurePath, uuid.UUID)):
        return str(value)
    if comes_from(value, "torch", "dtype", "device"):
        return str(value).removeprefix("torch.")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, re.Pattern):
        return str(value.pattern)
    return str(value) if isinstance(value, datetime.timedelta) else None


def _items(value: object) -> Mapping[Any, Any] | list[Any] | None:
    """The parts of a container or of a config object; None when it is neither."""
    if comes_from(value, "omegaconf", "DictConfig", "ListConfig"):
        from omegaconf import OmegaConf  # only reached with an object of omegaconf in hand

        return cast("dict[Any, Any] | list[Any]", OmegaConf.to_container(value))
    if isinstance(value, Counter):
        return list(value.elements())
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if isinstance(value, type) or callable(value):
        return None
    return value if isinstance(value, Mapping) else config_entries(value)


def config_entries(value: Any) -> Mapping[Any, Any] | None:
    """The entries of a config object (dataclass, pydantic, attrs, HF-style, a namespace), or None.

    Only fields that the class declares, or an object whose class calls itself a config.
    """
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    fields = getattr(type(value), "model_fields", None)
    if isinstance(fields, Mapping) and hasattr(value, "model_dump"):
        return {name: getattr(value, name) for name in fields}
    attributes = getattr(type(value), "__attrs_attrs__", None)
    if isinstance(attributes, tuple):
        return {field.name: getattr(value, field.name, None) for field in attributes}
    is_named_config = bool(_CONFIG_NAME.search(type(value).__name__))
    # A DataFrame and a dataset have `to_dict` as well, and would copy all of their data.
    if hasattr(value, "to_dict") and (is_named_config or not hasattr(value, "__len__")):
        entries = value.to_dict()
        return entries if isinstance(entries, Mapping) else None
    return dict(vars(value)) if is_named_config and hasattr(value, "__dict__") else None


def _reduce_number(value: object) -> Plain:
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, (numbers.Real, decimal.Decimal, fractions.Fraction)):
        return float(value)
    return describe(value)
