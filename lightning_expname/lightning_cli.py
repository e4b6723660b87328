"""`ExpNameCLI`: LightningCLI whose runs name themselves without a line of config.

A stock LightningCLI works as well, with `class_path: lightning_expname.ExpNameLogger`.
"""

from __future__ import annotations

from lightning.pytorch.cli import LightningCLI

from .shells.command_line import CommandLineShell
from .shells.flavour import LIGHTNING


class ExpNameCLI(CommandLineShell, LightningCLI):
    """LightningCLI with ExpNameLogger as the logger, unless config or command line name another."""

    flavour = LIGHTNING
