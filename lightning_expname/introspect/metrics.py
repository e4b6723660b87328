"""Facts about the torchmetrics of a module: their classes and arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..facts import Plain
from .hparams import collect_hparams
from .leaves import LEAVES
from .values import plain

_TASKS: Final = ("Binary", "Multiclass", "Multilabel")  # torchmetrics names its classes by these
_QUIET: Final = ("metrics", "additional_metrics", "kwargs")


def describe_metrics(module: Any) -> dict[str, Plain]:
    """Every Metric and MetricCollection on the module, by the name of its attribute.

    Args:
        module: the LightningModule; metrics in plain lists and dicts of it are found as well.
    """
    return {name: _described(metric) for name, metric in _metrics(module)}


def _metrics(module: Any) -> Iterator[tuple[str, Any]]:
    """(dotted name, metric), without looking into metrics; quick for thousands of modules."""
    kinds: dict[type, str] = {}  # asked once a class, not once a module
    waiting: list[tuple[str, Any]] = [("", module)]
    seen: set[int] = set()
    while waiting:
        prefix, current = waiting.pop()
        children = list((vars(current).get("_modules") or {}).items())
        children += _loose(current) if current is module else []
        inner: list[tuple[str, Any]] = []
        for name, child in children:
            cls = type(child)
            kind = kinds.get(cls) or kinds.setdefault(cls, _kind(cls))
            if kind == "leaf" or id(child) in seen:
                continue
            seen.add(id(child))
            if kind == "metric":
                yield f"{prefix}{name}", child
            elif vars(child).get("_modules"):
                inner.append((f"{prefix}{name}.", child))
        waiting += reversed(inner)


def _loose(module: Any) -> list[tuple[str, Any]]:
    """Metrics that nn.Module does not know of: in a list, a tuple or a dict."""
    found: list[tuple[str, Any]] = []
    for name, value in vars(module).items():
        if name.startswith("_") or not isinstance(value, (list, tuple, dict)):
            continue
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found += [(f"{name}.{key}", one) for key, one in items if _is_metric(type(one))]
    return found


def _kind(cls: type) -> str:
    if cls is type(None) or cls in LEAVES:  # torch's smallest modules hold no others
        return "leaf"
    return "metric" if _is_metric(cls) else "branch"


def _is_metric(cls: type) -> bool:
    return any(
        base.__name__ in ("Metric", "MetricCollection")
        and base.__module__.partition(".")[0] == "torchmetrics"
        for base in cls.__mro__
    )


def _described(metric: Any) -> dict[str, Plain]:
    name = type(metric).__name__
    if any(base.__name__ == "MetricCollection" for base in type(metric).__mro__):
        return {"name": name, **_affixes(metric), "metrics": dict(_members(metric))}
    task = [{"task": task.lower()} for task in _TASKS if name.startswith(task)]
    arguments = {key: plain(value) for key, value in collect_hparams(metric).items()}
    return {"name": name, **(task[0] if task else {}), **arguments}


def _affixes(collection: Any) -> dict[str, Plain]:
    held = {name: getattr(collection, name, None) for name in ("prefix", "postfix")}
    return {name: plain(value) for name, value in held.items() if value is not None}


def _members(collection: Any) -> Iterator[tuple[str, Mapping[str, Plain]]]:
    for name, metric in (vars(collection).get("_modules") or {}).items():
        yield name, _described(metric)
