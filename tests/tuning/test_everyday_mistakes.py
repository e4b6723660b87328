"""What people do to a study: diverge, mistype, reuse names, leave a run open."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from lightning_expname import SyncTrial, TuneError, load_best_params, tune
from lightning_expname.observer import ExpNameWarning


def study(objective: Any = None, **kwargs: Any) -> Any:
    def usual(trial: SyncTrial) -> float:
        return trial.suggest_float("x", 0, 1)

    options: dict[str, Any] = {"n_trials": 3, "model": "Net", "dataset": "Digits", "seed": 0}
    options |= {"progress": False, "plots": False, "logger": False}
    return tune(objective or usual, **{**options, **kwargs})


def states(result: Any) -> list[str]:
    return [one.state.name for one in result.study.trials]


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**400], ids=lambda value: str(value)[:4]
)
def test_a_trial_that_diverged_has_failed_and_the_study_goes_on(
    expname_root: Path, value: float
) -> None:
    with pytest.warns(ExpNameWarning, match="trial 0: .*the study goes on"):
        result = study(lambda trial: value if trial.number == 0 else 1.0)
    assert states(result) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert (result.best_trial, result.counts["failed"]) == (1, 1)


def test_a_study_without_a_value_says_what_to_do(expname_root: Path) -> None:
    with (
        pytest.warns(ExpNameWarning),
        pytest.raises(TuneError, match=r"3 failed; the last error: .*nan.*n_trials=.*study_name="),
    ):
        study(lambda trial: math.nan)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sampler": "tpe"}, r"sampler is a str; .*optuna\.samplers"),
        ({"sampler": optuna.samplers.TPESampler}, "sampler is the class TPESampler; call it"),
        ({"pruner": "median"}, r"pruner is a str; .*optuna\.pruners"),
        ({"pruner": optuna.pruners.MedianPruner}, "pruner is the class MedianPruner; call it"),
        ({"catch": ["ValueError"]}, "catch has 'ValueError'"),
        ({"catch": "ValueError"}, "catch has"),
        ({"catch": (BaseException,)}, "catch has"),
        ({"monitor": 3}, "monitor is 3"),
        ({"features": ["a"]}, "features is"),
        ({"objective": 3}, "objective is a int"),
        ({"storage": ""}, "storage is ''"),
    ],
)
def test_a_wrong_argument_costs_no_trial(
    expname_root: Path, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(TuneError, match=said):
        study(**wrong)
    assert not list(expname_root.rglob("study.journal"))


@pytest.mark.parametrize("catch", [ValueError, [ValueError]])
def test_one_exception_or_a_list_may_be_caught(expname_root: Path, catch: Any) -> None:
    def failing(trial: SyncTrial) -> float:
        return float("no number") if trial.number == 0 else 1.0

    assert states(study(failing, catch=catch)) == ["FAIL", "COMPLETE", "COMPLETE"]


def test_a_grid_that_is_used_up_is_not_tried_again(expname_root: Path) -> None:
    for _ in range(3):
        sampler = optuna.samplers.GridSampler({"x": [0.0, 0.5, 1.0]}, seed=0)
        result = study(sampler=sampler, n_trials=10)
        assert sorted(one.params["x"] for one in result.study.trials) == [0.0, 0.5, 1.0]
    larger = study(sampler=optuna.samplers.GridSampler({"x": [0.0, 0.2]}, seed=0), n_trials=10)
    assert len(larger.study.trials) == 5


def test_another_studys_best_parameters_are_not_replaced_without_a_word(
    expname_root: Path,
) -> None:
    study()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExpNameWarning)
        study(n_trials=4)
    with pytest.warns(ExpNameWarning, match=r"study 'Net-Digits'.*now those of 'other'"):
        study(study_name="other")
    assert json.loads(Path("hparams/Net/Digits/3_trials/study.json").read_text())["study"] == (
        "other"
    )


def test_an_objective_that_changes_the_directory_scatters_nothing(
    expname_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wandering(trial: SyncTrial) -> float:
        elsewhere = expname_root / f"elsewhere{trial.number}"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        return trial.suggest_float("x", 0, 1)

    result = study(wandering)
    assert result.path == expname_root / "hparams/Net/Digits/3_trials/best_params.json"
    assert load_best_params(result.path) == result.best_params
    assert len(list(expname_root.rglob("best_params.json"))) == 1
    told = json.loads((result.path.parent / "study.json").read_text())
    assert told["storage"] == "hparams/Net/Digits/study.journal"


def test_a_call_that_needs_no_trial_writes_its_best_parameters_too(expname_root: Path) -> None:
    first = study(n_trials=4)
    fewer = study(n_trials=2)
    assert load_best_params(fewer.path) == fewer.best_params == first.best_params
    first.path.unlink()
    assert load_best_params(study(n_trials=4).path) == first.best_params


def test_a_choice_may_be_numpys(expname_root: Path) -> None:
    def choosing(trial: SyncTrial) -> float:
        return float(trial.suggest_categorical("width", list(np.array([3, 5]))))

    result = study(choosing)
    assert type(result.best_params["width"]) is int
    assert result.best_value == result.best_params["width"]


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"names": 3}', '{"names": [3]}'])
def test_a_damaged_study_json_is_said(expname_root: Path, text: str) -> None:
    path = study().path
    (path.parent / "study.json").write_text(text)
    with pytest.raises(TuneError, match=r"study\.json.* is damaged"):
        load_best_params(path)


def test_a_pruner_that_is_told_nothing_is_said(expname_root: Path) -> None:
    with pytest.warns(ExpNameWarning, match=r"pruner.*prunes nothing.*monitor="):
        study(pruner=optuna.pruners.HyperbandPruner())

    def reporting(trial: SyncTrial) -> float:
        trial.report(1.0, 0)
        return 1.0

    with warnings.catch_warnings():
        warnings.simplefilter("error", ExpNameWarning)
        study(reporting, pruner=optuna.pruners.MedianPruner(), study_name="b", n_trials=1)
        study(pruner=optuna.pruners.NopPruner(), study_name="c", n_trials=1, dataset="C")


@pytest.mark.parametrize(
    ("monitor", "direction", "is_said"),
    [
        ("val_loss", "maximize", True),
        ("val/rmse", "maximize", True),
        ("val_loss", "minimize", False),
        ("val_acc", "maximize", False),
        ("neg_loss", "maximize", False),
    ],
)
def test_a_loss_that_would_be_maximised_is_said(
    expname_root: Path, monitor: str, direction: Any, is_said: bool
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        study(monitor=monitor, direction=direction)
    assert any("direction='minimize'" in str(one.message) for one in caught) is is_said


def test_a_trial_keeps_what_the_objective_notes(expname_root: Path) -> None:
    def noting(trial: SyncTrial) -> float:
        trial.set_user_attr("size", 3)
        return 1.0

    assert study(noting).study.trials[0].user_attrs["size"] == 3


def test_a_secret_among_the_fixed_reaches_no_run(
    expname_root: Path, expname_recorded: Callable[[], list[Any]]
) -> None:
    from lit_models import LitRegressor, MultiModalTransformer, loader, trainer

    def objective(trial: SyncTrial) -> float:
        trainer(trial.logger()).fit(LitRegressor(MultiModalTransformer(8)), loader(), loader())
        return 1.0

    fixed = {"hf_token": "hf_secretsecretsecret"}
    result = study(objective, fixed=fixed, logger={"offline": True}, n_trials=1)
    assert load_best_params(result.path) == fixed  # a training needs it
    for run in expname_recorded():
        assert "hf_secret" not in json.dumps(run.config)


def test_within_a_users_own_run_every_trial_has_its_own(
    expname_root: Path, expname_recorded: Callable[[], list[Any]]
) -> None:
    import wandb
    from lit_models import LitRegressor, MultiModalTransformer, loader, trainer

    def objective(trial: SyncTrial) -> float:
        ran = trainer(trial.logger())
        ran.fit(LitRegressor(MultiModalTransformer(8)), loader(), loader())
        return float(ran.callback_metrics["val_acc"])

    mine = wandb.init(mode="offline", project="mine", name="mine")
    result = study(objective, logger={"offline": True}, n_trials=2)
    assert wandb.run is mine
    mine.log({"after": 1})
    mine.finish()
    runs = {one.name: one for one in expname_recorded()}
    assert set(runs) == {"mine", "trial000", "trial001", "study-Net-Digits"}
    assert "trial" not in runs["mine"].config
    assert runs["mine"].series("after") == [1]
    assert result.record.id == runs[f"trial00{result.best_trial}"].run_id
    assert runs["trial001"].series("val_acc")
    assert {runs[f"trial00{number}"].exit_code for number in (0, 1)} == {0}
