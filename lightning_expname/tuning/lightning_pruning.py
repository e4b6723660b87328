"""`TrialPruning` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch import Callback

from .pruning import PruningShell


class TrialPruning(PruningShell, Callback):
    __doc__ = PruningShell.__doc__
