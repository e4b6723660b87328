"""A saved model: whole or not at all, and nothing but what was saved."""

from __future__ import annotations

import contextlib
import copy
import csv
import functools
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import (
    EstimatorError,
    ExpNameClassifier,
    ExpNameError,
    ExpNameRegressor,
)
from lightning_expname.estimators.manifest import write_manifest
from lightning_expname.observer import ExpNameWarning
from lightning_expname.records import read_record

LOAD = """
import sys
import numpy as np
from sklearn.datasets import load_wine
from lightning_expname import ExpNameClassifier
X = load_wine(as_frame=True).data
for folder in sys.argv[1:]:
    model = ExpNameClassifier.load(folder, track=False)
    np.save(folder + ".npy", model.predict_proba(X))
"""
ESTIMATORS = {
    "tree": DecisionTreeClassifier(max_depth=3),
    "forest": RandomForestClassifier(5),
    "boosting": HistGradientBoostingClassifier(max_iter=3),
    "pipeline": make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=2)),
}


def saved(wine: Any, folder: Path, inner: Any = None, **options: Any) -> ExpNameClassifier:
    inner = DecisionTreeClassifier(max_depth=3) if inner is None else inner
    given = {"n_splits": 2, "random_state": 0, "track": False, "dataset": "wine"}
    clf = ExpNameClassifier(inner, **{**given, **options}).fit(wine.data, wine.target)
    clf.save(folder)
    return clf


def test_a_new_process_predicts_bit_for_bit(tmp_path: Path, wine: Any) -> None:
    models = {name: saved(wine, tmp_path / name, one) for name, one in ESTIMATORS.items()}
    folders = [str(tmp_path / name) for name in models]
    subprocess.run([sys.executable, "-c", LOAD, *folders], check=True, timeout=240)
    for name, clf in models.items():
        said = np.load(tmp_path / f"{name}.npy")
        assert np.array_equal(said, clf.predict_proba(wine.data)), name


def test_it_is_as_it_was(tmp_path: Path, wine: Any) -> None:
    clf = saved(wine, tmp_path / "model", features=["hue", "alcohol"], early_stopping=None)
    again = ExpNameClassifier.load(tmp_path / "model")
    assert again.get_params()["estimator__max_depth"] == 3
    assert (again.n_splits, again.dataset, again.features) == (2, "wine", ["hue", "alcohol"])
    assert again.features_ == clf.features_
    assert again.classes_.tolist() == clf.classes_.tolist()
    for name in ("fold_scores_", "oof_predictions_", "feature_importances_"):
        assert np.array_equal(getattr(again, name), getattr(clf, name)), name
    assert again.save(tmp_path / "copy") == tmp_path / "copy"
    assert (tmp_path / "copy" / "out_of_fold.csv").read_text() == (
        tmp_path / "model" / "out_of_fold.csv"
    ).read_text()


def test_a_loaded_model_trains_as_the_user_said(tmp_path: Path, wine: Any) -> None:
    labelled = SimpleNamespace(data=wine.data, target=np.array(["a", "b", "c"])[wine.target])
    inner = DecisionTreeClassifier(max_depth=2, class_weight={"a": 1.0, "b": 3.0, "c": 9.0})
    clf = saved(labelled, tmp_path / "model", inner)
    again = ExpNameClassifier.load(tmp_path / "model", track=False)
    assert again.estimator.get_params() == inner.get_params()
    again.fit(labelled.data, labelled.target)
    assert np.array_equal(again.predict_proba(wine.data), clf.predict_proba(wine.data))
    damage(tmp_path / "model", "of an earlier version")
    earlier = ExpNameClassifier.load(tmp_path / "model", track=False)
    assert np.array_equal(earlier.predict_proba(wine.data), clf.predict_proba(wine.data))


def test_labels_keep_their_type(tmp_path: Path, wine: Any) -> None:
    for labels in (["x", "y", "z"], [3, 5, 9], [0.5, 1.5, 2.5], np.array(["x", "y", None])[[0, 1]]):
        y = np.array(labels)[np.minimum(wine.target, len(labels) - 1)]
        y = y.astype(int) if y.dtype == float else y
        clf = ExpNameClassifier(DecisionTreeClassifier(), n_splits=2, track=False)
        clf.fit(wine.data, y).save(tmp_path / "model")
        again = ExpNameClassifier.load(tmp_path / "model", track=False)
        assert again.classes_.dtype == clf.classes_.dtype
        assert np.array_equal(again.predict(wine.data), clf.predict(wine.data))


def test_the_old_or_the_new_model_is_whole_wherever_a_save_is_killed(tmp_path: Path) -> None:
    program = Path(__file__).with_name("kill_saves.py")
    command = [sys.executable, str(program), str(tmp_path / "root")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "a fold is written: first",
        "a hash is taken: first",
        "all is flushed: first",
        "the old one is moved: first",
        "the new one is moved: first",
        "the old one is removed: second",
    ]


def test_an_error_while_saving_leaves_the_old_model(
    tmp_path: Path, wine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clf = saved(wine, tmp_path / "model")

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        clf.save(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert np.array_equal(
        ExpNameClassifier.load(tmp_path / "model", track=False).predict(wine.data),
        clf.predict(wine.data),
    )


def test_folds_of_an_earlier_training_are_not_loaded(tmp_path: Path, wine: Any) -> None:
    ten = saved(wine, tmp_path / "model", n_splits=10)
    five = saved(wine, tmp_path / "model", n_splits=5)
    names = {path.name for path in (tmp_path / "model").glob("fold*.skops")}
    assert names == {f"fold{index}.skops" for index in range(5)}
    (tmp_path / "model" / "fold7.skops").write_bytes(b"left by somebody")
    again = ExpNameClassifier.load(tmp_path / "model", track=False)
    assert len(again.estimators_) == 5
    assert np.array_equal(again.predict_proba(wine.data), five.predict_proba(wine.data))
    assert not np.array_equal(again.predict_proba(wine.data), ten.predict_proba(wine.data))


def damage(folder: Path, what: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    if what == "exchanged":
        (folder / "fold0.skops").write_bytes((folder / "fold1.skops").read_bytes())
    elif what == "missing":
        (folder / "fold1.skops").unlink()
    elif what == "no manifest":
        (folder / "manifest.json").unlink()
    elif what == "of an earlier version":
        del manifest["given"]
    elif what == "newer":
        manifest["manifest_version"] = 99
    elif what == "outside":
        manifest["folds"][0]["file"] = "../fold0.skops"
        manifest["files"]["../fold0.skops"] = "0" * 64
    elif what == "not listed":
        del manifest["files"]["fold0.skops"]
    elif what == "other class":
        manifest["estimator"].update(format="lightgbm", kind="os.system")
    if what not in ("no manifest",):
        write_manifest(folder, manifest)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("exchanged", "its SHA-256 differs"),
        ("missing", "fold1.skops is missing"),
        ("no manifest", "is no saved model"),
        ("newer", "upgrade it"),
        ("outside", "does not list"),
        ("not listed", "does not list 'fold0.skops'"),
    ],
)
def test_what_was_not_saved_is_refused(tmp_path: Path, wine: Any, what: str, message: str) -> None:
    saved(wine, tmp_path / "model")
    damage(tmp_path / "model", what)
    with pytest.raises(EstimatorError, match=message):
        ExpNameClassifier.load(tmp_path / "model")


def edits(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a manifest can be changed; of a list its first entry stands for all."""
    yield path
    pairs = value.items() if isinstance(value, dict) else []
    for key, one in [*enumerate(value)][:1] if isinstance(value, list) else pairs:
        yield from edits(one, (*path, key))


def test_an_edited_or_forged_manifest_is_an_error_that_says_so(tmp_path: Path, wine: Any) -> None:
    folder = tmp_path / "model"
    saved(wine, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    for path in [*edits(manifest)][1:]:
        forged = copy.deepcopy(manifest)
        home = functools.reduce(lambda one, key: one[key], path[:-1], forged)
        right = home[path[-1]]
        for value in [one for one in (None, 7, "x", [], {}) if one != right]:
            home[path[-1]] = value
            (folder / "manifest.json").write_text(json.dumps(forged))
            if path[0] not in ("manifest_version", "digest"):
                with pytest.raises(EstimatorError, match="its digest differs"):
                    ExpNameClassifier.load(folder, track=False)
            write_manifest(folder, forged)
            with contextlib.suppress(ExpNameError):  # or it is no worse than another model
                ExpNameClassifier.load(folder, track=False)


def test_a_class_that_the_manifest_makes_up_is_not_looked_for(tmp_path: Path, wine: Any) -> None:
    saved(wine, tmp_path / "model")
    damage(tmp_path / "model", "other class")
    with pytest.raises(EstimatorError, match="none of the formats"):
        ExpNameClassifier.load(tmp_path / "model")


def test_the_other_class_is_named(tmp_path: Path, wine: Any) -> None:
    saved(wine, tmp_path / "model")
    with pytest.raises(EstimatorError, match=r"holds a classifier; use ExpNameClassifier\.load"):
        ExpNameRegressor.load(tmp_path / "model")


def test_a_folder_of_the_users_own_is_not_replaced(tmp_path: Path, wine: Any) -> None:
    own = tmp_path / "thesis"
    own.mkdir()
    (own / "chapter.txt").write_text("years of work")
    with pytest.raises(EstimatorError, match="is no saved model"):
        saved(wine, own)
    assert (own / "chapter.txt").read_text() == "years of work"


def test_numbered_columns_load_too(tmp_path: Path, wine: Any) -> None:
    numbered = wine.data.set_axis(range(wine.data.shape[1]), axis="columns")
    clf = ExpNameClassifier(DecisionTreeClassifier(max_depth=3), n_splits=2, track=False)
    clf.fit(numbered, wine.target).save(tmp_path / "model")
    again = ExpNameClassifier.load(tmp_path / "model", track=False)
    assert np.array_equal(again.predict_proba(numbered), clf.predict_proba(numbered))
    turned = numbered[numbered.columns[::-1]]
    assert np.array_equal(again.predict_proba(turned), clf.predict_proba(numbered))


def test_tables_hold_no_formulas_and_a_picture_shows_the_features(
    tmp_path: Path, wine: Any
) -> None:
    odd = {
        "hue": "=SUM(A1)",
        "alcohol": "+x",
        "ash": "@$x_{1$",
        "proline": "\udcff",
        "magnesium": "마",
    }
    labels = np.array(["=a", "-b", "c"])
    clf = ExpNameClassifier(DecisionTreeClassifier(), n_splits=2, track=False)
    names = [odd.get(name, name) for name in wine.data]  # pyarrow's texts refuse half a character
    X = wine.data.set_axis(pd.Index(names, dtype=object), axis="columns")
    folder = clf.fit(X, labels[wine.target]).save(tmp_path / "model")
    features = [row[0] for row in csv.reader((folder / "feature_importance.csv").open())][1:]
    assert {"'=SUM(A1)", "'+x", "'@$x_{1$", "\\udcff", "마"} <= set(features)
    rows = list(csv.DictReader((folder / "out_of_fold.csv").open()))
    assert {row["true"] for row in rows} == {"'=a", "'-b", "c"}
    assert (folder / "feature_importance.png").read_bytes().startswith(b"\x89PNG")
    again = ExpNameClassifier.load(folder, track=False)
    assert again.feature_names_in_.tolist() == list(X.columns)
    assert np.array_equal(again.predict(X), clf.predict(X))


def test_without_matplotlib_it_is_said_and_saved(
    tmp_path: Path, wine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.warns(ExpNameWarning, match=r"png was not drawn; .*pip install 'lightning-expname"):
        saved(wine, tmp_path / "model")
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert "feature_importance.csv" in names and "feature_importance.png" not in names


def test_columns_are_matched_by_name(tmp_path: Path, wine: Any) -> None:
    clf = saved(wine, tmp_path / "model")
    again, X = ExpNameClassifier.load(tmp_path / "model", track=False), wine.data
    turned = X[X.columns[::-1]]
    assert np.array_equal(again.predict_proba(turned), clf.predict_proba(X))
    with pytest.raises(ValueError, match="same order"):  # scikit-learn's own rule before saving
        clf.predict(turned)
    with pytest.raises(EstimatorError, match=r"\['hue'\] are missing.*'hue' may be 'hues'"):
        again.predict(X.rename(columns={"hue": "hues"}))
    with pytest.raises(EstimatorError, match=r"does not know \['more'\]"):
        again.predict(X.assign(more=1.0))
    with pytest.raises(EstimatorError, match=r"several columns of these names: \['hue'\]"):
        again.predict(pd.concat([X, X[["hue"]]], axis=1))


class OwnTree(DecisionTreeClassifier):
    """A type that nobody else knows."""


def test_types_of_the_users_own_must_be_trusted(tmp_path: Path, wine: Any) -> None:
    with pytest.warns(ExpNameWarning, match="asks you to trust"):
        clf = saved(wine, tmp_path / "model", OwnTree(max_depth=2))
    with pytest.raises(EstimatorError, match=r"not trusted: \['.*OwnTree'\]") as refused:
        ExpNameClassifier.load(tmp_path / "model")
    name = str(refused.value).partition("['")[2].partition("']")[0]
    again = ExpNameClassifier.load(tmp_path / "model", trusted=[name], track=False)
    assert np.array_equal(again.predict_proba(wine.data), clf.predict_proba(wine.data))


class Evil:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("it ran",))


def test_nothing_is_unpickled_unless_the_user_says_so(
    tmp_path: Path, wine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inner = make_pipeline(FunctionTransformer(lambda X: X * 2), DecisionTreeClassifier())
    clf = ExpNameClassifier(inner, n_splits=2, track=False).fit(wine.data, wine.target)
    with pytest.raises(EstimatorError, match="allow_pickle=True"):
        clf.save(tmp_path / "model")
    tree = ExpNameClassifier(DecisionTreeClassifier(), n_splits=2, track=False)
    tree.fit(wine.data, wine.target).save(tmp_path / "model", allow_pickle=True)
    with pytest.raises(EstimatorError, match="runs any code on loading"):
        ExpNameClassifier.load(tmp_path / "model")
    again = ExpNameClassifier.load(tmp_path / "model", allow_pickle=True, track=False)
    assert np.array_equal(again.predict(wine.data), tree.predict(wine.data))
    (tmp_path / "model" / "fold0.joblib").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(EstimatorError, match="SHA-256"):
        ExpNameClassifier.load(tmp_path / "model", allow_pickle=True)
    assert not Path("it ran").exists()


def test_a_test_in_a_new_process_is_linked_to_its_training(
    expname_root: Path, expname_recorded: Any, diabetes: Any
) -> None:
    reg = ExpNameRegressor(Ridge(), dataset="diabetes", n_splits=2, random_state=0)
    reg.fit(diabetes.data, diabetes.target)
    for place in (reg.record_, reg.record_.path, expname_root / reg.record_.best):
        assert ExpNameRegressor.load(place).record_.id == reg.record_.id
    again = ExpNameRegressor.load(expname_root / reg.record_.best / "manifest.json")
    again.score(diabetes.data, diabetes.target)
    trained, tested = expname_recorded()
    assert tested.name == f"{trained.name}-test"
    assert tested.config["expname"]["trained"]["id"] == trained.run_id
    assert read_record(expname_root / tested.config["expname"]["record"]).root == expname_root


def test_a_tree_that_moved_is_still_found(expname_root: Path, wine: Any) -> None:
    clf = ExpNameClassifier(DecisionTreeClassifier(), n_splits=2, dataset="wine")
    clf.fit(wine.data, wine.target)
    moved = expname_root / "elsewhere"
    (expname_root / "save_model").rename(moved)
    record = read_record(moved / Path(clf.record_.record).relative_to("save_model"))
    again = ExpNameClassifier.load(record.path, track=False)
    assert np.array_equal(again.predict_proba(wine.data), clf.predict_proba(wine.data))


def test_a_link_to_a_folder_stays_one(tmp_path: Path, wine: Any) -> None:
    saved(wine, tmp_path / "disk" / "model", DecisionTreeClassifier(max_depth=1))
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "model")
    for depth in (2, 3):
        clf = saved(wine, tmp_path / "link", DecisionTreeClassifier(max_depth=depth))
        assert (tmp_path / "link").is_symlink()
        for place in ("link", "disk/model"):
            again = ExpNameClassifier.load(tmp_path / place, track=False)
            assert np.array_equal(again.predict_proba(wine.data), clf.predict_proba(wine.data))
    assert {path.name for path in tmp_path.iterdir()} == {"disk", "link"}
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["model"]


def test_a_runs_name_is_no_folder_and_the_error_says_what_finds_it() -> None:
    with pytest.raises(EstimatorError, match=r"resolve_run\('all_features-num_folds5'\)\.load"):
        ExpNameClassifier.load("all_features-num_folds5")
