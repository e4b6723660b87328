"""Tuning with Optuna: every trial a named run, pruning on all ranks, nothing lost."""

from __future__ import annotations

from .best import TuneResult, load_best_params
from .stepwise import lightgbm_stepwise
from .study import tune
from .trial import SyncTrial

__all__ = ["SyncTrial", "TuneResult", "lightgbm_stepwise", "load_best_params", "tune"]
