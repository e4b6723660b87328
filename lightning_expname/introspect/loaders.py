"""Facts about the data, read from loaders and the datamodule without drawing a batch.

A loader's truth value is never asked: `bool(DataLoader(iterable_dataset))` raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

_BATCH_SIZE_NAMES = ("batch_size", "train_batch_size", "bs")


def ask(holder: Any, attribute: str) -> Any:
    """The attribute, or None: a property of the user's may fail, which is no reason to stop."""
    try:
        return getattr(holder, attribute, None)
    except Exception:  # an observer never harms what it observes
        return None


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
    for holder in (loader, ask(loader, "batch_sampler")):
        size = ask(holder, "batch_size")
        if is_count(size):
            return size
    return None


def declared_batch_size(holder: Any) -> int | None:
    """The batch size that a datamodule or module names, as an attribute or a saved hparam."""
    for name in _BATCH_SIZE_NAMES:
        for value in (ask(holder, name), _saved(holder, name)):
            if is_count(value):
                return value
    return None


def is_count(value: Any) -> TypeGuard[int]:
    """Whether it is a positive whole number (True is not)."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _saved(holder: Any, name: str) -> Any:
    hparams = ask(holder, "hparams")
    return hparams.get(name) if isinstance(hparams, Mapping) else None
