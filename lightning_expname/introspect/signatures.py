"""What constructors declare: annotations and defaults, along the base classes."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

from .classify import EMPTY

_STARRED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Parameter:
    """One declared parameter; `annotation` and `default` are `EMPTY` when there is none."""

    name: str
    annotation: object = EMPTY
    default: object = EMPTY
    is_positional: bool = True


def parameters_of(cls: type | None) -> dict[str, Parameter]:
    """Every parameter that a class's constructors declare, the outermost declaration first."""
    found: dict[str, Parameter] = {}
    for init in _constructors(cls):
        for name, parameter in parameters_of_function(init).items():
            found.setdefault(name, parameter)
    return found


def own_parameters(cls: type | None) -> dict[str, Parameter]:
    """The parameters a caller can give: the outermost constructor's, and what its `**kwargs`
    let through to the constructors of base classes."""
    found: dict[str, Parameter] = {}
    for init in _constructors(cls):
        for name, parameter in parameters_of_function(init).items():
            found.setdefault(name, parameter)
        if not _takes_any_keyword(init):
            break
    return found


def config_parameters(cls: type | None) -> dict[str, Parameter]:
    """The parameters of a config class: its dataclass fields or its constructor's arguments."""
    if cls is None:
        return {}
    return parameters_of_function(cls.__init__)  # type: ignore[misc]


def parameters_of_code(cls: type | None, code: CodeType) -> dict[str, Parameter]:
    """The parameters of that constructor of the class which runs `code`."""
    for init in _constructors(cls):
        if getattr(init, "__code__", None) is code:
            return parameters_of_function(init)
    return {}


def parameters_of_function(function: Callable[..., Any]) -> dict[str, Parameter]:
    """Name to declaration, `self` and starred ones aside; empty where there is no signature."""
    try:
        declared = list(inspect.signature(function).parameters.values())[1:]
    except Exception:  # builtins have none, and a `__signature__` may be anything
        return {}
    hints = _hints(function)
    return {
        item.name: Parameter(
            item.name,
            hints.get(item.name, item.annotation),
            item.default,
            item.kind is not inspect.Parameter.KEYWORD_ONLY,
        )
        for item in declared
        if item.kind not in _STARRED
    }


def path_of(cls: type | None) -> str:
    """`module:qualified name` of a class."""
    return "" if cls is None else f"{cls.__module__}:{cls.__qualname__}"


def class_at(path: str) -> type | None:
    """The class of a `path_of`, if its module is loaded already; nothing is imported."""
    module, _, qualified = path.partition(":")
    found: Any = sys.modules.get(module)
    for name in qualified.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, type) else None


def _constructors(cls: type | None) -> Iterator[Callable[..., Any]]:
    for base in cls.__mro__ if cls is not None else ():
        init = base.__dict__.get("__init__")
        if base is object or not callable(init) or _is_torch_base(base):
            continue
        try:
            yield inspect.unwrap(init)
        except ValueError:  # a wrapper that wraps itself
            continue
        yield from _hidden_constructors(init)


def _hidden_constructors(init: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """The constructor within a decorator that was written without `functools.wraps`."""
    for cell in getattr(init, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:  # an empty cell
            continue
        if inspect.isfunction(content) and content.__name__ == "__init__":
            yield content


def _is_torch_base(cls: type) -> bool:
    return cls.__module__ == "torch.nn.modules.module"


def _takes_any_keyword(function: Callable[..., Any]) -> bool:
    try:
        declared = inspect.signature(function).parameters.values()
    except Exception:
        return False
    return any(item.kind is inspect.Parameter.VAR_KEYWORD for item in declared)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except Exception:  # names that exist only for type checkers: the raw annotations serve
        return {}
