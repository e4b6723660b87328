"""LightGBM tuned step by step on real data: tracked trials, and the best of them loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
from lightgbm import LGBMClassifier
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lightning_expname import (
    ExpNameClassifier,
    FoldsObjective,
    lightgbm_stepwise,
    load_best_params,
    tune,
)

HOME: dict[str, Any] = {"model": "lgbm", "dataset": "cancer", "features": "all_features"}


def test_lightgbm_is_tuned_step_by_step(expname_root: Path, expname_recorded: Any) -> None:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    inner = LGBMClassifier(n_estimators=8, learning_rate=0.3, n_jobs=1, verbose=-1, random_state=0)
    model = ExpNameClassifier(inner, n_splits=3, random_state=0, offline=True)
    asked = lightgbm_stepwise(model, n_trials=9, seed=0)
    asked["pruner"] = optuna.pruners.NopPruner()
    result = tune(FoldsObjective(model, X, y), **HOME, progress=False, plots=False, **asked)
    runs = expname_recorded()
    assert [one.job_type for one in runs] == ["tune"] * 9 + ["study"]
    assert runs[0].config["trial"]["params"]["num_leaves"] == 31
    values = [one.value for one in result.study.trials]
    assert result.best_value == max(values)
    best = load_best_params("lgbm", "cancer", features="all_features")
    tuned = LGBMClassifier(**{**inner.get_params(), **best})
    again = ExpNameClassifier(tuned, n_splits=3, random_state=0, track=False).fit(X, y)
    assert again.fold_scores_.mean() == result.best_value
    loaded = ExpNameClassifier.load(result.record, track=False)
    assert np.array_equal(loaded.predict_proba(X), again.predict_proba(X))


def test_in_a_pipeline_it_is_found(expname_root: Path) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    inner = LGBMClassifier(n_estimators=4, n_jobs=1, verbose=-1)
    model = ExpNameClassifier(make_pipeline(StandardScaler(), inner), n_splits=2, random_state=0)
    asked = lightgbm_stepwise(model, n_trials=6, seed=0)
    quiet: dict[str, Any] = {"logger": False, "progress": False, "plots": False}
    result = tune(FoldsObjective(model, X, y), **HOME, **quiet, **asked)
    assert {name.partition("__")[0] for name in result.best_params} == {"lgbmclassifier"}
