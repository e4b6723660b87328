"""The ways in which people use boosters: categories, stops, callbacks, objectives of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from xgboost import XGBClassifier

from lightning_expname import ExpNameClassifier

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
