"""The plugin for `pytorch_lightning`, Lightning's other package.

The classes are those of `lightning_expname` upon the classes of `pytorch_lightning`; whatever
knows no Trainer (`find_runs`, `NamePolicy`...) is imported from `lightning_expname`.

Example:
    >>> from pytorch_lightning import Trainer
    >>> from lightning_expname.pytorch_lightning import ExpNameCheckpoint, ExpNameLogger
    >>> Trainer(logger=ExpNameLogger(), callbacks=[ExpNameCheckpoint(monitor="val_acc")])
"""

from __future__ import annotations

from pytorch_lightning import Callback
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import WandbLogger

from ..alerts.training import TrainingAlerts
from ..shells.callbacks import CallbackShell
from ..shells.checkpoint import CheckpointShell
from ..shells.flavour import PYTORCH_LIGHTNING
from ..shells.logger import LoggerShell

__all__ = ["ExpNameAlerts", "ExpNameCallback", "ExpNameCheckpoint", "ExpNameLogger"]


class ExpNameLogger(LoggerShell, WandbLogger):
    __doc__ = LoggerShell.__doc__

    flavour = PYTORCH_LIGHTNING

    def new_callback(self) -> Callback:
        """The callback that goes with this logger."""
        return ExpNameCallback()


class ExpNameCallback(CallbackShell, Callback):
    __doc__ = CallbackShell.__doc__

    flavour = PYTORCH_LIGHTNING


class ExpNameCheckpoint(CheckpointShell, ModelCheckpoint):
    __doc__ = CheckpointShell.__doc__

    flavour = PYTORCH_LIGHTNING


class ExpNameAlerts(TrainingAlerts, Callback):
    __doc__ = TrainingAlerts.__doc__
