"""`ExpNameCheckpoint` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch.callbacks import ModelCheckpoint

from .shells.checkpoint import CheckpointShell


class ExpNameCheckpoint(CheckpointShell, ModelCheckpoint):
    __doc__ = CheckpointShell.__doc__
