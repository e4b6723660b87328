"""`ExpNameLogger` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch import Callback
from lightning.pytorch.loggers import WandbLogger

from .shells.logger import LoggerShell


class ExpNameLogger(LoggerShell, WandbLogger):
    __doc__ = LoggerShell.__doc__

    def new_callback(self) -> Callback:
        """The callback that goes with this logger."""
        from .callbacks import ExpNameCallback

        return ExpNameCallback()
