"""Real trainings under `tune`: names, W&B runs, pruning, the way to the best checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from flavour import SyncTrial, TuneError, tune
from lit_models import LitRegressor, MultiModalTransformer, loader, trainer

from lightning_expname.observer import ExpNameWarning
from lightning_expname.records import read_record

Read = Callable[[], list[Any]]
SPACE = {"d_model": [8, 16], "activation": ["gelu"], "lr": {"low": 1e-4, "high": 1e-2, "log": True}}


class Steered(LitRegressor):
    """Logs the accuracy that it is told to, one more each validation."""

    def __init__(self, model: Any, accuracy: float) -> None:
        super().__init__(model)
        self.accuracy = accuracy

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val_acc", torch.tensor(self.accuracy))


def objective(trial: SyncTrial, accuracy: float | None = None, **kwargs: Any) -> float:
    params = trial.params
    net = MultiModalTransformer(params["d_model"], activation=params["activation"])
    told = 0.5 + trial.number / 10 if accuracy is None else accuracy
    ran = trainer(trial.logger(), *trial.callbacks(), **kwargs)
    ran.fit(Steered(net, told), loader(), loader())
    return float(ran.callback_metrics["val_acc"])


def run(objective: Any = objective, **kwargs: Any) -> Any:
    options: dict[str, Any] = {"n_trials": 2, "model": "Net", "dataset": "Digits", "seed": 1}
    return tune(
        objective, **{**options, "search_space": SPACE, "progress": False, "plots": False, **kwargs}
    )


def test_every_trial_is_a_named_run(expname_root: Path, expname_recorded: Read) -> None:
    result = run(monitor="val_acc", fixed={"dropout": 0.0})
    *runs, _ = expname_recorded()
    trials = result.study.trials
    assert [one.state.name for one in trials] == ["COMPLETE", "COMPLETE"]
    assert [one.name for one in runs] == [
        f"trial{one.number:03d}-d_model{one.params['d_model']}-activation.gelu" for one in trials
    ]
    assert {(one.project, one.group, one.job_type) for one in runs} == {
        ("Net-Digits", "Net-Digits", "tune")
    }
    for one, trial in zip(runs, trials, strict=True):
        assert one.exit_code == 0
        assert one.config["trial"]["params"] == {"dropout": 0.0, **trial.params}
        assert one.summary["trial_state"] == "COMPLETE"
        assert one.summary["trial_value"] == trial.value
    assert (result.best_trial, result.best_value) == (1, pytest.approx(0.6))
    assert result.best_params == {"dropout": 0.0, **trials[1].params}
    assert json.loads(result.path.read_text()) == result.best_params
    assert result.path == expname_root / "hparams/Net/Digits/2_trials/best_params.json"
    record = result.record
    assert (record.id, record.status, record.group) == (runs[1].run_id, "finished", "Net-Digits")
    assert record.checkpoint("last").is_file()


def test_a_bad_trial_is_pruned_and_said_so(expname_root: Path, expname_recorded: Read) -> None:
    def falling(trial: SyncTrial) -> float:
        return objective(trial, accuracy=1.0 - trial.number / 10, epochs=4)

    pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0)
    result = run(falling, monitor="val_acc", pruner=pruner, n_trials=3)
    first, *others = result.study.trials
    assert list(first.intermediate_values) == [0, 1, 2, 3]
    assert [one.state.name for one in others] == ["PRUNED", "PRUNED"]
    assert [list(one.intermediate_values) for one in others] == [[0], [0]]
    assert result.counts == {"complete": 1, "pruned": 2, "failed": 0, "running": 0}
    *runs, _ = expname_recorded()
    assert [one.summary["trial_state"] for one in runs] == ["COMPLETE", "PRUNED", "PRUNED"]
    assert [one.exit_code for one in runs] == [0, 0, 0]
    records = [read_record(expname_root / one.config["expname"]["record"]) for one in runs]
    assert [one.status for one in records] == ["finished", "pruned", "pruned"]


def test_every_validation_is_a_step(expname_root: Path) -> None:
    result = run(lambda trial: objective(trial, val_check_interval=0.5), monitor="val_acc")
    assert [list(one.intermediate_values) for one in result.study.trials] == [[0, 1, 2, 3]] * 2


def test_without_validation_every_epoch_is_a_step(expname_root: Path) -> None:
    def unvalidated(trial: SyncTrial) -> float:
        ran = trainer(trial.logger(), *trial.callbacks(), epochs=3)
        ran.fit(LitRegressor(MultiModalTransformer(8)), loader())
        return float(ran.callback_metrics["train_loss"])

    result = run(unvalidated, monitor="train_loss", n_trials=1, direction="minimize")
    assert list(result.study.trials[0].intermediate_values) == [0, 1, 2]


def test_a_metric_that_is_not_logged_is_an_error(expname_root: Path) -> None:
    with pytest.raises(TuneError, match=r"monitor='val_f1'.*it logged: .*val_acc"):
        run(monitor="val_f1")


def test_min_epochs_would_delay_pruning(expname_root: Path) -> None:
    with pytest.warns(ExpNameWarning, match="only after min_epochs=3"):
        run(lambda trial: objective(trial, epochs=3, min_epochs=3), monitor="val_acc", n_trials=1)


def test_a_forgotten_callback_is_said(expname_root: Path) -> None:
    with pytest.warns(ExpNameWarning, match="give the Trainer callbacks=trial.callbacks"):
        run(lambda trial: 1.0, monitor="val_acc", n_trials=1)


@pytest.mark.filterwarnings("error::lightning_expname.observer.ExpNameWarning")
def test_a_failed_trial_is_told_as_failed(expname_root: Path, expname_recorded: Read) -> None:
    def failing(trial: SyncTrial) -> float:
        if trial.number == 0:
            ran = trainer(trial.logger(), *trial.callbacks())
            module = LitRegressor(MultiModalTransformer(8))
            module.on_train_epoch_end = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
            ran.fit(module, loader(), loader())
        return objective(trial)

    result = run(failing, catch=(ZeroDivisionError,), monitor="val_acc")
    assert [one.state.name for one in result.study.trials] == ["FAIL", "COMPLETE"]
    assert "ZeroDivisionError" in result.study.trials[0].user_attrs["expname:error"]
    failed, finished, _ = expname_recorded()
    assert (failed.exit_code, finished.exit_code) == (1, 0)
    assert failed.name.startswith("trial000-d_model")
    assert failed.summary["trial_state"] == "FAILED"
    assert read_record(expname_root / failed.config["expname"]["record"]).status == "failed"


def test_an_uncaught_failure_ends_the_study(expname_root: Path) -> None:
    def failing(trial: SyncTrial) -> float:
        if trial.number == 1:
            raise KeyError("mine")
        return 1.0

    with pytest.raises(KeyError, match="mine"):
        run(failing, n_trials=5)
    result = run(lambda trial: 2.0, n_trials=3)
    assert [one.state.name for one in result.study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]


def test_the_best_parameters_reproduce_the_best_trial(expname_root: Path) -> None:
    from flavour import load_best_params, seed_everything

    def value_of(params: dict[str, Any], *callbacks: Any) -> float:
        seed_everything(3)
        net = MultiModalTransformer(params["d_model"])
        ran = trainer(False, *callbacks, enable_checkpointing=False)
        ran.fit(LitRegressor(net, lr=params["lr"]), loader(), loader())
        return float(ran.callback_metrics["val_acc"])

    result = run(lambda trial: value_of(trial.params, *trial.callbacks()), monitor="val_acc")
    assert value_of(load_best_params("Net", "Digits")) == result.best_value


@pytest.mark.filterwarnings("error::lightning_expname.observer.ExpNameWarning")
def test_the_study_is_summed_up_once(expname_root: Path, expname_recorded: Read) -> None:
    for _ in range(2):
        result = run(monitor="val_acc", n_trials=4, plots=True)
    *trials, study = expname_recorded()
    assert len(trials) == 4
    assert (study.name, study.project, study.group, study.job_type) == (
        "study-Net-Digits",
        "Net-Digits",
        "Net-Digits",
        "study",
    )
    assert study.series("value") == [one.value for one in result.study.trials]
    assert study.summary["best_value"] == result.best_value
    assert study.config["best"]["trial"] == result.best_trial
    assert study.exit_code == 0


def test_the_study_is_drawn_beside_its_results(expname_root: Path) -> None:
    result = run(lambda trial: trial.params["lr"], n_trials=6, logger=False, plots=True)
    drawn = {path.name for path in result.path.parent.iterdir()}
    assert {"history.png", "importances.png", "parallel.png"} <= drawn
    assert (result.path.parent / "history.png").read_bytes().startswith(b"\x89PNG")
