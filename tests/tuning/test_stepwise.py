"""LightGBM's parameters step by step: the order, the ranges, and what a step starts from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from lightning_expname import EstimatorError, TuneError, lightgbm_stepwise, tune
from lightning_expname.tuning.stepwise import SPACE, STEPS, TRIALS, step_at

BEST = {
    "colsample_bytree": 0.7,
    "num_leaves": 100,
    "subsample": 0.8,
    "subsample_freq": 3,
    "reg_alpha": 1e-3,
    "reg_lambda": 1.0,
    "min_child_samples": 50,
}


class Booster(BaseEstimator):
    """The seven parameters of LightGBM's, with the defaults of LightGBM 4."""

    def __init__(
        self,
        colsample_bytree: float = 1.0,
        num_leaves: int = 31,
        subsample: float = 1.0,
        subsample_freq: int = 0,
        reg_alpha: float = 0.0,
        reg_lambda: float = 0.0,
        min_child_samples: int | None = 20,
    ) -> None:
        self.colsample_bytree = colsample_bytree
        self.num_leaves = num_leaves
        self.subsample = subsample
        self.subsample_freq = subsample_freq
        self.reg_alpha = reg_alpha
        self.reg_lambda = reg_lambda
        self.min_child_samples = min_child_samples


def closeness(trial: Any) -> float:
    """Greatest at `BEST`; each parameter counts by itself."""
    params = {name.rpartition("__")[2]: value for name, value in trial.params.items()}
    far = 0.0
    for name, axis in SPACE.items():
        as_seen = math.log if axis.get("log") else float
        wide = as_seen(axis["high"]) - as_seen(axis["low"])
        far += abs(as_seen(params[name]) - as_seen(BEST[name])) / wide
    return -far


QUIET: dict[str, Any] = {"logger": False, "progress": False, "plots": False}


def run(model: Any, dataset: str = "made", **options: Any) -> Any:
    asked = lightgbm_stepwise(model, **options)
    return tune(closeness, model="lgbm", dataset=dataset, **asked, **QUIET)


def test_a_step_moves_its_own_parameters_from_the_best_so_far(expname_root: Path) -> None:
    trials = run(Booster(), seed=0).study.trials
    assert len(trials) == TRIALS == 68
    start = {**Booster().get_params(), "reg_alpha": 1e-8, "reg_lambda": 1e-8}
    number = 0
    for step in STEPS:
        best = max(trials[:number], key=lambda one: one.value).params if number else start
        for trial in trials[number : number + step.share]:
            so_far = max(trials[: trial.number], key=lambda one: one.value, default=None)
            moved = {name for name in SPACE if trial.params[name] != best[name]}
            now = best if so_far is None else so_far.params
            assert moved <= {*step.names, *(n for n in SPACE if now[n] != best[n])}
        number += step.share
    assert [one.params["colsample_bytree"] for one in trials[:7]] == list(STEPS[0].grid)
    assert [one.params["min_child_samples"] for one in trials[-5:]] == [5, 10, 25, 50, 100]


def test_every_step_makes_it_better(expname_root: Path) -> None:
    result = run(Booster(), seed=0)
    assert result.best_params["colsample_bytree"] == pytest.approx(0.7, abs=0.02)
    assert result.best_params["min_child_samples"] == 50
    assert result.best_value > closeness(result.study.trials[6]) + 0.5
    values = [one.value for one in result.study.trials]
    ends = [max(values[: sum(one.share for one in STEPS[: i + 1])]) for i in range(len(STEPS))]
    assert ends == sorted(ends)


def test_the_same_seed_gives_the_same_study(expname_root: Path) -> None:
    one, other = (run(Booster(), dataset=name, n_trials=12, seed=3) for name in ("a", "b"))
    assert [t.params for t in one.study.trials] == [t.params for t in other.study.trials]


def test_an_interrupted_study_goes_on_with_its_step(expname_root: Path) -> None:
    def interrupted(trial: Any) -> float:
        if trial.number == 9:
            raise KeyboardInterrupt
        return closeness(trial)

    asked = lightgbm_stepwise(Booster(), n_trials=20, seed=0)
    with pytest.raises(KeyboardInterrupt):
        tune(interrupted, model="lgbm", dataset="made", **asked, **QUIET)
    trials = run(Booster(), n_trials=20, seed=0).study.trials
    complete = [one for one in trials if one.state == optuna.trial.TrialState.COMPLETE]
    assert len(complete) == 20
    assert {one.params["min_child_samples"] for one in complete} > {5, 100}


def test_of_a_pipeline_the_names_are_the_pipelines(expname_root: Path) -> None:
    result = run(make_pipeline(StandardScaler(), Booster(num_leaves=63)), n_trials=6)
    assert {name.partition("__")[0] for name in result.best_params} == {"booster"}
    assert result.study.trials[0].params["booster__num_leaves"] == 63


def test_a_start_outside_the_range_is_moved_into_it() -> None:
    asked = lightgbm_stepwise(Booster(num_leaves=4000, min_child_samples=None), n_trials=6)
    study = optuna.create_study(sampler=asked["sampler"], direction="maximize")
    first = study.ask()
    first.suggest_int("num_leaves", 2, 256)
    first.suggest_int("min_child_samples", 5, 100)
    assert first.params == {"num_leaves": 256, "min_child_samples": 20}


@pytest.mark.parametrize("n_trials", [5, 0, -1, True, 6.0, "20"])
def test_too_few_trials_are_refused(n_trials: Any) -> None:
    with pytest.raises(TuneError, match="6 steps need an int from there on"):
        lightgbm_stepwise(Booster(), n_trials=n_trials)


def test_another_estimator_is_refused() -> None:
    with pytest.raises(EstimatorError, match="SVC is tuned by lightgbm_stepwise"):
        lightgbm_stepwise(SVC())


@given(st.integers(len(STEPS), 400))
def test_every_step_has_a_share_of_every_budget(n_trials: int) -> None:
    places = [step_at(ordinal, n_trials) for ordinal in range(n_trials)]
    steps = list(dict.fromkeys(id(step) for step, _, _ in places))
    assert steps == [id(step) for step in STEPS]
    for step in STEPS:
        mine = [(place, count) for one, place, count in places if one is step]
        assert mine == [(place, len(mine)) for place in range(len(mine))]
