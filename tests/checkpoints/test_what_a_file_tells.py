"""What a checkpoint's own content tells of its run, and that nothing in it is run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from runs_on_disk import put
from test_record_hardening import FOLDER, killed

from lightning_expname import RunRecord, resolve_run


@pytest.fixture
def run(tmp_path: Path) -> RunRecord:
    return put(tmp_path, "d8-bs64", id="ab12cd34", hparams={"d": 8}, score=0.5)


def test_a_renamed_checkpoint_tells_its_run(run: RunRecord, tmp_path: Path) -> None:
    sent = tmp_path / "elsewhere" / "from a colleague.pt"
    sent.parent.mkdir()
    torch.save({"epoch": 1, "lightning_expname": {"id": run.id}, "w": torch.zeros(3)}, sent)
    assert resolve_run(sent, run.root) == run


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_hostile_checkpoint_is_not_run(run: RunRecord, tmp_path: Path) -> None:
    target, sent = tmp_path / "created", tmp_path / "evil.ckpt"
    torch.save({"lightning_expname": {"id": run.id}, "x": Evil(target)}, sent)
    assert resolve_run(sent, run.root) == run
    assert not target.exists()


def test_the_best_of_a_killed_run_is_what_its_newest_file_says(tmp_path: Path) -> None:
    record = killed(tmp_path, 1, 2, best=f"{FOLDER}/a-epoch0.ckpt")
    told = {"monitor": "val_acc", "best_model_path": "/elsewhere/a-epoch1.ckpt"}
    other = {"monitor": None, "best_model_path": "/elsewhere/a-epoch2.ckpt"}
    states = {"ModelCheckpoint{1}": other, "ModelCheckpoint{2}": told}
    newest = record.path.parent / "a-epoch2.ckpt"
    torch.save({"global_step": 1, "callbacks": states}, newest)
    assert record.checkpoint("best").name == "a-epoch1.ckpt"
