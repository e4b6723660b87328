"""The dataset's name: said, written on the object, or its class's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .loaders import ask, iter_loaders

UNKNOWN = "data"
"""The name of data that has none: folders and project need one."""

_SUFFIX = re.compile(r"_?(?:Lightning)?(?:Data_?Module|Data_?set)$", re.IGNORECASE)
_GENERIC = frozenset(
    (
        "",
        "tensor",
        "iterable",
        "iterabledataset",
        "map",
        "concat",
        "subset",
        "chain",
        "stack",
        "lightning",
    )
)
_DEPTH = 16  # wrappers inside wrappers; a dataset that holds itself ends here


def dataset_name(datamodule: Any, loaders: Any) -> str | None:
    """The name that tells this data from other data, or None when nothing tells.

    In this order: a text `dataset_name` or `name` on the datamodule, the datamodule's class name
    without `DataModule`; then the same of the datasets behind the loaders, looking through
    `Subset`, `ConcatDataset` and the like. Containers (`TensorDataset`, a list) tell nothing.

    Args:
        datamodule: a LightningDataModule or None.
        loaders: a loader, or loaders nested in lists, dicts or a `CombinedLoader`.

    Example:
        >>> dataset_name(None, DataLoader(Subset(KEMDy19Dataset(), range(8))))
        'KEMDy19'
    """
    if datamodule is not None and (name := _name_of(datamodule)):
        return name
    datasets = [ask(loader, "dataset") for loader in iter_loaders(loaders)]
    return _join(_names_behind(dataset, _DEPTH) for dataset in datasets)


def _join(groups: Iterable[list[str]]) -> str | None:
    """Several datasets are said together, each once, in their order."""
    names = list(dict.fromkeys(name for group in groups for name in group))
    return "_".join(names) or None


def _names_behind(dataset: Any, depth: int) -> list[str]:
    if dataset is None or depth == 0:
        return []
    if name := _name_of(dataset):
        return [name]
    return [name for inner in _inner(dataset) for name in _names_behind(inner, depth - 1)]


def _inner(dataset: Any) -> list[Any]:
    """What a wrapper wraps: `Subset.dataset`, `ConcatDataset.datasets`."""
    several = ask(dataset, "datasets")
    if isinstance(several, Mapping):
        return list(several.values())
    if isinstance(several, (list, tuple)):
        return list(several)
    return [ask(dataset, "dataset")]


def _name_of(holder: Any) -> str | None:
    for attribute in ("dataset_name", "name"):
        value = ask(holder, attribute)
        if isinstance(value, str) and value.strip():
            return value
    return _class_name(type(holder))


def _class_name(cls: type) -> str | None:
    """The class's name without its suffix; None for containers that tell nothing."""
    if cls.__module__ in ("builtins", "torch", "numpy") or cls.__module__.startswith(
        "torch.utils."
    ):
        return None
    return spoken_name(cls.__name__)


def spoken_name(class_name: str) -> str | None:
    """What a class of data is called: without its suffix; None where that tells nothing.

    Example:
        >>> spoken_name("KEMDy19DataModule"), spoken_name("TensorDataset")
        ('KEMDy19', None)
    """
    name = _SUFFIX.sub("", class_name)
    return None if name.lower() in _GENERIC else name
