"""Checkpoints that are directories, as FSDP and DeepSpeed write them: one process is enough."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from flavour import ExpNameCheckpoint, ExpNameLogger, SingleDeviceStrategy, TorchCheckpointIO
from lit_models import fit, lit, loader, trainer

from lightning_expname.records import read_record

STEM = "d_model16-n_heads8-n_layers4-activation.gelu-bs16"
Read = Callable[..., list[Any]]


class Sharded(TorchCheckpointIO):
    """A directory for each checkpoint: the weights in a shard, all else in `meta.pt`."""

    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        shutil.rmtree(path, ignore_errors=True)
        Path(path).mkdir(parents=True)
        state = checkpoint.pop("state_dict")
        torch.save(state, Path(path) / "shard0.pt")
        torch.save(checkpoint, Path(path) / "meta.pt")

    def load_checkpoint(self, path: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        parts = [Path(path) / name for name in ("shard0.pt", "meta.pt")]
        state, checkpoint = (torch.load(part, weights_only=False) for part in parts)
        return {**checkpoint, "state_dict": state}


def checkpoint() -> ExpNameCheckpoint:
    return ExpNameCheckpoint(monitor="val_acc", mode="max", save_top_k=2, save_last=True)


def sharded(**kwargs: Any) -> Any:
    return fit(ExpNameLogger(), checkpoint(), plugins=[Sharded()], **kwargs)


def test_directories_are_named_listed_and_recorded(
    expname_root: Path, expname_recorded: Read
) -> None:
    ran = sharded(epochs=3)
    (run,) = expname_recorded()
    record = read_record(ran.logger.record.path)
    found = record.checkpoints()
    assert all(file.path.is_dir() and file.path.name.startswith(STEM) for file in found)
    assert len(found) == 3 and [file.is_last for file in found].count(True) == 1
    assert record.checkpoint("best") == Path(ran.checkpoint_callback.best_model_path)
    assert record.checkpoint("last").is_dir()
    assert run.summary["best_checkpoint"] == record.best


@pytest.mark.parametrize("without_record", [False, True])
def test_a_second_run_never_writes_among_the_firsts_directories(
    expname_root: Path, expname_recorded: Read, without_record: bool
) -> None:
    first = sharded().logger.record
    before = {file.path for file in first.checkpoints()}
    if without_record:
        first.path.unlink()
    second = sharded().logger.record
    expname_recorded()
    assert second.stem == f"{STEM}-r2"
    assert before.isdisjoint(file.path for file in second.checkpoints())
    assert all(path.is_dir() for path in before)


@pytest.mark.parametrize("which", ["last", "best"])
def test_a_directory_is_resumed_and_tested(
    expname_root: Path, expname_recorded: Read, which: str
) -> None:
    first = sharded().logger.record
    sharded(module=lit(32))  # newer, in the same folder
    path = "last" if which == "last" else str(first.checkpoint("best"))
    again = trainer(ExpNameLogger(), checkpoint(), epochs=4, plugins=[Sharded()])
    again.fit(lit(), loader(), loader(), ckpt_path=path)
    again.test(ckpt_path="best", dataloaders=loader(), verbose=False)
    record = again.logger.record
    expname_recorded()
    assert (record.id, record.stem, len(record.resumed)) == (first.id, STEM, 1)
    below = Path(record.checkpoint("last")).parent.iterdir()
    assert {file.path for file in record.checkpoints()} == {
        path for path in below if path.is_dir() and path.name.startswith(f"{STEM}-")
    }
    if which == "last":  # the best two and the last: those of the first part are counted
        assert len(record.checkpoints()) == 3
    assert record.checkpoint("last").is_dir()


class Late(SingleDeviceStrategy):
    """Loads a checkpoint when the module is set up, as sharded strategies do."""

    restore_checkpoint_after_setup = True


def test_a_checkpoint_that_is_loaded_late_is_no_training_from_scratch(
    expname_root: Path, recwarn: pytest.WarningsRecorder
) -> None:
    first = sharded().logger.record
    given = {"plugins": [Sharded()], "strategy": Late("cpu"), "epochs": 4}
    again = trainer(ExpNameLogger(), checkpoint(), **given)
    again.fit(lit(), loader(), loader(), ckpt_path="last")
    assert again.logger.record.id == first.id
    assert not [one for one in recwarn if "from scratch" in str(one.message)]
