"""The `trainer` section: how the training is carried out, and its callbacks."""

from __future__ import annotations

from typing import Any, Final

from ..facts import Plain
from .objects import describe_object

_ARGUMENTS: Final = (
    "max_epochs",
    "min_epochs",
    "max_steps",
    "min_steps",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "gradient_clip_algorithm",
    "check_val_every_n_epoch",
    "val_check_interval",
    "log_every_n_steps",
    "limit_train_batches",
    "limit_val_batches",
    "overfit_batches",
    "reload_dataloaders_every_n_epochs",
    "num_nodes",
)
_QUIET: Final = ("ExpNameCallback", "ProgressBar", "ModelSummary", "SaveConfigCallback")
_PLACES: Final = ("dirpath", "filename", "verbose", "parser", "config")


def describe_trainer(trainer: Any) -> dict[str, Any]:
    """The Trainer's arguments as far as it shows them, and those of its callbacks."""
    callbacks = _callbacks(trainer.callbacks)
    return {
        **{name: getattr(trainer, name, None) for name in _ARGUMENTS},
        "precision": str(trainer.precision),
        "strategy": strategy_name(trainer.strategy),
        "accelerator": type(trainer.accelerator).__name__,
        "devices": trainer.num_devices,
        **({"callbacks": callbacks} if callbacks else {}),
    }


def strategy_name(strategy: Any) -> str:
    """`ddp`, `fsdp`...: Lightning's own word where it has one."""
    word = getattr(strategy, "strategy_name", None)
    return str(word or type(strategy).__name__.removesuffix("Strategy").lower())


def _callbacks(callbacks: Any) -> dict[str, dict[str, Plain]]:
    """By class; where files go is told by the names, and what only shows progress is left out."""
    found: dict[str, dict[str, Plain]] = {}
    for callback in callbacks:
        if any(base.__name__ in _QUIET for base in type(callback).__mro__):
            continue
        name = type(callback).__name__
        same = sum(key.partition(".")[0] == name for key in found)
        arguments = describe_object(callback, skip=_PLACES)
        del arguments["name"]
        found[f"{name}.{same + 1}" if same else name] = arguments
    return found
