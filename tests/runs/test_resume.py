"""A run that is continued, and one that only starts from another's checkpoint."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from flavour import ExpNameCheckpoint, ExpNameLogger, ModelCheckpoint, ResumeError, RunRecord
from lit_models import files, fit, lit, loader, trainer

from lightning_expname.observer import ExpNameWarning
from lightning_expname.records import read_record, write_record

STEM = "d_model16-n_heads8-n_layers4-activation.gelu-bs16"
FOLDER = "checkpoints/MultiModalTransformer/KEMDy19"
Read = Callable[[], list[Any]]


def keep(**kwargs: Any) -> ExpNameCheckpoint:
    return ExpNameCheckpoint(monitor="val_acc", mode="max", save_top_k=2, save_last=True, **kwargs)


def trained(**kwargs: Any) -> RunRecord:
    record = fit(ExpNameLogger(), keep(), **kwargs).logger.record
    assert isinstance(record, RunRecord)
    return record


def resumed(path: Any, *callbacks: Any, module: Any = None, **options: Any) -> Any:
    """What a new process would do, but for the process."""
    again = trainer(ExpNameLogger(**options), *(callbacks or [keep()]), epochs=4)
    again.fit(module or lit(), loader(), loader(), ckpt_path=path)
    return again


def test_a_resumed_run_keeps_id_name_record_and_files(
    expname_root: Path, expname_recorded: Read
) -> None:
    first = trained()
    again = resumed(first.checkpoint("last"))
    record = read_record(expname_root / first.record)
    assert again.logger.record == record
    assert (record.id, record.run, record.stem) == (first.id, first.run, first.stem)
    assert (record.status, record.created) == ("finished", first.created)
    assert [entry["changed"] for entry in record.resumed] == [{}]
    assert [name for name in files(expname_root) if name.endswith(".json")] == [first.record]
    runs = expname_recorded()
    assert {run.run_id for run in runs} == {first.id}
    assert {run.name for run in runs} == {first.run}
    assert [run.exit_code for run in runs] == [0, 0]
    assert again.current_epoch == 4
    epochs = {file.epoch for file in record.checkpoints()} - {None}
    assert len(epochs) == 2 and max(epochs) == 3, "top 2 of all four epochs, older ones removed"


def test_last_is_this_configurations_even_when_anothers_is_newer(expname_root: Path) -> None:
    first = trained()
    trained(module=lit(32))
    again = resumed("last")
    assert again.logger.record.id == first.id
    assert again.ckpt_path == str(first.checkpoint("last"))


def test_last_without_save_last_and_with_other_batch_sizes(expname_root: Path) -> None:
    first = fit(ExpNameLogger(), ExpNameCheckpoint()).logger.record
    other = trainer(ExpNameLogger(), ExpNameCheckpoint())
    other.fit(lit(), loader(8), loader(8))
    again = resumed("last", ExpNameCheckpoint())
    assert again.logger.record.id == first.id


def test_last_that_a_stock_checkpoint_cannot_find_is_said(expname_root: Path) -> None:
    first = trained()
    with pytest.warns(ExpNameWarning, match="ExpNameCheckpoint") as caught:
        resumed("last", ModelCheckpoint(save_last=True))
    (said,) = [str(one.message) for one in caught if "trains from scratch" in str(one.message)]
    assert str(first.checkpoint("last")) in said


def test_a_float_that_changes_is_recorded_and_said(expname_root: Path) -> None:
    first = trained()
    with pytest.warns(ExpNameWarning, match=r"continued with dropout 0.1 -> 0.2"):
        again = resumed(first.checkpoint("last"), module=lit(dropout=0.2))
    record = again.logger.record
    assert (record.id, record.hparams["dropout"]) == (first.id, 0.2)
    assert record.resumed[0]["changed"] == {"dropout": [0.1, 0.2]}
    assert read_record(expname_root / first.record) == record


def test_another_model_is_another_run_that_knows_its_origin(
    expname_root: Path, expname_recorded: Read
) -> None:
    first = trained()
    mine = [file.path for file in first.checkpoints()]
    path = str(first.checkpoint("last"))
    with pytest.warns(ExpNameWarning, match=r"other values make another model: n_heads 8 -> 4"):
        again = resumed(path, module=lit(n_heads=4))
    record = again.logger.record
    assert record.id != first.id
    assert record.stem == STEM.replace("n_heads8", "n_heads4")
    assert (record.origin["id"], record.origin["checkpoint"]) == (first.id, path)
    assert [file for file in mine if not file.exists()] == [], "another run's files are not ours"
    assert first.id not in torch.load(again.checkpoint_callback.best_model_path)["callbacks"]
    assert expname_recorded()[-1].config["expname"]["origin"]["run"] == first.run


def test_must_refuses_another_model_and_no_checkpoint(expname_root: Path) -> None:
    first = trained()
    with pytest.raises(ResumeError, match="n_heads 8 -> 4"):
        resumed(first.checkpoint("last"), module=lit(n_heads=4), resume="must")
    with pytest.raises(ResumeError, match="ckpt_path"):
        resumed(None, resume="must")
    with pytest.raises(ResumeError, match="'auto', 'never', 'must'"):
        ExpNameLogger(resume="yes")  # type: ignore[arg-type]
    assert len([name for name in files(expname_root) if name.endswith(".json")]) == 1


def test_never_starts_a_run_of_its_own(expname_root: Path) -> None:
    first = trained()
    record = resumed(first.checkpoint("last"), resume="never").logger.record
    assert (record.stem, record.origin["id"]) == (f"{STEM}-r2", first.id)


def test_a_run_that_still_trains_is_not_continued(expname_root: Path) -> None:
    first = trained()
    assert first.process is not None
    parent = {**first.process, "pid": 1, "birth": None}
    write_record(first.replace(status="running", process=parent))
    with pytest.warns(ExpNameWarning, match="still running, in process 1"):
        record = resumed(first.checkpoint("last")).logger.record
    assert record.stem == f"{STEM}-r2"


def test_weights_alone_are_found_by_their_place(expname_root: Path) -> None:
    first = fit(ExpNameLogger(), ExpNameCheckpoint(save_weights_only=True)).logger.record
    path = first.checkpoint("last")
    assert "lightning_expname" not in torch.load(path)
    ran = trainer(ExpNameLogger())
    ran.test(lit(), loader(), ckpt_path=path, verbose=False)
    assert ran.logger.record.origin["id"] == first.id


@pytest.mark.parametrize("mode", ["test", "validate", "predict"])
def test_a_mode_from_a_checkpoint_is_a_linked_run(
    expname_root: Path, expname_recorded: Read, mode: str
) -> None:
    first = trained()
    path = str(first.checkpoint("best"))
    for _ in range(2):
        ran = trainer(ExpNameLogger())
        getattr(ran, mode)(lit(), loader(8), ckpt_path=path)
    runs = expname_recorded()[1:]
    assert [run.name for run in runs] == [f"{first.run}-{mode}", f"{first.run}-{mode}-r2"]
    assert {run.job_type for run in runs} == {mode}
    assert {run.project for run in runs} == {first.project}
    origin = runs[0].config["expname"]["origin"]
    assert (origin["id"], origin["run"], origin["checkpoint"]) == (first.id, first.run, path)
    assert ran.logger.record.origin["record"] == first.record
    assert read_record(expname_root / first.record) == first


def test_a_test_that_must_be_the_trainings_own(expname_root: Path, expname_recorded: Read) -> None:
    first = trained()
    ran = trainer(ExpNameLogger(resume="must"))
    ran.test(lit(), loader(8), ckpt_path=first.checkpoint("best"), verbose=False)
    runs = expname_recorded()
    assert [run.run_id for run in runs] == [first.id] * 2
    assert "test_acc" in runs[1].summary
    assert read_record(expname_root / first.record).status == "finished"


def test_a_checkpoint_cannot_lead_out_of_the_root(expname_root: Path) -> None:
    first = trained()
    state = torch.load(first.checkpoint("last"))
    state["lightning_expname"]["record"] = "../outside/mine.json"
    torch.save(state, "hostile.ckpt")
    ran = trainer(ExpNameLogger())
    ran.test(lit(), loader(), ckpt_path="hostile.ckpt", verbose=False)
    assert ran.logger.record.origin is None
    assert not (expname_root.parent / "outside").exists()


def test_a_test_of_a_checkpoint_that_was_copied_is_linked(expname_root: Path) -> None:
    first = trained()
    copied = Path(shutil.copy(first.checkpoint("best"), expname_root / "mine.ckpt"))
    ran = trainer(ExpNameLogger())
    ran.test(lit(), loader(), ckpt_path=copied, verbose=False)
    assert ran.logger.record.origin["id"] == first.id
    assert ran.logger.record.origin["checkpoint"] == str(copied)


def test_a_checkpoint_that_was_moved_still_finds_its_run(expname_root: Path) -> None:
    first = trained()
    moved = expname_root / "elsewhere" / "mine.ckpt"
    moved.parent.mkdir()
    first.checkpoint("last").rename(moved)
    record = resumed(moved, resume="must").logger.record
    assert (record.id, record.status, record.resumed[0]["checkpoint"]) == (
        first.id,
        "finished",
        str(moved),
    )
    assert [path.name for path in moved.parent.iterdir()] == ["mine.ckpt"]
    assert record.checkpoint("last").parent == expname_root / FOLDER


@pytest.mark.parametrize("resume", ["auto", "never", "must"])
def test_a_run_whose_record_was_deleted_is_never_mixed_up(expname_root: Path, resume: Any) -> None:
    first = trained()
    path, mine = first.checkpoint("last"), {file.path for file in first.checkpoints()}
    (expname_root / first.record).unlink()
    if resume == "must":
        with pytest.raises(ResumeError, match=r"its record .* is not below"):
            resumed(path, resume=resume)
        assert not (expname_root / first.record).exists()
        return
    record = resumed(path, resume=resume).logger.record
    assert record.id != first.id
    assert (record.stem, record.origin["id"]) == (f"{STEM}-r2", first.id)
    assert all(file.exists() for file in mine)
    assert mine.isdisjoint(file.path for file in record.checkpoints())


@pytest.mark.parametrize("resume", ["auto", "never"])
def test_a_changed_int_is_a_run_of_its_own(expname_root: Path, resume: Any) -> None:
    first = trained()
    before = {file.path: file.path.read_bytes() for file in first.checkpoints()}
    record = resumed(first.checkpoint("last"), module=lit(n_layers=2), resume=resume).logger.record
    assert record.stem == STEM.replace("n_layers4", "n_layers2")
    assert record.origin["id"] == first.id
    assert read_record(expname_root / first.record) == first
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("mode", ["fit", "validate", "test", "predict"])
def test_best_is_this_configurations_in_a_new_process(expname_root: Path, mode: str) -> None:
    first = trained()
    trained(module=lit(32))
    ran = trainer(ExpNameLogger(), keep(), epochs=4)
    data = (loader(), loader()) if mode == "fit" else (loader(8),)
    getattr(ran, mode)(lit(), *data, ckpt_path="best")
    assert ran.ckpt_path == str(first.checkpoint("best"))
    record = ran.logger.record
    assert first.id == (record.id if mode == "fit" else record.origin["id"])


def test_best_of_nothing_is_refused_as_under_plain_lightning(expname_root: Path) -> None:
    fit(ExpNameLogger(), module=lit(32), epochs=1)
    with pytest.raises(ValueError, match="not configured to save the best model"):
        trainer(ExpNameLogger(), keep()).test(lit(), loader(), ckpt_path="best")


def test_best_after_a_training_is_never_an_earlier_runs(expname_root: Path) -> None:
    trained()
    ran = fit(ExpNameLogger(), ExpNameCheckpoint(save_top_k=0))
    with pytest.raises(ValueError, match="not configured to save the best model"):
        ran.test(dataloaders=loader(), ckpt_path="best")


@pytest.mark.parametrize("keeps_both", [False, True], ids=["moved", "copied"])
def test_a_tree_that_was_moved_is_continued_where_it_is(
    expname_root: Path, keeps_both: bool
) -> None:
    first = fit(ExpNameLogger(root_dir="here"), keep()).logger.record
    (shutil.copytree if keeps_both else shutil.move)("here", "there")
    before = files(expname_root / "here")
    again = resumed("last", root_dir="there")
    record = again.logger.record
    assert (record.id, again.current_epoch) == (first.id, 4)
    assert Path(again.checkpoint_callback.best_model_path) == record.checkpoint("best")
    folder = expname_root / "there" / FOLDER
    found = sorted(path.name for path in folder.glob("*.ckpt"))
    assert found == [f"{STEM}-epoch{epoch}.ckpt" for epoch in (2, 3)] + [f"{STEM}-last.ckpt"]
    assert files(expname_root / "here") == before


def test_a_run_asked_for_too_early_does_not_take_the_id(
    expname_root: Path, expname_recorded: Read
) -> None:
    first = trained()
    logger = ExpNameLogger()
    early = logger.experiment
    again = trainer(logger, keep(), epochs=3)
    with pytest.warns(ExpNameWarning, match=f"W&B run '{early.id}' that this opened stays empty"):
        again.fit(lit(), loader(), loader(), ckpt_path="last")
    logger.close_run()
    assert read_record(expname_root / first.record).id == first.id == logger.version
    rows = [(run.run_id, len(run.series("train_loss"))) for run in expname_recorded()]
    assert rows == [(first.id, 4), (early.id, 0), (first.id, 2)]


def test_a_users_own_run_is_another_run_than_the_checkpoints(
    expname_root: Path, expname_recorded: Read
) -> None:
    import wandb

    first = trained()
    wandb.finish()
    own = wandb.init(project="mine", mode="offline")
    with pytest.warns(ExpNameWarning, match=f"is not continued: .*{own.id}"):
        record = resumed("last").logger.record
    own.finish()
    assert (record.id, record.stem, record.origin["id"]) == (own.id, f"{STEM}-r2", first.id)
    assert read_record(expname_root / first.record) == first
