"""`ExpNameCheckpoint` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch.callbacks import ModelCheckpoint

from .shells.checkpoint import CheckpointShell
from .shells.flavour import LIGHTNING


class ExpNameCheckpoint(CheckpointShell, ModelCheckpoint):
    """Lightning's ModelCheckpoint, with the directory and the file names of the run."""

    flavour = LIGHTNING
