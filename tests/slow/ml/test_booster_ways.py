"""The ways in which people use boosters: categories, stops, callbacks, objectives of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier, early_stopping
from scipy.special import softmax
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from xgboost import XGBClassifier
from xgboost.callback import EarlyStopping

from lightning_expname import EstimatorError, ExpNameClassifier

CAT = {"n_estimators": 5, "verbose": 0, "thread_count": 1}


def with_categories(wine: Any) -> pd.DataFrame:
    """Two numbers and a column of texts."""
    ash = np.where(wine.data["ash"] > 2.4, "much", "little")
    return wine.data[["hue", "alcohol"]].assign(ash=pd.Categorical(ash))


@pytest.mark.parametrize("given", [["ash"], [2]])
def test_catboost_with_categories_is_copied_searched_and_loaded(
    expname_root: Path, wine: Any, given: Any
) -> None:
    X = with_categories(wine)
    inner = CatBoostClassifier(cat_features=given, **CAT)
    with pytest.raises(RuntimeError, match="Cannot clone"):
        clone(inner)  # the day that this works, `unfitted` may go
    clf = ExpNameClassifier(inner, n_splits=2, dataset=wine).fit(X, wine.target)
    assert all(one.get_cat_feature_indices() == [2] for one in clf.estimators_)
    assert clf.record_.hparams["cat_features"] == given
    again = ExpNameClassifier.load(clf.record_.path, track=False)
    assert np.array_equal(again.predict_proba(X), clf.predict_proba(X))
    search = GridSearchCV(clf, {"estimator__depth": [1, 3]}, cv=2).fit(X, wine.target)
    assert search.best_estimator_.estimator.get_params()["cat_features"] == given
    again.fit(X, wine.target)
    around = make_pipeline(FunctionTransformer(), inner)
    assert (
        ExpNameClassifier(around, n_splits=2, track=False).fit(X, wine.target).score(X, wine.target)
    )


def test_a_list_of_weights_follows_the_classes(wine: Any) -> None:
    y = wine.target.to_numpy()
    splits = [(np.flatnonzero(y != 1), np.flatnonzero(y == 1))]
    inner = CatBoostClassifier(class_weights=[1.0, 2.0, 9.0], **CAT)
    clf = ExpNameClassifier(inner, cv=splits, track=False).fit(wine.data, y)
    assert clf.estimators_[0].get_params()["class_weights"] == [1.0, 9.0]


@pytest.mark.parametrize(
    "inner", [LGBMClassifier(verbose=-1), XGBClassifier(), CatBoostClassifier(verbose=0)]
)
def test_a_loaded_model_is_saved_again(tmp_path: Path, wine: Any, inner: Any) -> None:
    inner = inner.set_params(n_estimators=5)
    clf = ExpNameClassifier(inner, n_splits=2, track=False).fit(wine.data, wine.target)
    first = ExpNameClassifier.load(clf.save(tmp_path / "first"), track=False)
    second = ExpNameClassifier.load(first.save(tmp_path / "second"), track=False)
    assert np.array_equal(second.predict_proba(wine.data), clf.predict_proba(wine.data))
    names = [{path.name for path in (tmp_path / one).iterdir()} for one in ("first", "second")]
    assert names[0] == names[1]
    assert repr(second.estimator) == repr(clf.estimator)


def log_loss(y: Any, raw: Any) -> tuple[Any, Any]:
    """Of two classes, by log-odds."""
    p = 1.0 / (1.0 + np.exp(-raw))
    return p - y, p * (1.0 - p)


def soft_loss(y: Any, raw: Any) -> tuple[Any, Any]:
    """Of several classes, by logits of shape (rows, classes)."""
    p = softmax(raw, axis=1)
    return p - np.eye(raw.shape[1])[y.astype(int)], np.maximum(2 * p * (1 - p), 1e-6)


@pytest.mark.parametrize(("objective", "classes"), [(log_loss, 2), (soft_loss, 3)])
def test_an_objective_of_ones_own_gives_probabilities(
    tmp_path: Path, wine: Any, objective: Any, classes: int
) -> None:
    X, y = wine.data, np.minimum(wine.target, classes - 1)
    inner = LGBMClassifier(objective=objective, n_estimators=20, verbose=-1)
    clf = ExpNameClassifier(inner, n_splits=3, track=False, random_state=0).fit(X, y)
    proba = clf.predict_proba(X)
    assert proba.shape == (178, classes) and proba.sum(axis=1) == pytest.approx(1.0)
    assert clf.score(X, y) > 0.95
    assert clf.fold_metrics_["neg_log_loss"].min() > -0.5
    named = f"{objective.__module__}.{objective.__name__}"
    again = ExpNameClassifier.load(clf.save(tmp_path / "m"), trusted=[named], track=False)
    assert np.array_equal(again.predict_proba(X), proba)


STOPPING = [
    LGBMClassifier(early_stopping_round=3, verbose=-1),
    XGBClassifier(early_stopping_rounds=3),
    XGBClassifier(callbacks=[EarlyStopping(rounds=3)]),
    CatBoostClassifier(early_stopping_rounds=3, verbose=0),
    CatBoostClassifier(od_type="Iter", od_wait=3, verbose=0),
]


def iterations(clf: ExpNameClassifier) -> list[int]:
    (names, *_) = ([*fold] for fold in clf.results_.curves)
    return [len(fold[names[0]]) for fold in clf.results_.curves]


@pytest.mark.parametrize("inner", STOPPING, ids=lambda one: type(one).__name__)
def test_a_boosters_own_early_stopping_stops_on_the_held_out_fold(
    expname_root: Path, wine: Any, inner: Any
) -> None:
    inner = inner.set_params(n_estimators=200, learning_rate=0.5)
    options: dict[str, Any] = {"n_splits": 2, "random_state": 0, "dataset": wine}
    plain, tracked = (
        ExpNameClassifier(inner, track=track, **options).fit(wine.data, wine.target)
        for track in (False, True)
    )
    assert max(iterations(plain)) < 200
    assert np.array_equal(plain.predict_proba(wine.data), tracked.predict_proba(wine.data))


def test_catboost_told_to_stop_by_fit_keeps_the_best_iteration(wine: Any) -> None:
    inner = CatBoostClassifier(verbose=0, n_estimators=200, learning_rate=0.5)
    told = {"early_stopping_rounds": 3}
    by_fit, by_constructor = (
        ExpNameClassifier(one, n_splits=2, random_state=0, track=False).fit(
            wine.data, wine.target, **fit
        )
        for one, fit in ((inner, told), (inner.copy().set_params(**told), {}))
    )
    for one in by_fit.estimators_:
        assert one.tree_count_ == one.get_best_iteration() + 1
    assert np.array_equal(by_fit.predict_proba(wine.data), by_constructor.predict_proba(wine.data))


@pytest.mark.parametrize(
    ("inner", "names"),
    [
        (LGBMClassifier(verbose=-1), ("eval_set", "eval_X", "eval_y", "callbacks")),
        (XGBClassifier(), ("eval_set", "sample_weight_eval_set")),
        (CatBoostClassifier(verbose=0), ("eval_set", "sample_weight")),
    ],
    ids=["lightgbm", "xgboost", "catboost"],
)
def test_arguments_that_are_none_are_none(wine: Any, inner: Any, names: Any) -> None:
    inner = inner.set_params(n_estimators=200, learning_rate=0.5)
    clf = ExpNameClassifier(inner, n_splits=2, early_stopping=3, random_state=0, track=False)
    without = iterations(clf.fit(wine.data, wine.target))
    assert iterations(clf.fit(wine.data, wine.target, **dict.fromkeys(names))) == without
    assert min(without) < 200  # it does stop, though not in every fold


def test_callbacks_of_ones_own_are_called_too(wine: Any) -> None:
    seen: list[int] = []

    def note(env: Any) -> None:
        seen.append(env.iteration)

    inner = LGBMClassifier(n_estimators=100, learning_rate=0.5, verbose=-1)
    clf = ExpNameClassifier(inner, n_splits=2, early_stopping=3, track=False)
    clf.fit(wine.data, wine.target, callbacks=[note])
    assert len(seen) == sum(iterations(clf)) and max(iterations(clf)) < 100
    stopper = early_stopping(3, verbose=False)
    clf = ExpNameClassifier(inner, n_splits=2, track=False)
    clf.fit(wine.data, wine.target, callbacks=[stopper])
    assert max(iterations(clf)) < 100


@pytest.mark.parametrize(
    "inner",
    [LGBMClassifier(verbose=-1), XGBClassifier(), CatBoostClassifier(verbose=0)],
    ids=["lightgbm", "xgboost", "catboost"],
)
def test_an_evaluation_set_of_ones_own(wine: Any, inner: Any) -> None:
    inner = inner.set_params(n_estimators=200, learning_rate=0.5)
    y = np.array(["a", "b", "c"])[wine.target]
    clf = ExpNameClassifier(
        inner, n_splits=2, early_stopping=3, features=["hue", "ash"], track=False
    )
    pair = (wine.data[::5], y[::5])
    clf.fit(wine.data, y, eval_set=pair if isinstance(inner, CatBoostClassifier) else [pair])
    assert max(iterations(clf)) < 200
    with pytest.raises(EstimatorError, match="has the label 'z', which is not among"):
        clf.fit(wine.data, y, eval_set=[(wine.data[:2], ["a", "z"])])
    lacking = [(np.flatnonzero(y != "b"), np.flatnonzero(y == "b"))]
    with pytest.raises(EstimatorError, match=r"the label 'b', which is not among .*: \['a', 'c'\]"):
        clf.set_params(cv=lacking).fit(wine.data, y, eval_set=[pair])


def test_a_fold_may_know_one_class_only(wine: Any) -> None:
    order = np.sort(wine.target.to_numpy() > 0)
    cv = TimeSeriesSplit(3)
    for inner in (LGBMClassifier(verbose=-1, n_estimators=5), XGBClassifier(n_estimators=5)):
        clf = ExpNameClassifier(inner, cv=cv, track=False).fit(wine.data, order)
        assert clf.oof_predictions_[50].tolist() == [1.0, 0.0]
        assert clf.predict_proba(wine.data).sum(axis=1) == pytest.approx(1.0)
    refusing = ExpNameClassifier(CatBoostClassifier(**CAT), cv=cv, track=False)
    with pytest.raises(EstimatorError, match=r"one class only \(False\), which CatBoost"):
        refusing.fit(wine.data, order)
