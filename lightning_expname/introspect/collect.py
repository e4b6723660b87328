"""From a Trainer and its module to `Facts`. Only public attributes of the Trainer are read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ..facts import Facts, Plain
from ..observer import warn_once
from ..redaction import scrub
from .data import LOADERS, describe_data
from .dataset import UNKNOWN, dataset_name
from .environment import ask_git, describe_environment
from .hparams import ModuleFacts
from .loaders import declared_batch_size, iter_loaders, loader_batch_size
from .main_config import describe_main
from .metrics import describe_metrics
from .optimizer import describe_optimizers, learning_rate
from .schedulers import describe_schedulers
from .training import describe_trainer, strategy_name
from .values import plain


def collect(
    trainer: Any,
    described: ModuleFacts,
    *,
    mode: str,
    model: str | None = None,
    dataset: str | None = None,
    allow: Collection[str] = (),
) -> Facts:
    """Everything about this run, at the moment when it starts.

    Args:
        trainer: a Lightning Trainer inside `on_train_start` (or the start of another mode).
        described: the module's part, see `describe_module`.
        mode: `train`, `validate`, `test` or `predict`.
        model: the user's own name for the model.
        dataset: the user's own name for the data.
        allow: what the user says is no secret on the command line, see `redact`.
    """
    loaders = getattr(trainer, LOADERS[mode], None)
    schedulers = [config.scheduler for config in trainer.lr_scheduler_configs]
    return Facts(
        model=model or described.model,
        dataset=dataset or dataset_name(trainer.datamodule, loaders) or UNKNOWN,
        hparams=described.hparams,
        batch_size=batch_size(trainer, loaders),
        lr=learning_rate(trainer.optimizers, schedulers) if mode == "train" else None,
        fields=_template_fields(trainer, mode),
        config=_sections(trainer, described, mode, allow),
    )


def batch_size(trainer: Any, loaders: Any) -> int | None:
    """From the loaders, else what the datamodule or the module declares."""
    sizes = [loader_batch_size(loader) for loader in iter_loaders(loaders)]
    for holder in (trainer.datamodule, trainer.lightning_module):
        sizes.append(declared_batch_size(holder))
    return next((size for size in sizes if size is not None), None)


def _template_fields(trainer: Any, mode: str) -> dict[str, Plain]:
    return {
        "strategy": strategy_name(trainer.strategy),
        "precision": str(trainer.precision),
        "devices": trainer.num_devices * trainer.num_nodes,
        "accumulate_grad_batches": trainer.accumulate_grad_batches,
        "seed": _seed(),
        "mode": mode,
    }


def _seed() -> int | None:
    """What `seed_everything` was given: Lightning leaves it in the environment."""
    import os

    text = os.environ.get("PL_GLOBAL_SEED", "")
    return int(text) if text.isdigit() else None


def _sections(
    trainer: Any, described: ModuleFacts, mode: str, allow: Collection[str]
) -> dict[str, Any]:
    """Each on its own: what cannot be read of one is no reason to lose the others."""
    git = ask_git()  # it answers while the sections before are read
    schedulers = [config.scheduler for config in trainer.lr_scheduler_configs]
    readers: dict[str, Callable[[], Any]] = {
        "optimizer": lambda: describe_optimizers(trainer.optimizers, schedulers),
        "lr_scheduler": lambda: describe_schedulers(trainer.lr_scheduler_configs),
        "data": lambda: describe_data(trainer, mode),
        "metrics": lambda: describe_metrics(trainer.lightning_module),
        "trainer": lambda: describe_trainer(trainer),
        "environment": lambda: describe_environment(trainer, allow, git),
        "main": lambda: describe_main(trainer),
        "factory": lambda: described.factories,
        "recovery": lambda: described.recovery,
    }
    sections = {name: _read(name, reader) for name, reader in readers.items()}
    return {name: section for name, section in sections.items() if section}


def _read(name: str, reader: Callable[[], Any]) -> Any:
    try:
        return plain(reader())
    except Exception as error:
        warn_once(
            f"the config's section {name!r} could not be read"
            f" ({type(error).__name__}: {scrub(str(error))});"
            " the training and the other sections go on without it",
            key=f"section {name}",
        )
        return None
