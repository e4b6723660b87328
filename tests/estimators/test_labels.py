"""Labels and weights of labels, where folds lack a class or rows are never held out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import ExpNameClassifier

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
