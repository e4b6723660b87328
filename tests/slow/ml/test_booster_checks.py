"""scikit-learn's own checks with the boosters, strict: what is expected to fail must fail."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.utils.estimator_checks import parametrize_with_checks
from xgboost import XGBClassifier, XGBRegressor

from lightning_expname import ExpNameClassifier, ExpNameRegressor

BOOTSTRAP = "draws rows, not weights: a row of weight 2 is not two rows"
BINS = "quantises features by counting rows, whatever their weights"
OBJECTS = "raises its own CatBoostError for an object that is no number"
LARGE = "raises its own CatBoostError for matrices with 64-bit indices"
FOREST = {
    "check_sample_weight_equivalence_on_dense_data": BOOTSTRAP,
    "check_sample_weight_equivalence_on_sparse_data": BOOTSTRAP,
}
CAT = {
    "check_sample_weight_equivalence_on_dense_data": BINS,
    "check_sample_weight_equivalence_on_sparse_data": BINS,
    "check_dtype_object": OBJECTS,
    "check_estimator_sparse_array": LARGE,
    "check_estimator_sparse_matrix": LARGE,
}
HIST = {"max_iter": 30, "min_samples_leaf": 1}
LIGHT = {"n_estimators": 30, "min_child_samples": 1, "verbose": -1, "n_jobs": 1}
CATS = {"n_estimators": 5, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
ESTIMATORS = [
    ExpNameClassifier(XGBClassifier(n_estimators=5, n_jobs=1), n_splits=2),
    ExpNameRegressor(XGBRegressor(n_estimators=5, n_jobs=1), n_splits=2),
    ExpNameClassifier(HistGradientBoostingClassifier(**HIST), n_splits=2),
    ExpNameRegressor(HistGradientBoostingRegressor(**HIST), n_splits=2),
    ExpNameClassifier(LGBMClassifier(**LIGHT), n_splits=2),
    ExpNameRegressor(LGBMRegressor(**LIGHT), n_splits=2),
    ExpNameClassifier(RandomForestClassifier(5), n_splits=2, random_state=0),
    ExpNameRegressor(RandomForestRegressor(5), n_splits=2, random_state=0),
    ExpNameClassifier(CatBoostClassifier(**CATS), n_splits=2),
    ExpNameRegressor(CatBoostRegressor(**CATS), n_splits=2),
]


def expected(estimator: Any) -> dict[str, str]:
    """What the bare estimator fails too, with the reason."""
    name = type(estimator.estimator).__name__
    return FOREST if name.startswith("RandomForest") else CAT if name.startswith("Cat") else {}


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected, xfail_strict=True)
def test_scikit_learn_check(estimator: Any, check: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_the_bare_estimators_fail_these_too() -> None:
    from sklearn.utils.estimator_checks import check_estimator

    for wrapper in ESTIMATORS:
        if wanted := expected(wrapper):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results = check_estimator(wrapper.estimator, on_fail=None, on_skip=None)
            failed = {one["check_name"] for one in results if one["status"] == "failed"}
            assert set(wanted) <= failed, wrapper


@pytest.mark.parametrize("kind", [ExpNameClassifier, ExpNameRegressor])
def test_every_booster_is_checked(kind: type) -> None:
    assert sum(isinstance(one, kind) for one in ESTIMATORS) == 5
