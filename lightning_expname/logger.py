"""`ExpNameLogger` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch.loggers import WandbLogger

from .shells.logger import LoggerShell


class ExpNameLogger(LoggerShell, WandbLogger):
    __doc__ = LoggerShell.__doc__
