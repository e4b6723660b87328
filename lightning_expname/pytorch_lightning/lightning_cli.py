"""`ExpNameCLI` for `pytorch_lightning`."""

from __future__ import annotations

from pytorch_lightning.cli import LightningCLI

from ..shells.command_line import CommandLineShell


class ExpNameCLI(CommandLineShell, LightningCLI):
    __doc__ = CommandLineShell.__doc__

    logger_path = "lightning_expname.pytorch_lightning.ExpNameLogger"
