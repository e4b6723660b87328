"""The plugin for `pytorch_lightning`, Lightning's other package.

The classes are those of `lightning_expname` upon the classes of `pytorch_lightning`; whatever
knows no Trainer (`find_runs`, `NamePolicy`...) is imported from `lightning_expname`.

Example:
    >>> from pytorch_lightning import Trainer
    >>> from lightning_expname.pytorch_lightning import ExpNameCheckpoint, ExpNameLogger
    >>> Trainer(logger=ExpNameLogger(), callbacks=[ExpNameCheckpoint(monitor="val_acc")])
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pytorch_lightning import Callback
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import WandbLogger

from ..shells.alerting import AlertsShell
from ..shells.callbacks import CallbackShell
from ..shells.checkpoint import CheckpointShell
from ..shells.flavour import PYTORCH_LIGHTNING
from ..shells.logger import LoggerShell
from ..tuning import tune as _tune
from ..tuning.pruning import PruningShell

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")
    R = TypeVar("R")

__all__ = ["ExpNameAlerts", "ExpNameCallback", "ExpNameCheckpoint", "ExpNameLogger", "tune"]


class ExpNameLogger(LoggerShell, WandbLogger):
    """A W&B logger whose project, run and checkpoints name themselves after the model."""

    flavour = PYTORCH_LIGHTNING


class ExpNameCallback(CallbackShell, Callback):
    """Tells the logger's run of start, save, failure and end; comes with the logger by itself."""

    flavour = PYTORCH_LIGHTNING


class ExpNameCheckpoint(CheckpointShell, ModelCheckpoint):
    """Lightning's ModelCheckpoint, with the directory and the file names of the run."""

    flavour = PYTORCH_LIGHTNING


class ExpNameAlerts(AlertsShell, Callback):
    """Tells of every end of a training, test or prediction, and by `watch` of any other code."""

    flavour = PYTORCH_LIGHTNING


class TrialPruning(PruningShell, Callback):
    """Prunes the trial that it comes from, by `trial.callbacks()`; all ranks stop together."""

    flavour = PYTORCH_LIGHTNING


def _for_this_flavour(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def tune(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **{**kwargs, "_flavour": PYTORCH_LIGHTNING})  # type: ignore[arg-type]

    return tune


tune = _for_this_flavour(_tune)
