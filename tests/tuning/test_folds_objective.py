"""Tabular data under `tune`: folds are the pruner's steps, trials are tracked trainings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import (
    EstimatorError,
    ExpNameClassifier,
    ExpNameRegressor,
    FoldsObjective,
    load_best_params,
    tune,
)
from lightning_expname.records import read_record

HOME = "hparams/tree/wine/all_features"
SPACE = {"max_depth": {"low": 1, "high": 6}, "ccp_alpha": {"low": 0.0, "high": 0.1}}


def classifier(**options: Any) -> ExpNameClassifier:
    tree = DecisionTreeClassifier(criterion="entropy")
    return ExpNameClassifier(tree, n_splits=3, random_state=0, **options)


def run(objective: Any, **kwargs: Any) -> Any:
    options: dict[str, Any] = {"n_trials": 3, "model": "tree", "dataset": "wine", "seed": 1}
    quiet = {"features": "all_features", "progress": False, "plots": False}
    return tune(objective, **{**options, "search_space": SPACE, **quiet, **kwargs})


def test_every_trial_is_a_tracked_training(expname_root: Path, expname_recorded: Any) -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    result = run(FoldsObjective(classifier(), X, y), pruner=optuna.pruners.NopPruner())
    assert result.path == Path(expname_root, HOME, "3_trials/best_params.json")
    assert json.loads(result.path.read_text()) == result.best_params
    trials = result.study.trials
    assert [list(one.intermediate_values) for one in trials] == [[0, 1, 2]] * 3
    assert [one.value for one in trials] == [one.intermediate_values[2] for one in trials]
    *runs, study = expname_recorded()
    assert [one.name for one in runs] == [
        f"trial{one.number:03d}-max_depth{one.params['max_depth']}" for one in trials
    ]
    assert {(one.group, one.project, one.job_type) for one in runs} == {
        ("tree-wine-all_features", "tree-wine", "tune")
    }
    assert [one.summary["trial_state"] for one in runs] == ["COMPLETE"] * 3
    assert [one.summary["trial_value"] for one in runs] == [one.value for one in trials]
    assert [one.config["trial"]["params"] for one in runs] == [one.params for one in trials]
    assert study.group == runs[0].group
    assert result.record.id == runs[result.best_trial].run_id
    loaded = ExpNameClassifier.load(result.record, track=False)
    assert loaded.estimators_[0].max_depth == result.best_params["max_depth"]


def test_the_best_parameters_reproduce_the_best_folds(expname_root: Path) -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    result = run(FoldsObjective(classifier(), X, y), logger=False, fixed={"splitter": "random"})
    best = load_best_params("tree", "wine", features="all_features")
    assert best["splitter"] == "random"
    again = classifier(track=False)
    again.estimator.set_params(**best)
    assert again.fit(X, y).fold_scores_.mean() == result.best_value
    assert not list(expname_root.rglob("*.skops"))


@pytest.mark.filterwarnings("error::lightning_expname.observer.ExpNameWarning")
def test_a_grid_that_is_used_up_ends_the_study(expname_root: Path) -> None:
    sampler = optuna.samplers.GridSampler({"x": [1.0, 2.0]})
    options: dict[str, Any] = {"search_space": {"x": [1.0, 2.0]}, "sampler": sampler}
    result = run(lambda trial: trial.params["x"], n_trials=5, logger=False, **options)
    assert sorted(one.value for one in result.study.trials) == [1.0, 2.0]
    assert result.best_value == 2.0


@pytest.mark.filterwarnings("error::lightning_expname.observer.ExpNameWarning")
def test_a_bad_trial_is_spared_its_other_folds(expname_root: Path, expname_recorded: Any) -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    space = {"svc__C": [1.0, 1e-4]}
    model = ExpNameClassifier(make_pipeline(StandardScaler(), SVC()), n_splits=4, random_state=0)
    options = {
        "search_space": space,
        "sampler": optuna.samplers.GridSampler(space, seed=1),
        "pruner": optuna.pruners.ThresholdPruner(lower=0.8),
        "n_trials": 2,
    }
    result = run(FoldsObjective(model, X, y), **options)
    bad, good = sorted(result.study.trials, key=lambda one: float(one.params["svc__C"]))
    assert (good.state.name, list(good.intermediate_values)) == ("COMPLETE", [0, 1, 2, 3])
    assert (bad.state.name, list(bad.intermediate_values)) == ("PRUNED", [0])
    *runs, _ = expname_recorded()
    states = {one.run_id: one.summary["trial_state"] for one in runs}
    ids = [one.user_attrs["expname:run"]["id"] for one in (good, bad)]
    assert [states[one] for one in ids] == ["COMPLETE", "PRUNED"]
    assert [one.exit_code for one in runs] == [0, 0]
    records = [read_record(expname_root / one.config["expname"]["record"]) for one in runs]
    ended = {one.id: one.status for one in records}
    assert [ended[one] for one in ids] == ["finished", "pruned"]


def test_a_regression_is_tuned_alike(expname_root: Path) -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = ExpNameRegressor(Ridge(), n_splits=2, random_state=0)
    space = {"alpha": {"low": 1e-3, "high": 1.0, "log": True}}
    result = run(FoldsObjective(model, X, y), search_space=space, logger=False)
    assert result.best_value == max(one.value for one in result.study.trials if one.value)


def test_a_failed_fold_fails_the_trial(expname_root: Path, expname_recorded: Any) -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)

    def failing(trial: Any) -> float:
        model = classifier()
        if trial.number == 1:
            model.set_params(estimator=DecisionTreeClassifier(min_samples_leaf=-1))
        return FoldsObjective(model, X, y)(trial)

    result = run(failing, catch=(ValueError,), pruner=optuna.pruners.NopPruner())
    assert [one.state.name for one in result.study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    *runs, _ = expname_recorded()
    assert [one.summary["trial_state"] for one in runs] == ["COMPLETE", "FAILED", "COMPLETE"]
    assert [one.exit_code for one in runs] == [0, 1, 0]


def test_what_does_not_fit_is_said(expname_root: Path) -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    with pytest.raises(EstimatorError, match=r"'depth'.*Valid parameters are.*max_depth"):
        run(FoldsObjective(classifier(), X, y), search_space={"depth": [1, 2]})
    with pytest.raises(EstimatorError, match="says include; of tabular data's runs it may say"):
        run(FoldsObjective(classifier(), X, y), logger={"include": ["x"]}, study_name="other")
