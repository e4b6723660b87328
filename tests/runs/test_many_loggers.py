"""Several loggers, Trainers and copies in one process: each experiment keeps its own run."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wandb
from flavour import Callback, ExpNameCheckpoint, ExpNameLogger, Trainer
from lit_models import LitRegressor, MultiModalTransformer, fit, lit, loader, trainer

from lightning_expname.records.header import read_header

Read = Callable[..., list[Any]]


def by_id(read: Read) -> dict[str, list[Any]]:
    """The recorded folders of each run: one that is taken up again offline has two."""
    found: dict[str, list[Any]] = {}
    for run in read():
        found.setdefault(run.run_id, []).append(run)
    return found


def test_an_earlier_run_is_taken_up_again(expname_root: Path, expname_recorded: Read) -> None:
    first, second = ExpNameLogger(), ExpNameLogger()
    one, other = lit(16), lit(32)
    ran = fit(first, module=one)
    fit(second, module=other)
    ran.test(one, loader())
    ran.fit_loop.max_epochs = 3
    ran.fit(one, loader(), loader())
    assert first.record is not None and second.record is not None
    assert first.record.id != second.record.id
    assert (first.record.status, second.record.status) == ("finished", "finished")
    runs = by_id(expname_recorded)
    assert set(runs) == {first.record.id, second.record.id}
    assert any("test_acc" in run.summary for run in runs[first.record.id])
    assert not any("test_acc" in run.summary for run in runs[second.record.id])
    assert len({run.name for run in runs[first.record.id]}) == 1


def test_a_run_that_was_torn_down_is_no_obstacle(
    expname_root: Path, expname_recorded: Read
) -> None:
    fit(ExpNameLogger(), module=lit(16))
    wandb.teardown()
    second = ExpNameLogger()
    fit(second, module=lit(32))
    assert second.record is not None and second.record.status == "finished"
    assert "val_acc" in by_id(expname_recorded)[second.record.id][0].summary


class Probe(Callback):
    """Trains another module at the end of each epoch, as linear probes do."""

    def __init__(self) -> None:
        self.runs: list[str] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        logger = ExpNameLogger(group="probes")
        fit(logger, module=lit(8), epochs=1)
        self.runs.append(logger.names.run)


def test_a_training_within_a_training_ends_neither(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger, probe = ExpNameLogger(), Probe()
    fit(logger, probe, epochs=2)
    assert logger.record is not None and logger.record.status == "finished"
    assert len(set(probe.runs)) == 2
    runs = by_id(expname_recorded)
    assert len(runs) == 3
    logged = [row for run in runs[logger.record.id] for row in run.history]
    assert sorted({row["epoch"] for row in logged if "val_acc" in row}) == [0, 1]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_have_runs_of_their_own(expname_root: Path, copied: Any) -> None:
    base = ExpNameLogger()
    loggers = [copied(base), copied(base), base]
    for logger in loggers:
        fit(logger, epochs=1)
    assert len({logger.record.id for logger in loggers}) == 3
    assert len({logger.names.run for logger in loggers}) == 3


class LitThatTrainsItself(LitRegressor):
    """As in libraries that build the Trainer from what the model was given."""

    def __init__(self, logger: Any, width: int = 8) -> None:
        super().__init__(MultiModalTransformer(width))
        self.save_hyperparameters()


def test_a_model_that_keeps_its_logger_is_once_in_its_checkpoint(expname_root: Path) -> None:
    logger = ExpNameLogger()
    fit(logger, module=LitThatTrainsItself(logger), epochs=1)
    assert logger.record is not None
    foreign = read_header(logger.record.checkpoint("last")).foreign
    assert any(name.endswith(".ExpNameLogger") for name in foreign)
    assert not any("torch.nn" in name or "LitThatTrainsItself" in name for name in foreign)


def test_a_run_goes_on_with_a_copy_of_its_module(expname_root: Path) -> None:
    logger, module = ExpNameLogger(), lit(8)
    fit(logger, module=module, epochs=1)
    one, other = copy.deepcopy((logger, module))
    assert one.continues(other, "test") and not one.continues(module, "test")


def test_a_copy_keeps_the_id_that_its_user_chose(expname_root: Path) -> None:
    assert copy.deepcopy(ExpNameLogger(id="mine1234")).version == "mine1234"


def test_a_checkpoint_callback_serves_a_second_trainer(expname_root: Path) -> None:
    keep = ExpNameCheckpoint(monitor="val_acc", mode="max")
    for width in (8, 16):
        logger = ExpNameLogger()
        fit(logger, keep, module=lit(width), epochs=1)
        assert logger.record is not None
        assert logger.record.checkpoint("best").stem.startswith(f"d_model{width}-")
    assert len(list(expname_root.rglob("*.ckpt"))) == 2


class Elsewhere(Callback):
    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        Path("other").mkdir()
        os.chdir("other")


def test_a_change_of_directory_loses_nothing(expname_root: Path) -> None:
    logger = ExpNameLogger()
    fit(logger, Elsewhere())
    assert logger.record is not None
    assert logger.record.checkpoint("best").is_relative_to(expname_root / "checkpoints")
    assert not Path(logger.record.best or "").is_absolute()


class Louder(ExpNameLogger):
    @property
    def experiment(self) -> Any:
        return super().experiment


def test_a_subclass_may_wrap_the_experiment(expname_root: Path, expname_recorded: Read) -> None:
    logger = Louder()
    fit(logger)
    (run,) = expname_recorded()
    assert logger.names is not None
    assert (run.project, run.names) == (logger.names.project, (logger.names.run,))


def test_capture_may_be_asked_for_again(expname_root: Path) -> None:
    ExpNameLogger(capture=False)
    logger = ExpNameLogger(capture=True)
    trainer(logger, epochs=1).fit(lit(24), loader())
    assert logger.names is not None and "d_model24" in logger.names.run


def test_each_training_from_the_first_step_on_is_a_run(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger, module = ExpNameLogger(group="cv"), lit(8)
    for _ in range(2):
        ran = fit(logger, ExpNameCheckpoint(save_last=True), module=module, epochs=1)
        ran.test(module, loader(), verbose=False)
    ran.fit_loop.max_epochs = 2
    ran.fit(module, loader(), loader())
    logger.close_run()
    first, second = expname_recorded()
    stem = "d_model8-n_heads8-n_layers4-activation.gelu-bs16"
    assert [first.name, second.name] == [f"{stem}-lr1e-05", f"{stem}-r2-lr1e-05"]
    assert [len(run.series("train_loss")) for run in (first, second)] == [2, 4]
    assert ["test_acc" in run.summary for run in (first, second)] == [True, True]
    assert {run.exit_code for run in (first, second)} == {0}
    assert not list(expname_root.rglob("*-v1.ckpt"))


def test_a_training_after_a_test_is_no_test(expname_root: Path, expname_recorded: Read) -> None:
    logger, module = ExpNameLogger(), lit(8)
    ran = trainer(logger, epochs=1)
    ran.test(module, loader(), verbose=False)
    ran.validate(lit(8), loader(), verbose=False)
    ran.fit(module, loader(), loader())
    logger.close_run()
    assert [run.job_type for run in expname_recorded()] == ["test", "validate", ""]
    fit(ExpNameLogger(job_type="mine"), module=lit(8), epochs=1).logger.close_run()
    assert expname_recorded()[-1].job_type == "mine"
