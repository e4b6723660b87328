"""The `data` section: datasets, loaders and the datamodule, without drawing a batch."""

from __future__ import annotations

from typing import Any, Final

from .loaders import ask, iter_loaders, loader_batch_size
from .objects import describe_object
from .values import plain

LOADERS: Final = {
    "train": "train_dataloader",
    "validate": "val_dataloaders",
    "test": "test_dataloaders",
    "predict": "predict_dataloaders",
}
_WRAPPED_DEPTH: Final = 4
_NO_SETTING: Final = ("dataset", "datasets", "indices", "tensors", "data_source")


def describe_data(trainer: Any, mode: str) -> dict[str, Any]:
    """The mode's own loader flat, the validation's under `validate`, and the datamodule."""
    section = _described(getattr(trainer, LOADERS[mode], None))
    if mode == "train" and (other := getattr(trainer, LOADERS["validate"], None)) is not None:
        section["validate"] = _described(other)
    if trainer.datamodule is not None:
        section["datamodule"] = _datamodule(trainer.datamodule)
    return section


def _described(loaders: Any) -> dict[str, Any]:
    described = [describe_loader(loader) for loader in iter_loaders(loaders)]
    return described[0] if len(described) == 1 else {"loaders": described}


def describe_loader(loader: Any) -> dict[str, Any]:
    """What the config says of one loader and its dataset."""
    dataset = getattr(loader, "dataset", None)
    sampler = getattr(loader, "sampler", None)
    arguments = _arguments(dataset, _WRAPPED_DEPTH) if dataset is not None else {}
    return {
        "loader": type(loader).__name__,
        "dataset": type(dataset).__name__ if dataset is not None else None,
        **({"dataset_arguments": arguments} if arguments else {}),
        "size": _size(dataset),
        "batch_size": loader_batch_size(loader),
        "shuffle": _shuffles(sampler),
        "num_workers": getattr(loader, "num_workers", None),
        "drop_last": getattr(loader, "drop_last", None),
        "pin_memory": getattr(loader, "pin_memory", None),
        "sampler": _class_name(sampler),
        "batch_sampler": _own_batch_sampler(loader),
        "collate_fn": _collate(loader),
    }


def _arguments(dataset: Any, depth: int) -> dict[str, Any]:
    """The dataset's arguments, and those of the dataset that it wraps."""
    described: dict[str, Any] = describe_object(dataset, skip=_NO_SETTING)
    inner, several = ask(dataset, "dataset"), ask(dataset, "datasets")
    wrapped = list(several) if isinstance(several, (list, tuple)) else [inner]
    if depth and any(one is not None for one in wrapped):
        parts = [{"name": type(one).__name__, **_arguments(one, depth - 1)} for one in wrapped]
        described["datasets" if len(parts) > 1 else "dataset"] = (
            parts if len(parts) > 1 else parts[0]
        )
    described.pop("name")
    return described


def _datamodule(datamodule: Any) -> dict[str, Any]:
    """Its name and arguments: as it saved them, else the attributes of the parameters' names."""
    saved = plain(dict(vars(datamodule).get("_hparams") or {}))
    return {**describe_object(datamodule), **(saved if isinstance(saved, dict) else {})}


def _shuffles(sampler: Any) -> bool | None:
    """Whether the order is drawn anew; None for samplers that do not tell."""
    if sampler is None:
        return None
    known = {"RandomSampler": True, "SequentialSampler": False, "WeightedRandomSampler": True}
    own = getattr(sampler, "shuffle", None)
    return known.get(type(sampler).__name__, own if isinstance(own, bool) else None)


def _own_batch_sampler(loader: Any) -> str | None:
    name = _class_name(getattr(loader, "batch_sampler", None))
    return None if name == "BatchSampler" else name


def _collate(loader: Any) -> Any:
    collate = getattr(loader, "collate_fn", None)
    name = getattr(collate, "__name__", None)
    return None if name in (None, "default_collate", "default_convert") else plain(collate)


def _class_name(value: Any) -> str | None:
    return None if value is None else type(value).__name__


def _size(dataset: Any) -> int | None:
    """Samples in the dataset; None for streams, and for a `__len__` that raises."""
    try:
        return len(dataset)
    except Exception:
        return None
