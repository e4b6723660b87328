"""The run asked for too early, not at all, or ended badly."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from flavour import ExpNameCheckpoint, ExpNameLogger, LightningDataModule, TemplateError, Tuner
from lit_models import files, fit, lit, loader, trainer
from packaging.version import Version
from processes import environment
from versions import LIGHTNING, WANDB

from lightning_expname.observer import ExpNameWarning
from lightning_expname.records import read_record
from lightning_expname.testing import read_recorded

STEM = "d_model16-n_heads8-n_layers4-activation.gelu-bs16"
Read = Callable[[], list[Any]]


def test_watch_before_fit_is_kept(expname_root: Path, expname_recorded: Read) -> None:
    logger, module = ExpNameLogger(), lit()
    logger.watch(module, log="gradients", log_freq=1)
    assert not (expname_root / "wandb").exists()
    fit(logger, module=module)
    (run,) = expname_recorded()
    assert run.name == f"{STEM}-lr1e-05"
    assert any(key.startswith("gradients/") for row in run.history for key in row)


def test_an_experiment_asked_for_early_is_renamed(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger = ExpNameLogger()
    with pytest.warns(ExpNameWarning, match="model=None, dataset=None") as caught:
        run_id = logger.experiment.id
    logger.experiment.config["mine"] = 1
    assert len(caught) == 1
    fit(logger)
    (run,) = expname_recorded()
    assert (run.run_id, run.name, run.project) == (run_id, f"{STEM}-lr1e-05", "model-data")
    assert run.config["mine"] == 1
    assert logger.record is not None
    assert logger.record.project == "model-data"


def test_a_datamodule_that_raises_when_asked_its_name(
    expname_root: Path, expname_recorded: Read
) -> None:
    class HouseDataModule(LightningDataModule):
        @property
        def name(self) -> str:
            raise RuntimeError("not downloaded")

        @property
        def batch_size(self) -> int:
            raise RuntimeError("not set up")

        def train_dataloader(self) -> Any:
            return loader()

    trainer(ExpNameLogger()).fit(lit(), datamodule=HouseDataModule())
    (run,) = expname_recorded()
    assert (run.project, run.name) == ("MultiModalTransformer-House", f"{STEM}-lr1e-05")


def test_an_early_experiment_knows_what_it_was_told(
    expname_root: Path, expname_recorded: Read, recwarn: pytest.WarningsRecorder
) -> None:
    assert ExpNameLogger(model="Net", dataset="Digits").experiment.project == "Net-Digits"
    assert not [w for w in recwarn if issubclass(w.category, ExpNameWarning)]


def test_a_module_that_asks_in_setup_has_its_model_in_the_project(
    expname_root: Path, expname_recorded: Read
) -> None:
    module = lit()
    module.setup = lambda stage: module.logger.experiment.log({"early": 1})  # type: ignore[method-assign,union-attr]
    fit(ExpNameLogger(dataset="KEMDy19"), module=module)
    (run,) = expname_recorded()
    assert run.project == "MultiModalTransformer-KEMDy19"
    assert run.name == f"{STEM}-lr1e-05"


def test_fast_dev_run_and_lr_find_make_nothing(expname_root: Path) -> None:
    fit(ExpNameLogger(), fast_dev_run=True)
    module = lit()
    module.lr = 1e-3  # type: ignore[assignment]
    Tuner(trainer(ExpNameLogger())).lr_find(module, loader(), loader(), num_training=3)
    assert not (expname_root / "wandb").exists()
    assert not (expname_root / "checkpoints").exists()


def test_a_wrong_template_fails_when_it_is_set() -> None:
    with pytest.raises(TemplateError, match="batch_size"):
        ExpNameLogger(policy={"stem": "{hparams}-bs{batchsize}"})


@pytest.mark.parametrize(
    ("exception", "status", "code"),
    [(RuntimeError("boom"), "failed", 1), (KeyboardInterrupt(), "interrupted", 255)],
)
def test_a_bad_end_is_recorded(
    expname_root: Path, expname_recorded: Read, exception: BaseException, status: str, code: int
) -> None:
    module, logger = lit(), ExpNameLogger()

    def fail() -> None:
        if module.current_epoch == 1:
            raise exception

    module.on_train_epoch_end = fail  # type: ignore[method-assign]
    returns = status == "interrupted" and Version("2.4") > LIGHTNING  # after Ctrl+C
    with contextlib.nullcontext() if returns else pytest.raises((RuntimeError, SystemExit)):
        fit(logger, module=module)
    (run,) = expname_recorded()
    assert run.exit_code == code
    assert logger.record is not None
    assert logger.record.status == status
    assert read_record(expname_root / logger.record.record).status == status


def test_after_a_failure_the_next_fit_is_another_run(
    expname_root: Path, expname_recorded: Read
) -> None:
    module, logger = lit(), ExpNameLogger()
    module.on_train_epoch_end = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with pytest.raises(ZeroDivisionError):
        fit(logger, module=module)
    del module.on_train_epoch_end
    fit(logger, module=module)
    assert [run.exit_code for run in expname_recorded()] == [1, 0]
    assert [run.name for run in expname_recorded()] == [f"{STEM}-lr1e-05", f"{STEM}-r2-lr1e-05"]


def test_an_observer_never_harms_a_training(expname_root: Path) -> None:
    (expname_root / "checkpoints").touch()  # no record can be written below a file
    with pytest.warns(ExpNameWarning, match="no record of this run"):
        ran = fit(ExpNameLogger(), enable_checkpointing=False)
    assert ran.current_epoch == 2
    assert ran.logger.names.run == f"{STEM}-lr1e-05"


def test_a_killed_training_keeps_its_identity(expname_root: Path) -> None:
    script = Path(__file__).with_name("lit_models.py")
    with (expname_root / "output.txt").open("w") as output:
        victim = subprocess.Popen(
            [sys.executable, str(script), str(expname_root)],
            env=environment(),
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(lambda: len(list(expname_root.rglob("*.ckpt"))) > 0, 120)
        time.sleep(2.5)  # W&B's log is flushed every second
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
    (record,) = [read_record(expname_root / name) for name in files(expname_root) if "json" in name]
    (log,) = (expname_root / "wandb").glob("*run-*/run-*.wandb")
    run = read_recorded(log)
    assert record.status == "running"
    assert (run.name, run.project, run.run_id) == (record.run, record.project, record.id)
    assert run.config["expname"]["record"] == record.record
    found = record.checkpoints()
    assert found
    for file in found[:1]:
        state = torch.load(file.path, weights_only=True)
        assert state["lightning_expname"]["id"] == record.id


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the training wrote no checkpoint in time"
        time.sleep(0.05)


def test_a_users_own_run_is_used_and_left_alone(expname_root: Path, expname_recorded: Read) -> None:
    import wandb

    own = wandb.init(project="mine", name="my own", mode="offline")
    logger = ExpNameLogger()
    with pytest.warns(UserWarning, match="already in progress"):
        fit(logger)
    fit(ExpNameLogger(), module=lit(32))
    assert wandb.run is own
    (run,) = expname_recorded()
    assert (run.run_id, run.name, run.project) == (own.id, "my own", "mine")
    assert logger.record is not None
    assert (logger.record.id, logger.record.run, logger.record.stem) == (own.id, "my own", STEM)


def test_a_run_of_ours_that_its_user_opens_again_is_the_users(
    expname_root: Path, expname_recorded: Read
) -> None:
    import wandb

    logger = ExpNameLogger()
    fit(logger)
    logger.close_run()
    own = wandb.init(id=logger.version, resume="allow", project="mine", mode="offline")
    fit(ExpNameLogger(), module=lit(32))
    assert wandb.run is own
    own.log({"mine": 1})
    assert expname_recorded()[-1].series("mine") == [1]


@pytest.mark.parametrize("own", [False, True], ids=["finish", "a run of the user's"])
def test_a_run_that_its_user_ended_goes_on(
    expname_root: Path, expname_recorded: Read, own: bool
) -> None:
    import wandb

    ran = fit(ExpNameLogger(), ExpNameCheckpoint())
    wandb.finish()
    mine = wandb.init(project="mine", mode="offline") if own else None
    ran.test(dataloaders=loader(), ckpt_path="best", verbose=False)
    assert wandb.run is (mine or ran.logger.experiment)
    ran.logger.close_run()
    record = ran.logger.record
    assert record is not None and (record.run, record.status) == (f"{STEM}-lr1e-05", "finished")
    ours = [run for run in expname_recorded() if run.run_id == record.id]
    assert {(run.name, run.project) for run in ours} == {(record.run, record.project)}
    assert ["test_acc" in run.summary for run in ours] == [False, True]
    if mine is not None:
        assert mine.id != record.id
        mine.finish()


def test_a_run_ended_in_the_middle_of_training_goes_on(
    expname_root: Path, expname_recorded: Read
) -> None:
    import wandb

    module = lit()
    module.on_train_epoch_end = wandb.finish  # type: ignore[method-assign]
    logger = fit(ExpNameLogger(), module=module, epochs=2).logger
    logger.close_run()
    runs = expname_recorded()
    assert {run.run_id for run in runs} == {logger.version}
    assert sum(len(run.series("train_loss")) for run in runs) == 4


def test_a_users_own_run_that_its_user_ended_goes_on_as_the_users(
    expname_root: Path, expname_recorded: Read
) -> None:
    import wandb

    with wandb.init(project="mine", name="my own", mode="offline") as own:
        ran = fit(ExpNameLogger(), ExpNameCheckpoint())
    ran.test(dataloaders=loader(), ckpt_path="best", verbose=False)
    ran.logger.close_run()
    found = [(run.run_id, run.name, run.project) for run in expname_recorded()]
    assert found == 2 * [(own.id, "my own", "mine")]
    assert ran.logger.record is not None and ran.logger.record.id == own.id


@pytest.mark.skipif(
    Version("0.29") > WANDB,
    reason="before wandb 0.29 a disabled run has another id than it was asked for",
)
def test_a_disabled_run_is_trained_and_tested(
    expname_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    first = fit(ExpNameLogger(), ExpNameCheckpoint()).logger.record
    assert first is not None
    again = trainer(ExpNameLogger(), ExpNameCheckpoint(), epochs=3)
    again.fit(lit(), loader(), loader(), ckpt_path="last")
    again.test(dataloaders=loader(), ckpt_path="best", verbose=False)
    assert (again.logger.record.id, again.logger.record.status) == (first.id, "finished")
