"""Checkpoints of years ago become findable; nothing of them is moved, loaded or run."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

from lightning_expname import find_runs, resolve_run
from lightning_expname.adoption import Hints, adopt
from lightning_expname.adoption.shapes import shape_of
from lightning_expname.cli import main
from lightning_expname.facts import Facts, Hparam
from lightning_expname.naming import NamePolicy, derive_names
from lightning_expname.records.draft import draft


class Old(LightningModule):
    """As people write them: hyper-parameters saved, nothing of ours near."""

    def __init__(self, d_model: int = 4, act: str = "gelu", dropout: float = 0.1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Linear(4, d_model)

    def training_step(self, batch: Any, _: int) -> Any:
        return self.net(batch[0]).square().mean()

    def validation_step(self, batch: Any, _: int) -> None:
        self.log("val_loss", self.net(batch[0]).square().mean())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def train(
    folder: Path,
    *,
    filename: str | None = None,
    module: LightningModule | None = None,
    **hparams: Any,
) -> None:
    """A real training without a logger of ours."""
    keep = ModelCheckpoint(folder, filename, monitor="val_loss", save_top_k=-1, save_last=True)
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    loader = DataLoader(TensorDataset(torch.ones(4, 4)), batch_size=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = Trainer(logger=False, callbacks=[keep], max_epochs=3, **quiet)
        trainer.fit(module or Old(**hparams), loader, loader)


def snapshot(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*.ckpt")}


def test_a_real_training_of_long_ago_is_found(tmp_path: Path) -> None:
    old, root = tmp_path / "old" / "Thing" / "abc123xy" / "checkpoints", tmp_path / "new"
    (tmp_path / "old" / "wandb" / "run-20230101_120000-abc123xy").mkdir(parents=True)
    train(old, d_model=8)
    root.mkdir()
    before = snapshot(tmp_path)
    (record,) = adopt([tmp_path / "old"], root=root, hints=Hints("Old", "Ones")).records
    assert snapshot(tmp_path) == before
    (found,) = find_runs("d_model=8", "act=gelu", "dropout=0.1", "lr=0.01", root=root)
    assert found == record and found.run == "d_model8-act.gelu-lr0.01"
    assert (found.id, found.monitor, found.model) == ("abc123xy", "val_loss", "Old")
    content = torch.load(old / "last.ckpt", weights_only=True)
    state = next(one for one in content["callbacks"].values() if "best_model_path" in one)
    assert found.score == pytest.approx(float(state["best_model_score"]))
    assert found.checkpoint("best") == Path(state["best_model_path"])
    assert found.checkpoint(1).name.startswith("epoch=1-")
    assert [one.epoch for one in found.checkpoints() if not one.is_last] == [0, 1, 2]
    assert torch.load(found.checkpoint("last"), weights_only=True)["epoch"] == 2
    for path in old.iterdir():
        assert resolve_run(path, root) == found


def test_twice_is_once_and_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    train(tmp_path / "logs", d_model=8)
    planned = adopt([tmp_path / "logs"], root=tmp_path, dry_run=True)
    assert len(planned.records) == 1 and not (tmp_path / "checkpoints").exists()
    done = adopt([tmp_path / "logs"], root=tmp_path)
    assert [one.id for one in done.records] == [one.id for one in planned.records]
    again = adopt([tmp_path / "logs"], root=tmp_path)
    assert (again.records, again.known) == ((), 4)
    assert len(find_runs(root=tmp_path)) == 1


def test_runs_of_one_folder_are_told_apart(tmp_path: Path) -> None:
    """By their hyper-parameters, where Lightning's `-v1` is all that their names differ in."""
    train(tmp_path / "logs", filename="{epoch}", d_model=8)
    train(tmp_path / "logs", filename="{epoch}", d_model=4)
    adopt([tmp_path], root=tmp_path)
    for size in (4, 8):
        (found,) = find_runs(f"d_model={size}", root=tmp_path)
        files = [file.path for file in found.checkpoints()]
        assert len(files) == 4
        for path in files:
            assert torch.load(path, weights_only=True)["hyper_parameters"]["d_model"] == size
            assert resolve_run(path, tmp_path) == found


def test_names_typed_by_hand_tell_what_the_file_does_not(tmp_path: Path) -> None:
    home = tmp_path / "checkpoints" / "MultiModalTransformer" / "KEMDy19"
    home.mkdir(parents=True)
    for heads in (4, 8):
        name = f"d_model1024-n_heads{heads}-bs64-epoch13.ckpt"
        torch.save({"global_step": 9, "epoch": 13, "state_dict": {}}, home / name)
    adopt([tmp_path], root=tmp_path)
    (found,) = find_runs("n_heads=8", "d_model=1024", "bs=64", root=tmp_path)
    assert (found.model, found.dataset) == ("MultiModalTransformer", "KEMDy19")
    assert found.stem == "d_model1024-n_heads8-bs64"
    assert found.checkpoint(13).name == "d_model1024-n_heads8-bs64-epoch13.ckpt"


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mknod, (str(self.path),))


def test_a_hostile_and_a_broken_file_are_listed_and_never_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, old = tmp_path / "created", tmp_path / "old"
    old.mkdir()
    hyper = {"d_model": 8, "x": Evil(target)}
    torch.save({"global_step": 1, "hyper_parameters": hyper}, old / "epoch=1.ckpt")
    (old / "epoch=2.ckpt").write_bytes(b"PK\x03\x04 torn")
    (old / "epoch=3.ckpt").touch()
    torch.save([1, 2], old / "epoch=4.ckpt")
    assert main(["adopt", str(old), "--root", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "careful" in told.err and "mknod" in told.err
    assert "1 runs adopted, 0 checkpoints known before, 3 broken" in told.err
    assert "epoch=2.ckpt: a torn zip file" in told.err
    assert main(["find", "d_model=8", "--root", str(tmp_path)]) == 0
    assert main(["show", str(old / "epoch=1.ckpt"), "--root", str(tmp_path)]) == 0
    assert not target.exists()


class Careless(Old):
    """Arguments that should not have been hyper-parameters, and one that is a list."""

    def __init__(self, api_key: str = "", token_dim: int = 3, sizes: Any = (4, 8)) -> None:
        super().__init__()
        self.save_hyperparameters()


def test_secrets_are_not_taken_into_the_record(tmp_path: Path) -> None:
    train(tmp_path / "old", module=Careless(api_key="hf_abcdefghijklmnopqrstuvwxyz012345"))
    (record,) = adopt([tmp_path / "old"], root=tmp_path).records
    assert record.path is not None
    assert "abcdefghijklmnop" not in record.path.read_text(encoding="utf-8")
    assert record.hparams["api_key"] == "<redacted>"
    assert record.hparams["token_dim"] == 3


def test_equal_configurations_have_equal_digests(tmp_path: Path) -> None:
    train(tmp_path / "old", module=Careless(sizes=[4, 8]))
    (old,) = adopt([tmp_path / "old"], root=tmp_path).records
    facts = Facts("Careless", "data", tuple(Hparam(k, v, "other") for k, v in old.hparams.items()))
    names = derive_names(facts, NamePolicy())
    new = draft(facts, names, mode="train", run_id="abcd1234", group=None)
    assert new.hparams == old.hparams
    assert old.digest == new.digest


def test_json_and_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    command = ["adopt", str(tmp_path / "empty"), "--root", str(tmp_path), "--json"]
    assert main(command) == 1
    told = json.loads(capsys.readouterr().out)
    assert told == {"adopted": [], "known": 0, "broken": [], "foreign": []}
    assert main(["adopt", str(tmp_path / "missing"), "--root", str(tmp_path)]) == 2
    assert "give files or folders" in capsys.readouterr().err


def test_a_terminal_sees_a_bar(tmp_path: Path) -> None:
    for epoch in range(3):
        torch.save({"global_step": 1, "epoch": epoch}, tmp_path / f"epoch={epoch}.ckpt")
    terminal, side = pty.openpty()
    command = [sys.executable, "-m", "lightning_expname", "adopt", ".", "--rename"]
    ran = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=side, timeout=120)
    os.close(side)
    shown = b""
    with contextlib.suppress(OSError):  # Linux: the other side is closed
        while more := os.read(terminal, 65536):
            shown += more
    os.close(terminal)
    assert ran.returncode == 0 and ran.stdout.count(b" -> ") == 3
    assert b"3/3" in shown and b"3 files renamed" in shown


def test_a_disk_that_refuses_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"global_step": 1, "epoch": 1}, tmp_path / "epoch=1.ckpt")
    (tmp_path / "checkpoints").write_text("a file where the folder would be")
    assert main(["adopt", str(tmp_path), "--root", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("expname: ") and str(tmp_path / "checkpoints") in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "template", "prefix"),
    [
        ("epoch=3-step=10-v1", "epoch={epoch}-step={step}", ""),
        ("epoch=03-val_loss=0.32", "epoch={epoch}-val_loss={val_loss}", ""),
        ("best-epoch=3", "best-epoch={epoch}", "best"),
        ("d8-bs64-epoch13", "d8-bs64-epoch{epoch}", "d8-bs64"),
        ("last", "last", ""),
        ("model", "model", "model"),
    ],
)
def test_shapes(name: str, template: str, prefix: str) -> None:
    shape = shape_of(name)
    assert (shape.template, shape.prefix) == (template, prefix)
