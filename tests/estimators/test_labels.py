"""Labels and weights of labels, where folds lack a class or rows are never held out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import EstimatorError, ExpNameClassifier

NAMES = np.array(["Barbera", "Barolo", "Grignolino"])


@pytest.mark.parametrize("weights", [{"Barbera": 1.0, "Barolo": 7.0, "Grignolino": 1e6}, None])
def test_weights_of_classes_follow_them_where_a_fold_lacks_one(wine: Any, weights: Any) -> None:
    y = NAMES[wine.target]
    splits = [
        (np.flatnonzero(y != "Barolo"), np.flatnonzero(y == "Barolo")),
        (np.arange(0, 178, 2), np.arange(1, 178, 2)),
    ]
    inner = make_pipeline(StandardScaler(), LogisticRegression(class_weight=weights))
    clf = ExpNameClassifier(inner, cv=splits, track=False).fit(wine.data, y)
    used = [one[-1].class_weight for one in clf.estimators_]
    expected = [{0: 1.0, 1: 1e6}, {0: 1.0, 1: 7.0, 2: 1e6}]
    assert used == (expected if weights else [None, None])


@pytest.mark.parametrize("inner", [DecisionTreeClassifier(max_depth=3), LinearSVC(max_iter=20)])
def test_nothing_is_said_of_rows_that_no_fold_held_out(
    expname_root: Path, expname_recorded: Any, wine: Any, inner: Any
) -> None:
    order = np.random.default_rng(0).permutation(178)
    X, y = wine.data.iloc[order], NAMES[wine.target.iloc[order]]
    cv = TimeSeriesSplit(3)
    clf = ExpNameClassifier(make_pipeline(StandardScaler(), inner), cv=cv, dataset=wine).fit(X, y)
    never = min(clf.fold_indices_[0])
    with (expname_root / clf.record_.best / "out_of_fold.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["predicted"] for row in rows[:never]} == {""}
    assert {row["predicted"] for row in rows[never:]} == set(NAMES)
    assert [row["true"] for row in rows] == y.tolist()
    (run,) = expname_recorded()
    assert run.summary["out_of_fold"]["nrows"] == 178


def validated(labels: Any) -> ExpNameClassifier:
    """A fit with an evaluation set of these labels."""
    X, y = np.arange(60.0)[:, None], np.tile(["a", "b"], 30)
    inner = HistGradientBoostingClassifier(max_iter=2, early_stopping=True)
    clf = ExpNameClassifier(inner, n_splits=2, track=False)
    return clf.fit(X, y, X_val=X[: len(labels)], y_val=labels)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a", None], "has the label None"),
        (np.array(["a", np.nan], dtype=object), "has the label nan"),
        (np.array([1, "a"], dtype=object), "has the label 1,"),
        ([0, 1], "has the label 0,"),
    ],
)
def test_labels_of_an_evaluation_set_that_nothing_sorts_are_answered(
    labels: Any, said: str
) -> None:
    with pytest.raises(EstimatorError, match=rf"{said}.*trained on: \['a', 'b'\]"):
        validated(labels)
    assert len(validated(np.array(["a", "b", "a"], dtype=object)).estimators_) == 2


def test_an_error_shows_the_beginning_of_a_long_label() -> None:
    with pytest.raises(EstimatorError, match=r"'line\\n") as caught:
        validated(["a", "line\n" + "x" * 5000])
    assert len(str(caught.value)) < 250


def test_a_class_that_a_fold_lacks_is_said_by_its_label() -> None:
    X, y = np.arange(60.0)[:, None], np.tile(["a", "b", "c"], 20)
    lacking = [(np.flatnonzero(y != "b"), np.flatnonzero(y == "b"))]
    inner = HistGradientBoostingClassifier(max_iter=2, early_stopping=True)
    clf = ExpNameClassifier(inner, cv=lacking, track=False)
    with pytest.raises(EstimatorError, match=r"the label 'b', .*trained on: \['a', 'c'\]"):
        clf.fit(X, y, X_val=X[:3], y_val=y[:3])


class Noting(HistGradientBoostingClassifier):  # type: ignore[misc]
    """Keeps how many rows it was given to validate on."""

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None) -> Any:
        self.rows_ = (len(X), len(X_val), len(y_val))
        return super().fit(X, y, X_val=X_val, y_val=y_val)


def test_an_evaluation_set_with_as_many_rows_as_the_data_is_not_cut() -> None:
    X, y = np.arange(60.0)[:, None], np.tile(["a", "b"], 30)
    clf = ExpNameClassifier(Noting(max_iter=2, early_stopping=True), n_splits=2, track=False)
    clf.fit(X, y, X_val=X[::-1], y_val=y[::-1])
    assert [one.rows_ for one in clf.estimators_] == [(30, 60, 60)] * 2
