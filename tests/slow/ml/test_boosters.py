"""Boosters on real data: curves, importances, files, and the same predictions in a new process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from lightning_expname import EstimatorError, ExpNameClassifier, ExpNameRegressor

LOADERS = {
    "breast_cancer": load_breast_cancer,
    "diabetes": load_diabetes,
    "digits": load_digits,
    "wine": load_wine,
}
LOAD = """
import sys
import numpy as np
import lightning_expname, sklearn.datasets
kind, data, folder, out = sys.argv[1:]
assert "torch" not in sys.modules
model = getattr(lightning_expname, kind).load(folder, track=False)
X = getattr(sklearn.datasets, "load_" + data)(as_frame=True).data
np.save(out, model.predict_proba(X) if kind.endswith("Classifier") else model.predict(X))
assert "torch" not in sys.modules and "lightning" not in sys.modules
"""
SMALL = {"n_estimators": 20, "random_state": 0}
CASES = [
    (LGBMClassifier(verbose=-1, n_jobs=2, **SMALL), "breast_cancer", ".txt", {"gain", "split"}),
    (LGBMClassifier(verbose=-1, n_jobs=2, **SMALL), "wine", ".txt", {"gain", "split"}),
    (LGBMRegressor(verbose=-1, n_jobs=2, **SMALL), "diabetes", ".txt", {"gain", "split"}),
    (XGBClassifier(n_jobs=2, **SMALL), "digits", ".ubj", {"gain", "split"}),
    (XGBRegressor(n_jobs=2, **SMALL), "diabetes", ".ubj", {"gain", "split"}),
    (CatBoostClassifier(thread_count=2, **SMALL), "wine", ".cbm", {"prediction_values_change"}),
    (CatBoostRegressor(thread_count=2, **SMALL), "diabetes", ".cbm", {"prediction_values_change"}),
]
IDS = [f"{type(inner).__name__}-{data}" for inner, data, _, _ in CASES]


@pytest.mark.parametrize(("inner", "name", "extension", "kinds"), CASES, ids=IDS)
def test_a_booster_on_real_data(
    expname_root: Path,
    expname_recorded: Any,
    inner: Any,
    name: str,
    extension: str,
    kinds: set[str],
) -> None:
    data = LOADERS[name](as_frame=True)
    is_classifier = name != "diabetes"
    kind = ExpNameClassifier if is_classifier else ExpNameRegressor
    model = kind(inner, n_splits=3, dataset=data, random_state=0).fit(data.data, data.target)
    assert model.names_.project == f"{type(inner).__name__}-{name}"
    assert set(model.importances_) == kinds
    assert model.feature_importances_.shape == (data.data.shape[1],)
    assert not (expname_root / "catboost_info").exists()
    folder = expname_root / model.record_.best
    assert {f"fold{i}{extension}" for i in range(3)} <= {path.name for path in folder.iterdir()}
    said = model._ask(data.data)
    out = expname_root / "said.npy"
    command = [sys.executable, "-c", LOAD, kind.__name__, name, str(folder), str(out)]
    subprocess.run(command, check=True, timeout=240)
    assert np.array_equal(np.load(out), said)
    (run,) = expname_recorded()
    assert run.config["resolved"]
    curves = {key for row in run.history for key in row if key.startswith("curves/fold2/")}
    assert curves and len(run.series(sorted(curves)[0])) == 20
    assert run.summary["feature_importance"]["nrows"] == min(100, data.data.shape[1])


@pytest.mark.parametrize(
    "inner",
    [LGBMClassifier(verbose=-1), XGBClassifier(), CatBoostClassifier(verbose=0)],
    ids=["lightgbm", "xgboost", "catboost"],
)
def test_early_stopping_and_a_missing_class(tmp_path: Path, inner: Any) -> None:
    data = load_wine(as_frame=True)
    inner = inner.set_params(n_estimators=300, learning_rate=0.3)
    y = np.array(["a", "b", "c"])[data.target]
    splits = [
        (np.flatnonzero(y != "b"), np.flatnonzero(y == "b")[:9]),
        (np.arange(0, 178, 2), np.arange(1, 178, 2)),
    ]
    clf = ExpNameClassifier(inner, cv=splits[1:], early_stopping=5, track=False).fit(data.data, y)
    (curve, *_) = clf.results_.curves[0].values()
    assert len(curve) < 300
    clf.save(tmp_path / "m")
    again = ExpNameClassifier.load(tmp_path / "m", track=False)
    assert np.array_equal(again.predict_proba(data.data), clf.predict_proba(data.data))
    lacking = ExpNameClassifier(inner.set_params(n_estimators=10), cv=splits, track=False)
    watched = ExpNameClassifier(inner, cv=splits, early_stopping=5, track=False)
    for model in (lacking, watched):  # the first fold has no class "b", and nothing to stop on
        proba = model.fit(data.data, y).predict_proba(data.data)
        assert [len(one.classes_) for one in model.estimators_] == [2, 3]
        assert np.allclose(proba.sum(axis=1), 1.0) and 0.0 < proba[:, 1].max() <= 0.5


@pytest.mark.parametrize(
    "inner",
    [
        DecisionTreeClassifier(max_depth=3),
        LGBMClassifier(verbose=-1, **SMALL),
        XGBClassifier(**SMALL),
        CatBoostClassifier(verbose=0, **SMALL),
    ],
    ids=["tree", "lightgbm", "xgboost", "catboost"],
)
def test_polars_frames(tmp_path: Path, inner: Any) -> None:
    """polars has no `__dataframe__` since its version 2: it was taken for an array then."""
    data = load_wine(as_frame=True)
    X, y = polars.DataFrame(data.data.to_dict("list")), polars.Series(data.target.to_numpy())
    options: dict[str, Any] = {"n_splits": 2, "random_state": 0, "track": False}
    clf = ExpNameClassifier(inner, importance="permutation", **options)
    said = clf.fit(X, y, sample_weight=polars.Series(np.ones(178))).predict_proba(X)
    assert clf.feature_names_in_.tolist() == X.columns
    assert clf.importances_["permutation"].shape == (13,)
    again = ExpNameClassifier.load(clf.save(tmp_path / "model"), track=False)
    turned = data.data[data.data.columns[::-1]]
    for given in (X, X[:, ::-1], data.data, turned):  # a loaded model matches columns by name
        assert np.array_equal(again.predict_proba(given), said)
    with pytest.raises(EstimatorError, match=r"columns \['hue'\] are missing"):
        again.predict(X.drop("hue"))
    chosen = ExpNameClassifier(inner, features=["hue", "alcohol"], n_jobs=2, **options).fit(X, y)
    assert chosen.features_.used == ("alcohol", "hue")
    chosen.fit(X, y, groups=polars.Series(np.arange(178) // 5))
