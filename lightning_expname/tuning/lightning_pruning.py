"""`TrialPruning` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch import Callback

from ..shells.flavour import LIGHTNING
from .pruning import PruningShell


class TrialPruning(PruningShell, Callback):
    """Prunes the trial that it comes from, by `trial.callbacks()`; all ranks stop together."""

    flavour = LIGHTNING
