"""From a Trainer and its module to `Facts`. Only public attributes of the Trainer are read."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from typing import Any

from ..facts import Facts, Plain
from .dataset import UNKNOWN, dataset_name
from .hparams import ModuleFacts
from .loaders import (
    declared_batch_size,
    describe_loader,
    iter_loaders,
    loader_batch_size,
)
from .optimizer import describe_optimizers, describe_schedulers, learning_rate

_LOADERS = {
    "train": "train_dataloader",
    "validate": "val_dataloaders",
    "test": "test_dataloaders",
    "predict": "predict_dataloaders",
}
_TRAINER_ARGUMENTS = (
    "max_epochs",
    "min_epochs",
    "max_steps",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "gradient_clip_algorithm",
    "check_val_every_n_epoch",
    "val_check_interval",
    "log_every_n_steps",
    "num_nodes",
)
_VERSIONED = ("torch", "lightning", "pytorch_lightning", "wandb", "torchmetrics", "numpy")


def collect(
    trainer: Any,
    described: ModuleFacts,
    *,
    mode: str,
    model: str | None = None,
    dataset: str | None = None,
) -> Facts:
    """Everything about this run, at the moment when it starts.

    Args:
        trainer: a Lightning Trainer inside `on_train_start` (or the start of another mode).
        described: the module's part, see `describe_module`.
        mode: `train`, `validate`, `test` or `predict`.
        model: the user's own name for the model.
        dataset: the user's own name for the data.
    """
    loaders = getattr(trainer, _LOADERS[mode], None)
    schedulers = [config.scheduler for config in trainer.lr_scheduler_configs]
    return Facts(
        model=model or described.model,
        dataset=dataset or dataset_name(trainer.datamodule, loaders) or UNKNOWN,
        hparams=described.hparams,
        batch_size=batch_size(trainer, loaders),
        lr=learning_rate(trainer.optimizers, schedulers) if mode == "train" else None,
        fields=_template_fields(trainer, mode),
        config=_sections(trainer, loaders),
    )


def batch_size(trainer: Any, loaders: Any) -> int | None:
    """From the loaders, else what the datamodule or the module declares."""
    sizes = [loader_batch_size(loader) for loader in iter_loaders(loaders)]
    for holder in (trainer.datamodule, trainer.lightning_module):
        sizes.append(declared_batch_size(holder))
    return next((size for size in sizes if size is not None), None)


def _template_fields(trainer: Any, mode: str) -> dict[str, Plain]:
    return {
        "strategy": _strategy_name(trainer.strategy),
        "precision": str(trainer.precision),
        "devices": trainer.num_devices * trainer.num_nodes,
        "accumulate_grad_batches": trainer.accumulate_grad_batches,
        "seed": _seed(),
        "mode": mode,
    }


def _strategy_name(strategy: Any) -> str:
    """`ddp`, `fsdp`...: Lightning's own word where it has one."""
    word = getattr(strategy, "strategy_name", None)
    return str(word or type(strategy).__name__.removesuffix("Strategy").lower())


def _seed() -> int | None:
    """What `seed_everything` was given: Lightning leaves it in the environment."""
    import os

    text = os.environ.get("PL_GLOBAL_SEED", "")
    return int(text) if text.isdigit() else None


def _sections(trainer: Any, loaders: Any) -> dict[str, Any]:
    sections = {
        "optimizer": describe_optimizers(trainer.optimizers),
        "lr_scheduler": describe_schedulers(trainer.lr_scheduler_configs),
        "data": _data(trainer, loaders),
        "trainer": _trainer(trainer),
        "environment": _environment(),
    }
    return {name: section for name, section in sections.items() if section}


def _data(trainer: Any, loaders: Any) -> dict[str, Any]:
    described = [describe_loader(loader) for loader in iter_loaders(loaders)]
    datamodule = trainer.datamodule
    by_loader = described[0] if len(described) == 1 else {"loaders": described}
    return {**by_loader, "datamodule": datamodule and type(datamodule).__name__}


def _trainer(trainer: Any) -> Mapping[str, Any]:
    arguments = {name: getattr(trainer, name, None) for name in _TRAINER_ARGUMENTS}
    return {
        **arguments,
        "precision": str(trainer.precision),
        "strategy": _strategy_name(trainer.strategy),
        "accelerator": type(trainer.accelerator).__name__,
        "devices": trainer.num_devices,
    }


def _environment() -> dict[str, Any]:
    """Versions of what is loaded: nothing is imported to be asked."""
    versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in _VERSIONED}
    known = {name: str(version) for name, version in versions.items() if version is not None}
    return {"python": platform.python_version(), "host": platform.node(), **known}
