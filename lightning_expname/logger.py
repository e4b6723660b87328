"""`ExpNameLogger` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch.loggers import WandbLogger

from .shells.flavour import LIGHTNING
from .shells.logger import LoggerShell


class ExpNameLogger(LoggerShell, WandbLogger):
    """A W&B logger whose project, run and checkpoints name themselves after the model."""

    flavour = LIGHTNING
