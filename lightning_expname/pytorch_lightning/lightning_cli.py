"""`ExpNameCLI` for `pytorch_lightning`."""

from __future__ import annotations

from pytorch_lightning.cli import LightningCLI

from ..shells.command_line import CommandLineShell
from ..shells.flavour import PYTORCH_LIGHTNING


class ExpNameCLI(CommandLineShell, LightningCLI):
    """LightningCLI with ExpNameLogger as the logger, unless config or command line name another."""

    flavour = PYTORCH_LIGHTNING
