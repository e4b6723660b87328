"""`ExpNameCLI` for `pytorch_lightning`."""

from __future__ import annotations

from pytorch_lightning.cli import LightningCLI

from ..shells.command_line import CommandLineShell


class ExpNameCLI(CommandLineShell, LightningCLI):
    """LightningCLI with ExpNameLogger as the logger, unless config or command line name another."""

    logger_path = "lightning_expname.pytorch_lightning.ExpNameLogger"
