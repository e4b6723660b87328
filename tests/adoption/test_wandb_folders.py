"""W&B's folders of runs become findable, also where no checkpoint lies beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import wandb

from lightning_expname import RecordError, RunRecord, find_runs, resolve_run
from lightning_expname.adoption import Hints, adopt
from lightning_expname.cli import main
from lightning_expname.testing import WandbServer, read_recorded


def log_offline(folder: Path, *, run_id: str, config: dict[str, Any], **options: Any) -> None:
    """A real offline run."""
    settings = wandb.Settings(x_disable_stats=True, console="off", silent=True)
    run = wandb.init(
        project="old-project", id=run_id, dir=folder, mode="offline", settings=settings, **options
    )
    run.config.update(config)
    run.log({"val_acc": 0.5})
    run.finish()
    (made,) = (folder / "wandb").glob(f"offline-run-*-{run_id}")
    assert read_recorded(made, wait=60.0).exit_code == 0  # the file is complete a little later


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two runs of long ago."""
    folder = tmp_path_factory.mktemp("old")
    config = {"n_heads": 8, "lr": 0.01, "act": "gelu", "opt": {"name": "Adam"}, "api_key": "s3cret"}
    log_offline(folder, run_id="aaaa1111", config=config, name="fancy-sun-12")
    log_offline(folder, run_id="bbbb2222", config={**config, "n_heads": 4}, name="calm-sea-13")
    return folder


def test_a_run_without_checkpoints_is_found_by_all_that_wandb_knows(
    old: Path, tmp_path: Path
) -> None:
    done = adopt([old], root=tmp_path, hints=Hints(dataset="Digits"))
    assert len(done.records) == 2 and done.broken == ()
    (found,) = find_runs(
        "n_heads=8", "lr=0.01", "opt.name=Adam", "summary.val_acc=0.5", root=tmp_path
    )
    assert (found.id, found.run, found.project) == ("aaaa1111", "fancy-sun-12", "old-project")
    assert (found.dataset, found.status, found.checkpoints()) == ("Digits", "finished", [])
    url = "https://wandb.example/me/old-project/runs/aaaa1111"
    (folder,) = (old / "wandb").glob("*-aaaa1111")
    for reference in ("fancy-sun-12", "aaaa1111", url, "old-project/aaaa1111", folder, found.path):
        assert resolve_run(reference, tmp_path) == found
    with pytest.raises(RecordError, match="those that remain: none"):
        found.checkpoint("last")
    text = found.path.read_text(encoding="utf-8")
    assert "s3cret" not in text and str(tmp_path) not in text


def test_twice_is_once(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adopt", str(old), "--root", str(tmp_path)]) == 0
    assert main(["adopt", str(old), "--root", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))
    assert (told["adopted"], told["known"]) == ([], 2)
    assert len(find_runs(root=tmp_path)) == 2


@pytest.mark.parametrize("given", ["folder", "log"])
def test_one_run_may_be_given_alone(old: Path, tmp_path: Path, given: str) -> None:
    (folder,) = (old / "wandb").glob("*-bbbb2222")
    path = folder if given == "folder" else folder / "run-bbbb2222.wandb"
    (record,) = adopt([path], root=tmp_path).records
    assert (record.id, record.hparams["n_heads"]) == ("bbbb2222", 4)


def test_equal_configurations_keep_the_names_of_wandbs_table(tmp_path: Path) -> None:
    for run_id in ("cccc3333", "dddd4444"):
        log_offline(tmp_path, run_id=run_id, config={"n": 3}, name=f"shown-{run_id}")
    first, second = sorted(adopt([tmp_path], root=tmp_path).records, key=lambda one: one.ordinal)
    assert (first.stem, second.stem) == ("n3", "n3-r2")
    assert {first.run, second.run} == {"shown-cccc3333", "shown-dddd4444"}


def test_a_checkpoint_beside_its_log_is_one_run(tmp_path: Path) -> None:
    """What the file does not tell, W&B's config does; the name is the one of W&B's table."""
    log_offline(tmp_path, run_id="eeee5555", config={"seed": 7, "d_model": 8}, name="brave-moon-3")
    home = tmp_path / "old-project" / "eeee5555" / "checkpoints"
    home.mkdir(parents=True)
    for name in ("epoch=1-step=10", "best-epoch=0"):
        content = {"global_step": 10, "epoch": 1, "hyper_parameters": {"d_model": 8}}
        torch.save(content, home / f"{name}.ckpt")
    (record,) = adopt([tmp_path], root=tmp_path).records
    assert (record.id, record.run, record.hparams) == ("eeee5555", "brave-moon-3", {"d_model": 8})
    assert find_runs("seed=7", root=tmp_path) == [record]
    assert len(record.checkpoints()) == 2
    assert resolve_run("brave-moon-3", tmp_path).checkpoint(1).name == "epoch=1-step=10.ckpt"


def test_a_run_that_was_online_is_adopted_too(expname_wandb: WandbServer, tmp_path: Path) -> None:
    """W&B keeps `wandb/run-*` of what it has sent; its URL finds the run without a server."""
    settings = wandb.Settings(x_disable_stats=True, console="off", silent=True)
    names: dict[str, Any] = {"project": "old-project", "id": "gggg7777", "name": "online-star-1"}
    with wandb.init(**names, dir=tmp_path, settings=settings, config={"n_heads": 2}) as run:
        run.log({"val_acc": 0.75})
        url = run.url
    assert expname_wandb.run("gggg7777").state == "finished"
    (folder,) = (tmp_path / "wandb").glob("run-*-gggg7777")
    assert read_recorded(folder, wait=60.0).exit_code == 0  # the file is complete a little later
    (record,) = adopt([tmp_path], root=tmp_path).records
    assert find_runs("n_heads=2", "summary.val_acc>0.7", root=tmp_path) == [record]
    assert (record.run, record.project, record.status) == (names["name"], "old-project", "finished")
    for reference in (url, "gggg7777", "online-star-1", folder):
        assert resolve_run(reference, tmp_path) == record
    assert adopt([tmp_path], root=tmp_path).records == ()


def damaged(log: Path) -> dict[str, bytes]:
    content = log.read_bytes()
    middle = content.index(b"aaaa1111")  # of the run itself: what is not read may be damaged
    return {
        "text": b"no log of W&B at all",
        "empty": b"",
        "flipped": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
        "head only": content[:7],
    }


@pytest.mark.parametrize("damage", ["text", "empty", "flipped", "head only"])
def test_a_damaged_log_is_listed_and_the_others_are_adopted(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    (whole,) = (old / "wandb").glob("*-aaaa1111")
    copied = tmp_path / "wandb" / "offline-run-20230101_120000-ffff6666"
    copied.mkdir(parents=True)
    content = damaged(whole / "run-aaaa1111.wandb")[damage]
    (copied / "run-ffff6666.wandb").write_bytes(content)
    assert main(["adopt", str(old), str(tmp_path), "--root", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    assert "2 runs adopted" in told and "1 broken" in told
    assert f"broken   {copied}: its log " in told


def test_a_torn_tail_is_a_killed_run(old: Path, tmp_path: Path) -> None:
    (whole,) = (old / "wandb").glob("*-aaaa1111")
    copied = tmp_path / "wandb" / "offline-run-20230101_120000-ffff6666"
    copied.mkdir(parents=True)
    content = (whole / "run-aaaa1111.wandb").read_bytes()
    (copied / "run-ffff6666.wandb").write_bytes(content[:-20])
    (record,) = adopt([tmp_path], root=tmp_path).records
    assert isinstance(record, RunRecord) and (record.status, record.finished) == ("killed", None)
    assert find_runs("status=killed", root=tmp_path) == [record]
