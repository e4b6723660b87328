"""The best parameters on disk: written whole, read strictly."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from lightning_expname import SyncTrial, TuneError, load_best_params, tune
from lightning_expname.observer import ExpNameWarning
from lightning_expname.tuning.best import write_json

SPACE = {"depth": [2, 4], "optimizer": {"lr": {"low": 1e-4, "high": 1e-1, "log": True}}}


def study(value: Any = None, **kwargs: Any) -> Any:
    def objective(trial: SyncTrial) -> Any:
        return trial.params["optimizer"]["lr"] if value is None else value

    options: dict[str, Any] = {"n_trials": 3, "model": "Net", "dataset": "Digits", "seed": 0}
    options |= {"search_space": SPACE, "fixed": {"act": "gelu"}, "progress": False, "plots": False}
    return tune(objective, **{**options, **kwargs})


def test_the_files_say_what_was_found(expname_root: Path) -> None:
    result = study()
    best = max(result.study.trials, key=lambda one: one.value)
    assert load_best_params("Net", "Digits") == {
        "act": "gelu",
        "depth": best.params["depth"],
        "optimizer": {"lr": best.params["optimizer.lr"]},
    }
    told = json.loads((result.path.parent / "study.json").read_text())
    assert told["study_version"] == 1
    assert told["best"] == {"trial": best.number, "value": best.value, "run": None}
    assert told["names"] == ["act", "depth", "optimizer.lr"]
    assert told["trials"] == {"complete": 3, "pruned": 0, "failed": 0, "running": 0}
    assert told["search_space"]["optimizer.lr"] == SPACE["optimizer"]["lr"]  # type: ignore[index]
    assert {"lightning_expname", "optuna", "python"} <= set(told["versions"])
    assert sorted(path.name for path in result.path.parent.iterdir()) == [
        "best_params.json",
        "study.json",
    ]


def test_tabular_data_has_a_folder_more(expname_root: Path) -> None:
    result = study(features="all_features")
    assert result.path == expname_root / "hparams/Net/Digits/all_features/3_trials/best_params.json"
    found = load_best_params("Net", "Digits", 3, features="all_features")
    assert found == load_best_params(result.path) == load_best_params(result.path.parent)


def test_a_second_call_goes_on_with_the_study(expname_root: Path) -> None:
    first = study()
    params = [one.params for one in first.study.trials]
    again = study(n_trials=5)
    assert len(again.study.trials) == 5
    assert [one.params for one in again.study.trials[:3]] == params
    assert len({one.params["optimizer.lr"] for one in again.study.trials}) == 5
    assert study(n_trials=5).best_params == again.best_params
    assert load_best_params("Net", "Digits") == again.best_params
    assert load_best_params("Net", "Digits", 3) == first.best_params
    with pytest.raises(TuneError, match=r"no best parameters of 7 trials.*there: 3, 5"):
        load_best_params("Net", "Digits", 7)


def test_another_space_is_another_study(expname_root: Path) -> None:
    study()
    with pytest.raises(TuneError, match="was made with"):
        study(search_space={"optimizer": {"lr": {"low": 1e-4, "high": 1.0}}})
    with pytest.raises(TuneError, match="study_name="):
        study(direction="minimize")
    assert study(direction="minimize", study_name="smaller").best_value < 1e-1


@pytest.mark.parametrize("value", [None, "good", [1.0, 2.0]])
def test_what_is_no_number_is_no_value(expname_root: Path, value: Any) -> None:
    with pytest.raises(TuneError, match="the objective returned"):
        study(value=value if value is not None else {})
    assert not list(expname_root.rglob("best_params.json"))


def test_a_study_without_a_complete_trial_says_how_they_ended(expname_root: Path) -> None:
    def failing(trial: SyncTrial) -> float:
        raise ValueError(f"mine {trial.number}")

    with pytest.raises(TuneError, match=r"3 failed; the last error: ValueError: mine 2"):
        tune(
            failing,
            n_trials=3,
            model="Net",
            dataset="Digits",
            catch=(ValueError,),
            progress=False,
        )


def test_unknown_and_missing_names_are_refused(expname_root: Path) -> None:
    path = study().path
    good = json.loads(path.read_text())
    path.write_text(json.dumps({**good, "lerning_rate": 1.0}))
    with pytest.raises(TuneError, match="does not know 'lerning_rate'"):
        load_best_params(path)
    path.write_text(json.dumps({"act": "gelu", "optimizer": {"lr": 1.0}}))
    with pytest.raises(TuneError, match="lacks, 'depth'"):
        load_best_params(path)
    path.write_text(json.dumps({**good, "depth": 8}))
    with pytest.warns(ExpNameWarning, match="was changed"):
        assert load_best_params(path)["depth"] == 8


def test_what_the_training_does_not_know_is_refused(expname_root: Path) -> None:
    study()
    config = {"act": "relu", "depth": 1, "optimizer": {"lr": 0.0}, "epochs": 3}
    assert load_best_params("Net", "Digits", allowed=config)["act"] == "gelu"
    assert load_best_params("Net", "Digits", allowed=["act", "depth", "optimizer.lr"])
    del config["optimizer"]["lr"]  # type: ignore[attr-defined]
    with pytest.raises(TuneError, match=r"training does not know 'optimizer\.lr'"):
        load_best_params("Net", "Digits", allowed=config)


@pytest.mark.parametrize("text", ['{"lr": NaN}', '{"lr": Infinity}', "[1]", "{", ""])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "best_params.json").write_text(text)
    with pytest.raises(TuneError):
        load_best_params(tmp_path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(TuneError, match="no file of best parameters"):
        load_best_params(tmp_path)
    with pytest.raises(TuneError, match="there: none"):
        load_best_params("Net", "Digits", root_dir=tmp_path)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a" / "best_params.json"
    write_json(path, {"lr": 1.0})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"lr": math.nan})
    assert [one.name for one in path.parent.iterdir()] == ["best_params.json"]
    assert json.loads(path.read_text()) == {"lr": 1.0}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n_trials": 0}, "n_trials is 0"),
        ({"n_trials": True}, "n_trials is True"),
        ({"model": ""}, "model is ''"),
        ({"dataset": None}, "dataset is None"),
        ({"direction": "up"}, "'maximize', 'minimize'"),
        ({"isolate": "thread"}, "'none', 'process'"),
        ({"seed": -1}, "seed is -1"),
        ({"fixed": {"depth": 3}}, "both fixed and suggested"),
        ({"fixed": {"net": object()}}, "what JSON holds"),
        ({"logger": "wandb"}, "arguments of its logger"),
        ({"storage": 3}, "storage is a int"),
    ],
)
def test_wrong_arguments_are_refused(expname_root: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(TuneError, match=said):
        study(**wrong)
    assert not list(expname_root.rglob("study.journal"))


def test_names_of_folders_stay_below_the_root(expname_root: Path) -> None:
    result = study(model="../../etc", dataset="감정 데이터/v2")
    assert result.path.resolve().is_relative_to(expname_root.resolve())
    assert load_best_params("../../etc", "감정 데이터/v2") == result.best_params
