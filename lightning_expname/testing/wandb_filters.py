"""The part of MongoDB's query language that `wandb.Api().runs(filters=...)` documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from .wandb_runs import Json, RefusalError, ServedRun

_ATTRIBUTES: Final = {
    "display_name": "name",
    "displayName": "name",
    "name": "id",
    "state": "state",
    "group": "group",
    "jobType": "job_type",
    "job_type": "job_type",
    "tags": "tags",
    "created_at": "created",
    "createdAt": "created",
}
_COMBINATIONS: Final[dict[str, Callable[[list[bool]], bool]]] = {
    "$and": all,
    "$or": any,
    "$nor": lambda found: not any(found),
}
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$eq": lambda value, wanted: value == wanted or wanted in _many(value),
    "$ne": lambda value, wanted: value != wanted and wanted not in _many(value),
    "$gt": lambda value, wanted: value is not None and value > wanted,
    "$gte": lambda value, wanted: value is not None and value >= wanted,
    "$lt": lambda value, wanted: value is not None and value < wanted,
    "$lte": lambda value, wanted: value is not None and value <= wanted,
    "$in": lambda value, wanted: any(one in wanted for one in _many(value)),
    "$nin": lambda value, wanted: not any(one in wanted for one in _many(value)),
    "$exists": lambda value, wanted: (value is not None) == bool(wanted),
    "$regex": lambda value, wanted: any(_found(wanted, one) for one in _many(value)),
}


def matches(run: ServedRun, filters: Json) -> bool:
    """Whether a run fits all filters.

    Raises:
        RefusalError: an operator is unknown.

    Example:
        >>> run = ServedRun("e", "p", "i", created="", config_json='{"lr": {"value": 0.1}}')
        >>> matches(run, {"config.lr": {"$lt": 1}}), matches(run, {"state": "failed"})
        (True, False)
    """
    return all(_holds(run, key, wanted) for key, wanted in filters.items())


def _holds(run: ServedRun, key: str, wanted: Any) -> bool:
    if key in _COMBINATIONS:
        return _COMBINATIONS[key]([matches(run, one) for one in wanted])
    value = _value(run, key)
    if not _is_operators(wanted):
        return _OPERATORS["$eq"](value, wanted)
    return all(_operator(name)(value, operand) for name, operand in wanted.items())


def _is_operators(wanted: Any) -> bool:
    return isinstance(wanted, dict) and bool(wanted) and all(key[:1] == "$" for key in wanted)


def _operator(name: str) -> Callable[[Any, Any], bool]:
    if name not in _OPERATORS:
        raise RefusalError(f"unknown operator {name}; known are {', '.join(_OPERATORS)}")
    return _OPERATORS[name]


def _value(run: ServedRun, key: str) -> Any:
    if key in _ATTRIBUTES:
        return getattr(run, _ATTRIBUTES[key])
    head, _, rest = key.partition(".")
    if head == "config":
        return _deep(run.config, rest.removesuffix(".value"))
    return _deep(run.summary, rest) if head in ("summary_metrics", "summary") else None


def _deep(tree: Any, path: str) -> Any:
    if isinstance(tree, dict) and path in tree:
        return tree[path]
    for part in path.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _found(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and re.search(pattern, value) is not None
