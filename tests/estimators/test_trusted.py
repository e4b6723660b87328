"""What skops may load without a word: scikit-learn's usual estimators, and no code."""

from __future__ import annotations

import functools
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import EstimatorError, ExpNameClassifier
from lightning_expname.observer import ExpNameWarning

BY_TYPE = make_column_transformer(
    (OneHotEncoder(), ["ash"]), (StandardScaler(), make_column_selector(dtype_include="number"))
)
TWO = [("tree", DecisionTreeClassifier()), ("bayes", GaussianNB())]
NUMBERS = {
    "neighbours": KNeighborsClassifier(),
    "balls": KNeighborsClassifier(algorithm="ball_tree", metric="manhattan"),
    "vote": VotingClassifier(TWO, voting="soft"),
    "stack": StackingClassifier(TWO, cv=2),
    "calibrated": CalibratedClassifierCV(GaussianNB(), cv=2),
    "search": GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 3]}, cv=2),
    "chosen": make_pipeline(SelectKBest(k=1), GaussianNB()),
    "bins": make_pipeline(
        KBinsDiscretizer(3, encode="ordinal", quantile_method="linear"), GaussianNB()
    ),
    "process": GaussianProcessClassifier(RBF() + WhiteKernel()),
}
MIXED = {
    "columns": make_pipeline(BY_TYPE, LogisticRegression()),
    "boosting": HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype"),
}


def frame(wine: Any) -> pd.DataFrame:
    ash = np.where(wine.data["ash"] > 2.4, "much", "little")
    return wine.data[["hue", "alcohol"]].assign(ash=pd.Categorical(ash))


@pytest.mark.parametrize("name", [*NUMBERS, *MIXED])
def test_the_usual_estimators_load_without_being_trusted(
    tmp_path: Path, wine: Any, name: str
) -> None:
    X = frame(wine) if name in MIXED else wine.data[["hue", "alcohol"]]
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExpNameWarning)  # that load will ask for trust
        inner = {**NUMBERS, **MIXED}[name]
        options = {"n_splits": 2, "random_state": 0, "track": False}
        clf = ExpNameClassifier(inner, **options).fit(X, wine.target)
        clf.save(tmp_path / "model")
    again = ExpNameClassifier.load(tmp_path / "model", track=False)
    assert np.array_equal(again.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize(
    "function", [functools.partial(os.path.expandvars), functools.partial(map, os.path.exists)]
)
def test_a_partial_of_what_is_not_trusted_is_refused(
    tmp_path: Path, wine: Any, function: Any
) -> None:
    inner = make_pipeline(FunctionTransformer(np.log1p), DecisionTreeClassifier())
    clf = ExpNameClassifier(inner, n_splits=2, track=False).fit(wine.data, wine.target)
    for one in clf.estimators_:
        one.steps[0][1].func = function
    with pytest.warns(ExpNameWarning, match="asks you to trust"):
        clf.save(tmp_path / "model")
    with pytest.raises(EstimatorError, match=r"not trusted: \["):
        ExpNameClassifier.load(tmp_path / "model")
