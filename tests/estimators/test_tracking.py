"""What a tracked training leaves: its names, its record, its W&B run; and what leaves nothing."""

from __future__ import annotations

import contextlib
import copy
import csv
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import ExpNameClassifier, ExpNameRegressor, TemplateError, parse_name
from lightning_expname.observer import ExpNameWarning
from lightning_expname.records import RunRecord, read_record


def tree(**options: Any) -> ExpNameClassifier:
    inner = DecisionTreeClassifier(max_depth=3)
    given = {"n_splits": 2, "random_state": 0, "dataset": "wine"}
    return ExpNameClassifier(inner, **{**given, **options})


def files(root: Path) -> set[str]:
    """Everything below the root but W&B's own."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if path.parts[0] != "wandb"}


def test_a_training_names_itself(expname_root: Path, expname_recorded: Any, wine: Any) -> None:
    clf = tree(n_splits=3).fit(wine.data, wine.target)
    home = "save_model/DecisionTreeClassifier/wine/all_features"
    assert clf.names_.project == "DecisionTreeClassifier-wine"
    assert clf.names_.run == "all_features-num_folds3"
    assert {f"{home}/num_folds3.json", f"{home}/num_folds3/fold2.skops"} <= files(expname_root)
    (run,) = expname_recorded()
    assert (run.project, run.name, run.job_type) == (clf.names_.project, clf.names_.run, "train")
    assert run.exit_code == 0
    assert run.run_id == clf.record_.id == run.config["expname"]["id"]
    assert run.config["expname"]["checkpoint"] == f"{home}/num_folds3"
    assert run.series("fold/accuracy") == clf.fold_scores_.tolist()
    assert run.summary["accuracy_mean"] == run.summary["score"] == clf.fold_scores_.mean()
    assert run.summary["accuracy_std"] == clf.fold_scores_.std()
    assert {"fold_scores", "feature_importance", "out_of_fold"} <= set(run.summary)
    assert run.summary["out_of_fold"]["nrows"] == len(wine.target)


def test_the_config_says_what_was_trained_on_what(
    expname_root: Path, expname_recorded: Any, wine: Any
) -> None:
    tree(features=["alcohol", "hue"]).fit(wine.data, wine.target)
    config = expname_recorded()[0].config
    assert (config["max_depth"], config["criterion"]) == (3, "gini")
    assert config["features"]["used"] == ["alcohol", "hue"]
    assert (config["features"]["count"], config["features"]["of"]) == (2, 13)
    assert config["data"]["class_balance"] == {"0": 59, "1": 71, "2": 48}
    assert config["cv"]["splitter"] == "StratifiedKFold"
    assert config["cv"]["held_out_rows"] == [89, 89]
    assert config["metrics"]["main"] == "accuracy"
    assert config["num_folds"] == 2 and config["training"]["random_state"] == 0
    assert "sklearn" in config["environment"]


def test_a_name_of_chosen_features_reads_back(expname_root: Path, wine: Any) -> None:
    clf = tree(features=["alcohol", "hue"]).fit(wine.data, wine.target)
    parsed = parse_name(clf.names_.run)
    assert clf.names_.run == f"{clf.features_.name}-num_folds2"
    assert (parsed.labels, parsed["num_folds"]) == ((clf.features_.name,), 2)
    own = tree(features="top thirteen").fit(wine.data, wine.target)
    assert parse_name(own.names_.run).labels == ("top thirteen",)
    assert own.record_.best == "save_model/DecisionTreeClassifier/wine/top_thirteen/num_folds2"


def test_equal_names_become_r2(expname_root: Path, expname_recorded: Any, wine: Any) -> None:
    first, second = (tree().fit(wine.data, wine.target) for _ in range(2))
    assert second.names_.run == "all_features-num_folds2-r2"
    assert second.record_.best == f"{first.record_.best}-r2"
    assert first.record_.digest == second.record_.digest
    assert [run.name for run in expname_recorded()] == [first.names_.run, second.names_.run]


def test_record_and_wandb_run_have_one_id(
    expname_root: Path, expname_recorded: Any, wine: Any
) -> None:
    clf = tree(wandb_kwargs={"id": "mine", "project": "other"}).fit(wine.data, wine.target)
    (run,) = expname_recorded()
    assert (run.run_id, run.project) == (clf.record_.id, clf.names_.project)


def test_old_folds_without_a_record_are_not_written_among(expname_root: Path, wine: Any) -> None:
    old = expname_root / "save_model/DecisionTreeClassifier/wine/all_features/num_folds2/fold7.txt"
    old.parent.mkdir(parents=True)
    old.write_text("of an earlier program")
    clf = tree().fit(wine.data, wine.target)
    assert clf.names_.ordinal == 2 and old.read_text() == "of an earlier program"


def test_the_record_finds_the_model(expname_root: Path, wine: Any) -> None:
    clf = tree().fit(wine.data, wine.target)
    record = read_record(clf.record_.path)
    assert record == clf.record_
    assert (record.kind, record.mode, record.status) == ("ml", "train", "finished")
    assert (record.score, record.monitor) == (clf.fold_scores_.mean(), "accuracy")
    assert record.hparams["max_depth"] == 3
    assert [file.path.name for file in record.checkpoints()] == ["fold0.skops", "fold1.skops"]
    loaded = record.load(ExpNameClassifier)
    assert np.array_equal(loaded.predict_proba(wine.data), clf.predict_proba(wine.data))


def test_templates_may_say_parameters(expname_root: Path, wine: Any) -> None:
    policy = {"stem": "{hparams}-num_folds{num_folds}", "project": "{dataset}"}
    clf = tree(policy=policy, model="my tree").fit(wine.data, wine.target)
    parsed = parse_name(clf.names_.run)
    assert (parsed["max_depth"], parsed["num_folds"]) == (3, 2)
    assert clf.names_.project == "wine" and "my_tree" in clf.record_.record
    with pytest.raises(TemplateError, match="unknown field"):
        tree(policy={"stem": "{folds}"}).fit(wine.data, wine.target)


@pytest.mark.parametrize("where", ["frame", "bunch", "nowhere"])
def test_where_the_datas_name_comes_from(expname_root: Path, wine: Any, where: str) -> None:
    X = wine.data.copy()
    X.attrs["dataset"] = "from the frame" if where == "frame" else ""
    clf = tree(dataset=wine if where == "bunch" else None)
    expects = pytest.warns(ExpNameWarning, match="no name of its own")
    with expects if where == "nowhere" else contextlib.nullcontext():
        clf.fit(X, wine.target)
    expected = {"frame": "from the frame", "bunch": "wine", "nowhere": "data"}
    assert clf.record_.dataset == expected[where]


def test_a_pipeline_is_named_after_its_steps(expname_root: Path, diabetes: Any) -> None:
    pipeline = make_pipeline(StandardScaler(), Ridge(alpha=2.0))
    reg = ExpNameRegressor(pipeline, dataset=diabetes, n_splits=2, random_state=0)
    reg.fit(diabetes.data, diabetes.target)
    assert reg.names_.project == "StandardScaler+Ridge-diabetes"
    assert reg.record_.hparams["ridge.alpha"] == 2.0
    assert list(reg.importances_) == ["permutation"]


# Test and prediction


def test_tests_and_predictions_are_linked_runs(
    expname_root: Path, expname_recorded: Any, wine: Any
) -> None:
    clf = tree().fit(wine.data, wine.target)
    found = clf.evaluate(wine.data, wine.target)
    second = clf.score(wine.data.iloc[:50], wine.target.iloc[:50])
    clf.predict(wine.data)
    trained, tested, predicted = expname_recorded()
    assert [tested.name, predicted.name] == [f"{trained.name}-test", f"{trained.name}-predict"]
    assert (tested.job_type, predicted.job_type) == ("test", "predict")
    for run in (tested, predicted):
        assert run.project == trained.project
        assert run.config["expname"]["trained"]["id"] == trained.run_id
    assert tested.series("test_accuracy") == [found["accuracy"], second]
    assert tested.series("rows") == [178, 50]
    assert predicted.summary["rows"] == 178
    record = read_record(expname_root / tested.config["expname"]["record"])
    assert (record.mode, record.kind, record.status) == ("test", "ml", "finished")
    assert record.config["trained"]["id"] == clf.record_.id


def test_reports_are_tables(expname_root: Path, wine: Any) -> None:
    clf = tree().fit(wine.data, wine.target)
    clf.score(wine.data, wine.target)
    clf.score(wine.data, wine.target)
    other = tree(scoring="f1_macro").fit(wine.data, wine.target)
    other.score(wine.data, wine.target)
    tables = {path.name: path.read_text() for path in (expname_root / "result_reports").iterdir()}
    rows = list(csv.DictReader(tables["DecisionTreeClassifier-wine-test.csv"].splitlines()))
    assert [row["run"] for row in rows] == ["all_features-num_folds2-test"] * 2
    assert rows[0]["accuracy"] == str(clf.evaluate(wine.data, wine.target)["accuracy"])
    (row,) = csv.DictReader(tables["DecisionTreeClassifier-wine-test-r2.csv"].splitlines())
    assert "f1_macro" in row and "accuracy" not in row
    assert len(tables) == 4


def test_a_formula_in_a_report_is_a_text(expname_root: Path, wine: Any) -> None:
    tree(dataset="=1+1").fit(wine.data, wine.target)
    (report,) = (expname_root / "result_reports").iterdir()
    (row,) = csv.DictReader(report.read_text().splitlines())
    assert row["dataset"] == "'=1+1"


def test_many_calls_are_one_run(expname_root: Path, expname_recorded: Any, wine: Any) -> None:
    clf = tree().fit(wine.data, wine.target)
    permutation_importance(clf, wine.data, wine.target, n_repeats=1, random_state=0)
    assert [run.job_type for run in expname_recorded()] == ["train", "test"]
    assert len(expname_recorded()[1].history) == 14


# What leaves nothing


def inner_loops(clf: Any, wine: Any) -> None:
    GridSearchCV(clf, {"n_splits": [2, 3]}, cv=2, refit=False).fit(wine.data, wine.target)
    cross_validate(clf, wine.data, wine.target, cv=2)


def test_inner_loops_and_copies_do_not_track(
    expname_root: Path, expname_recorded: Any, wine: Any
) -> None:
    clf = tree()
    inner_loops(clf, wine)
    for one in (clone(clf), copy.deepcopy(clf), pickle.loads(pickle.dumps(clf))):
        assert one.track is True
        one.fit(wine.data, wine.target).score(wine.data, wine.target)
        assert not hasattr(one, "record_")
    assert files(expname_root) == set() and expname_recorded() == []
    clone(clf).set_params(track=True).fit(wine.data, wine.target)
    assert len(expname_recorded()) == 1


def test_without_tracking_there_is_no_trace(
    expname_root: Path, expname_recorded: Any, wine: Any
) -> None:
    clf = tree(track=False).fit(wine.data, wine.target)
    clf.score(wine.data, wine.target)
    clf.predict(wine.data)
    assert files(expname_root) == set() and expname_recorded() == []
    folder = clf.save()
    assert folder == expname_root / clf.record_.best
    assert read_record(clf.record_.path).status == "finished"
    assert expname_recorded() == []


def test_a_refit_without_tracking_forgets_the_run(expname_root: Path, wine: Any) -> None:
    clf = tree().fit(wine.data, wine.target)
    clf.set_params(track=False).fit(wine.data, wine.target)
    assert not hasattr(clf, "record_")


def test_a_step_of_a_fitted_pipeline_tracks(expname_root: Path, wine: Any) -> None:
    pipeline = make_pipeline(StandardScaler(), tree())
    assert pipeline.fit(wine.data, wine.target)[-1].record_.status == "finished"


# How it ends


class Ends(ClassifierMixin, BaseEstimator):
    """Raises in the second fold."""

    def __init__(self, error: type[BaseException] = ValueError) -> None:
        self.error = error

    def fit(self, X: Any, y: Any) -> Any:
        Ends.fitted += 1
        if Ends.fitted % 2 == 0:
            raise self.error("no")
        self.classes_ = np.unique(y)
        return self

    fitted = 0

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X), dtype=int)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(ValueError, "failed", 1), (KeyboardInterrupt, "interrupted", 255), (SystemExit, "failed", 1)],
)
def test_how_it_ended_is_recorded(
    expname_root: Path, expname_recorded: Any, wine: Any, error: Any, status: str, code: int
) -> None:
    Ends.fitted = 0
    clf = ExpNameClassifier(Ends(error), n_splits=2, dataset="wine")
    with pytest.raises(error):
        clf.fit(wine.data, wine.target)
    assert read_record(clf.record_.path).status == status
    assert [run.exit_code for run in expname_recorded()] == [code]


def test_a_full_disk_does_not_cost_the_training(expname_root: Path, wine: Any) -> None:
    (expname_root / "save_model").write_text("in the way")
    with pytest.warns(ExpNameWarning) as said:
        clf = tree().fit(wine.data, wine.target)
    assert {"no record of this run", "the model could not be saved"} <= {
        str(one.message)[:28].strip() if "saved" in str(one.message) else str(one.message)[:21]
        for one in said
    }
    assert clf.score(wine.data, wine.target) > 0.9


def test_a_server_that_is_away_makes_an_offline_run(
    expname_root: Path, expname_recorded: Any, wine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_API_KEY", "too-short")  # W&B refuses it before any network
    with pytest.warns(ExpNameWarning, match="recorded offline"):
        clf = tree().fit(wine.data, wine.target)
    record = read_record(clf.record_.path)
    assert record.status == "finished" and clf.record_.checkpoint("best").is_dir()
    run = next(run for run in expname_recorded() if run.history)
    assert run.name == record.run and run.run_id == record.id == run.config["expname"]["id"]


def test_without_any_wandb_run_it_still_trains_and_saves(expname_root: Path, wine: Any) -> None:
    with pytest.warns(ExpNameWarning, match="training goes on"):
        clf = tree(project="no/project").fit(wine.data, wine.target)
    assert read_record(clf.record_.path).status == "finished"
    assert clf.record_.checkpoint("best").is_dir()


def test_parameters_of_metrics_are_told_and_a_score_may_be_undefined(
    expname_root: Path, wine: Any
) -> None:
    def undefined(estimator: Any, X: Any, y: Any) -> float:
        return float("nan")

    twice = make_scorer(fbeta_score, beta=2.0, average="macro")
    clf = tree(scoring={"mine": undefined, "twice": twice}).fit(wine.data, wine.target)
    told = clf.record_.config["metrics"]["scorers"]
    assert "fbeta_score" in told["twice"] and "beta=2.0" in told["twice"]
    clf.score(wine.data, wine.target)
    (tested,) = expname_root.rglob("num_folds2-test.json")
    assert (read_record(tested).score, clf.record_.score) == (None, None)


def test_it_leaves_a_users_own_run_alone(
    expname_root: Path, expname_recorded: Any, wine: Any
) -> None:
    import wandb

    own = wandb.init(project="mine", name="own")
    tree().fit(wine.data, wine.target)
    own.log({"a": 1})
    assert {run.name: run.project for run in expname_recorded()} == {
        "own": "mine",
        "all_features-num_folds2": "DecisionTreeClassifier-wine",
    }


def test_a_parameter_that_no_name_can_speak_stops_nothing(expname_root: Path, wine: Any) -> None:
    inner = LogisticRegression(class_weight={}, max_iter=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clf = ExpNameClassifier(inner, n_splits=2, dataset="wine").fit(wine.data, wine.target)
    assert clf.record_.status == "finished"
    assert clf.record_.hparams["class_weight"] == {}


def test_two_processes_get_two_names(expname_root: Path) -> None:
    import subprocess
    import sys

    program = (
        "from sklearn.datasets import load_wine; from sklearn.linear_model import Ridge\n"
        "from lightning_expname import ExpNameRegressor\n"
        "X, y = load_wine(return_X_y=True)\n"
        "print(ExpNameRegressor(Ridge(), dataset='wine', n_splits=2).fit(X, y).names_.run)\n"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = {one.communicate(timeout=120)[0].strip() for one in both}
    assert said == {"all_features-num_folds2", "all_features-num_folds2-r2"}


def test_a_record_of_json_values_only(expname_root: Path, wine: Any) -> None:
    inner = LogisticRegression(C=np.float64(0.5), max_iter=np.int64(20))
    clf = ExpNameClassifier(inner, n_splits=2, dataset="wine").fit(
        StandardScaler().fit_transform(wine.data), wine.target
    )
    assert isinstance(read_record(clf.record_.path), RunRecord)
    assert clf.record_.hparams["C"] == 0.5
