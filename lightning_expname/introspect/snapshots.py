"""What the record of a constructor keeps of an argument: light, safe, and as it was passed.

Never a tensor, a module, or anything that reaches one: a record must not keep memory alive, be
seen by the optimizer, or be mutated by the constructor that runs after it was taken.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import enum
import inspect
import numbers
import re
import types
import uuid
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import torch

from ..facts import Kind
from .classify import comes_from
from .keys import keyed
from .leaves import record_of
from .values import MAX_ITEMS, config_entries, describe

ATOMS: Final[frozenset[type]] = frozenset(
    {int, float, bool, str, type(None), complex, torch.dtype, torch.device, torch.Size}
)
"""Types whose instances are immutable and hold nothing: kept as they are."""

_IMMUTABLE: Final = (
    PurePath,
    uuid.UUID,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    re.Pattern,
)
_MAX_SEQUENCE: Final = 1024
_MAX_DEPTH: Final = 6


class Opaque(NamedTuple):
    """An argument that is not kept; only the name of its type is."""

    type_name: str


class Text(NamedTuple):
    """An argument that is kept as a description, with the kind of the original."""

    kind: Kind
    text: str


class Missing(NamedTuple):
    """A parameter that no longer had a value when the record was taken (`del x`)."""


@dataclasses.dataclass(frozen=True, eq=False)
class ConfigSnapshot:
    """The entries of a config object; its class, so that declared types can be found."""

    cls: type | None
    items: dict[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class ModuleRef:
    """A module given as an argument: its class and its own record, never the module."""

    cls: type | None
    class_name: str
    record: Any


def stand_in(value: Any) -> str | None:
    """The short text that stands for what a snapshot did not keep; None for what it did."""
    if isinstance(value, Text):
        return value.text
    if isinstance(value, Opaque):
        return f"<{value.type_name}>"
    return "<unknown>" if isinstance(value, Missing) else None


def snapshot(value: Any, depth: int = 0) -> Any:
    """What a record keeps of the value; never raises."""
    if type(value) in ATOMS:
        return value
    try:
        return _snapshot(value, depth)
    except Exception:  # a user's object may raise from any of its methods
        return Opaque(type(value).__name__)


def unwrapped(module: Any) -> Any:
    """The module within torch.compile, DDP, DataParallel and AveragedModel wrappers."""
    for _ in range(8):
        inner = _WRAPPED.get(type(module).__name__)
        children = vars(module).get("_modules") or {}
        if inner is None or children.get(inner) is None:
            return module
        module = children[inner]
    return module


_WRAPPED: Final[dict[str, str]] = {
    "OptimizedModule": "_orig_mod",
    "DistributedDataParallel": "module",
    "DataParallel": "module",
    "AveragedModel": "module",
    "FullyShardedDataParallel": "_fsdp_wrapped_module",
}


def _snapshot(value: Any, depth: int) -> Any:
    if isinstance(value, torch.nn.Module):
        return reference(value)
    if isinstance(value, torch.Tensor):
        return _tensor(value)
    if isinstance(value, (enum.Enum, numbers.Number, type, *_IMMUTABLE)):
        return value
    if isinstance(value, (str, bytes)):
        return _text(value)
    if comes_from(value, "numpy", "bool", "bool_"):  # the one scalar that is no Number
        return bool(value)
    if callable(value) and not hasattr(type(value), "to_dict"):
        return _callable(value)
    if depth >= _MAX_DEPTH:
        return Opaque(type(value).__name__)
    return _container(value, depth)


def reference(module: torch.nn.Module) -> ModuleRef:
    """A light reference to a module: its class and its record."""
    inner = unwrapped(module)
    return ModuleRef(type(inner), type(inner).__name__, record_of(inner))


def _text(value: str | bytes) -> Any:
    if isinstance(value, str):  # of a subclass, which may hold anything
        return str.__str__(value)
    return bytes(value) if len(value) <= _MAX_SEQUENCE else Text("other", describe(value))


def _tensor(value: torch.Tensor) -> Any:
    # A fake or sharded tensor (a subclass) may start a collective or fail on `item`.
    is_plain = type(value) in (torch.Tensor, torch.nn.Parameter)
    if is_plain and value.ndim == 0 and value.device.type == "cpu":
        return value.item()
    return Opaque(type(value).__name__)


def _callable(value: Any) -> Any:
    name = str(getattr(value, "__qualname__", "<"))
    bound_to = getattr(value, "__self__", None)
    is_free = bound_to is None or isinstance(bound_to, (types.ModuleType, type))
    is_function = isinstance(value, (types.FunctionType, types.BuiltinFunctionType))
    if is_function and is_free and "<" not in name:
        return value
    short = name.rpartition(".")[2]
    if inspect.isfunction(value) and "<" not in short:
        return Text("categorical", short)  # a local function may close over tensors
    return Text("other", describe(value))


def _container(value: Any, depth: int) -> Any:
    if comes_from(value, "omegaconf", "DictConfig", "ListConfig"):
        return _omega(value, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _sequence(value, depth)
    if isinstance(value, Mapping):
        return _entries(value, depth)
    entries = config_entries(value)
    if entries is None or len(entries) > MAX_ITEMS:
        return Opaque(type(value).__name__)
    return ConfigSnapshot(type(value), _entries(entries, depth))


def _omega(value: Any, depth: int) -> Any:
    from omegaconf import OmegaConf  # only reached with an object of omegaconf in hand

    raw = OmegaConf.to_container(value, resolve=False)
    with contextlib.suppress(Exception):  # one that leads nowhere: all stay as they are written
        raw = _settled(raw, OmegaConf.to_container(value, resolve=True))
    return snapshot(raw, depth)


def _settled(raw: Any, resolved: Any) -> Any:
    """What interpolations lead to, but for the environment's variables: these may be secrets."""
    if isinstance(raw, dict) and isinstance(resolved, dict):
        return {key: _settled(item, resolved.get(key)) for key, item in raw.items()}
    if isinstance(raw, list) and isinstance(resolved, list):
        return [_settled(*pair) for pair in zip(raw, resolved, strict=True)]
    is_private = isinstance(raw, str) and "env:" in raw
    return raw if is_private else resolved


def _sequence(value: Any, depth: int) -> Any:
    if len(value) > _MAX_SEQUENCE:
        return Opaque(type(value).__name__)
    items = [snapshot(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return _set(value, items)
    return items if isinstance(value, list) else tuple(items)


def _set(value: set[Any] | frozenset[Any], items: list[Any]) -> Any:
    """A set within a set must be frozen; what is kept as a description only cannot stand in one."""
    if any(isinstance(item, (Opaque, Text, ModuleRef, ConfigSnapshot)) for item in items):
        return Opaque(type(value).__name__)
    return frozenset(items) if isinstance(value, frozenset) else set(items)


def _entries(value: Mapping[Any, Any], depth: int) -> Any:
    if len(value) > MAX_ITEMS:
        return Opaque(type(value).__name__)
    return keyed(((key, snapshot(item, depth + 1)) for key, item in value.items()), str)
