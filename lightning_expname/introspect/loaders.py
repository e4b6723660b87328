"""Facts about the data, read from loaders and the datamodule without drawing a batch.

A loader's truth value is never asked: `bool(DataLoader(iterable_dataset))` raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

_BATCH_SIZE_NAMES = ("batch_size", "train_batch_size", "bs")


def iter_loaders(loaders: Any) -> Iterator[Any]:
    """The loaders inside whatever a user or Lightning's `CombinedLoader` nests them in."""
    if loaders is None:
        return
    if type(loaders).__name__ == "CombinedLoader":
        yield from iter_loaders(loaders.iterables)
    elif isinstance(loaders, Mapping):
        yield from (leaf for value in loaders.values() for leaf in iter_loaders(value))
    elif type(loaders) in (list, tuple):
        yield from (leaf for value in loaders for leaf in iter_loaders(value))
    else:
        yield loaders


def loader_batch_size(loader: Any) -> int | None:
    """The samples in a batch of this loader; None when it does not tell."""
    for holder in (loader, getattr(loader, "batch_sampler", None)):
        size = getattr(holder, "batch_size", None)
        if is_count(size):
            return size
    return None


def declared_batch_size(holder: Any) -> int | None:
    """The batch size that a datamodule or module names, as an attribute or a saved hparam."""
    for name in _BATCH_SIZE_NAMES:
        for value in (getattr(holder, name, None), _saved(holder, name)):
            if is_count(value):
                return value
    return None


def is_count(value: Any) -> TypeGuard[int]:
    """Whether it is a positive whole number (True is not)."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _saved(holder: Any, name: str) -> Any:
    hparams = getattr(holder, "hparams", None)
    return hparams.get(name) if isinstance(hparams, Mapping) else None


def describe_loader(loader: Any) -> dict[str, Any]:
    """What the config says of one loader."""
    dataset = getattr(loader, "dataset", None)
    return {
        "loader": type(loader).__name__,
        "dataset": type(dataset).__name__ if dataset is not None else None,
        "size": _size(dataset),
        "batch_size": loader_batch_size(loader),
        "num_workers": getattr(loader, "num_workers", None),
        "drop_last": getattr(loader, "drop_last", None),
        "sampler": _class_name(getattr(loader, "sampler", None)),
    }


def _class_name(value: Any) -> str | None:
    return None if value is None else type(value).__name__


def _size(dataset: Any) -> int | None:
    """Samples in the dataset; None for streams, and for a `__len__` that raises."""
    try:
        return len(dataset)
    except Exception:
        return None
