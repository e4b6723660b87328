"""What a LightningModule that builds its own Trainer hands on to it."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

TRAINER_ARGUMENTS: Final = frozenset(
    {
        "accelerator",
        "accumulate_grad_batches",
        "barebones",
        "benchmark",
        "callbacks",
        "check_val_every_n_epoch",
        "default_root_dir",
        "detect_anomaly",
        "deterministic",
        "devices",
        "enable_autolog_hparams",
        "enable_checkpointing",
        "enable_model_summary",
        "enable_progress_bar",
        "fast_dev_run",
        "gradient_clip_algorithm",
        "gradient_clip_val",
        "inference_mode",
        "limit_predict_batches",
        "limit_test_batches",
        "limit_train_batches",
        "limit_val_batches",
        "log_every_n_steps",
        "logger",
        "max_epochs",
        "max_steps",
        "max_time",
        "min_epochs",
        "min_steps",
        "model_registry",
        "num_nodes",
        "num_sanity_val_steps",
        "overfit_batches",
        "plugins",
        "precision",
        "profiler",
        "reload_dataloaders_every_n_epochs",
        "strategy",
        "sync_batchnorm",
        "use_distributed_sampler",
        "val_check_interval",
    }
)
"""Arguments of `Trainer` in Lightning 2.2 to 2.6, listed so that no name depends on the version."""


def passes_to_trainer(cls: type | None, name: str, declared: Container[str]) -> bool:
    """Whether a LightningModule takes a Trainer's argument through its `**kwargs`.

    It says how the run is carried out, so it is in the config and in no name. A declared parameter
    of the same name (`precision` of a quantised model) is the model's own.

    Args:
        cls: the class that was built; None when it is not known.
        name: of the argument.
        declared: the parameters that the constructors of `cls` declare.
    """
    if name in declared or name not in TRAINER_ARGUMENTS or cls is None:
        return False
    return any(base.__name__ == "LightningModule" for base in cls.__mro__)
