"""What is adopted piece by piece, by several at once, or among links and closed folders."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from runs_on_disk import put

from lightning_expname import LookupFailedError, find_runs, resolve_run
from lightning_expname.adoption import Hints, adopt, rename, undo
from lightning_expname.cli import main
from lightning_expname.doctor import examine, mend


def save(path: Path, epoch: int, **hparams: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"epoch": epoch, "global_step": epoch * 10, "hyper_parameters": hparams or {"d": 8}}
    torch.save({"pytorch-lightning_version": "2.0.0", **content}, path)
    return path


def test_a_file_found_later_joins_its_run(tmp_path: Path) -> None:
    first, second = (save(tmp_path / f"old/a-epoch{epoch}.ckpt", epoch) for epoch in (1, 2))
    (run,) = adopt([first], root=tmp_path).records
    (again,) = adopt([tmp_path / "old"], root=tmp_path, dry_run=True).records
    assert [one.path for one in run.checkpoints()] == [first]
    assert adopt([tmp_path / "old"], root=tmp_path).records == (again,)
    (found,) = find_runs(root=tmp_path)
    assert (found.id, found.record) == (run.id, run.record)
    assert [one.path for one in found.checkpoints()] == [first, second]
    assert found.checkpoint("last") == second
    assert resolve_run(second, tmp_path) == found
    assert adopt([tmp_path / "old"], root=tmp_path).records == ()


def test_doctor_adopts_every_orphan_of_a_run(tmp_path: Path) -> None:
    for name, epoch, width in (("a", 1, 8), ("a", 2, 8), ("b", 2, 9)):
        save(tmp_path / f"checkpoints/Net/Digits/{name}-epoch{epoch}.ckpt", epoch, d=width)
    found = examine(tmp_path)
    assert [one.kind for one in found] == ["orphan"] * 3
    assert all(one.fixed for one in mend(found, tmp_path))
    assert examine(tmp_path) == []
    assert sorted(len(one.checkpoints()) for one in find_runs(root=tmp_path)) == [1, 2]


def test_processes_that_adopt_and_rename_at_once_do_it_once(tmp_path: Path) -> None:
    for epoch in range(12):
        save(tmp_path / f"old/r{epoch % 4}/epoch={epoch}.ckpt", epoch, d=epoch % 4)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.ckpt"))
    context = multiprocessing.get_context("fork")
    barrier, told = context.Barrier(3), context.SimpleQueue()

    def work() -> None:
        barrier.wait()
        try:
            adopted = len(adopt([tmp_path / "old"], root=tmp_path).records)
            told.put((adopted, len(rename([tmp_path / "old"], root=tmp_path).moved)))
        except BaseException as error:
            told.put(error)

    processes = [context.Process(target=work) for _ in range(3)]
    for process in processes:
        process.start()
    counts = [told.get() for _ in processes]
    assert sorted(one[0] for one in counts) == [0, 0, 4], counts
    assert sorted(one[1] for one in counts) == [0, 0, 12], counts
    runs = find_runs(root=tmp_path)
    assert sorted(len(one.checkpoints()) for one in runs) == [3, 3, 3, 3]
    assert examine(tmp_path) == []
    assert len(undo(tmp_path).moved) == 12
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.ckpt")) == before


def test_links_that_lead_nowhere_end_nothing(tmp_path: Path) -> None:
    run = put(tmp_path, "x8")
    for folder in (run.path.parent, tmp_path / "old"):
        folder.mkdir(exist_ok=True)
        (folder / "x8-epoch1.ckpt").symlink_to("x8-epoch1.ckpt")
        (folder / "x8-epoch2.ckpt").symlink_to("nowhere")
    save(tmp_path / "old/good-epoch1.ckpt", 1)
    done = adopt([tmp_path / "old"], root=tmp_path, hints=Hints("Net", "Digits"))
    assert (len(done.records), len(done.broken)) == (1, 2)
    assert main(["adopt", str(tmp_path / "old"), "--root", str(tmp_path), "--rename"]) == 0
    assert examine(tmp_path) == []


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be nobody"
)
def test_a_closed_folder_is_listed(tmp_path: Path) -> None:
    """By a process that may not look into it; root itself may look anywhere."""
    save(tmp_path / "old/open-epoch1.ckpt", 1)
    closed = save(tmp_path / "old/closed/a-epoch1.ckpt", 1).parent
    for folder in (tmp_path, tmp_path / "old", *tmp_path.parents[:3]):
        os.chmod(folder, 0o777)
    os.chmod(closed, 0)
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        done = adopt([tmp_path / "old"], root=tmp_path)
        listed = [(path, "cannot be listed" in why) for path, why in done.broken]
        os._exit(0 if (len(done.records), listed) == (1, [(closed, True)]) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_name_with_an_odd_digit_ends_no_listing(tmp_path: Path) -> None:
    """`str.isdigit` holds for digits that `int` refuses."""
    run = put(tmp_path, "x8")
    for name in ("x8-epoch1.ckpt", "²", "²3"):
        (run.path.parent / name).touch()
    assert [one.epoch for one in run.checkpoints()] == [1]


@pytest.mark.parametrize("is_zip", [True, False])
def test_an_adopted_file_that_was_renamed_by_hand_is_its_runs(
    tmp_path: Path, is_zip: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing inside of it tells the run, and nothing of its name is left."""
    for name, width in (("a", 8), ("b", 9)):
        for epoch in (1, 2):
            path = save(tmp_path / f"checkpoints/{name}-epoch{epoch}.ckpt", epoch, d=width)
            torch.save(torch.load(path), path, _use_new_zipfile_serialization=is_zip)
    adopt([tmp_path / "checkpoints"], root=tmp_path)
    (run,) = find_runs("d=9", root=tmp_path)
    moved = (tmp_path / "checkpoints/b-epoch2.ckpt").rename(tmp_path / "checkpoints/mine.ckpt")
    assert resolve_run(moved, tmp_path) == run
    sent = tmp_path / "sent to somebody.ckpt"
    sent.write_bytes(moved.read_bytes())
    assert resolve_run(sent, tmp_path) == run
    assert main(["doctor", "--root", str(tmp_path)]) == 1
    assert f"a checkpoint of {run.run!r} under another name" in capsys.readouterr().out
    assert main(["doctor", "--fix", "--root", str(tmp_path)]) == 0
    (again,) = find_runs("d=9", root=tmp_path)
    assert {one.path.name for one in again.checkpoints()} == {"b-epoch1.ckpt", "mine.ckpt"}
    assert (again.id, examine(tmp_path)) == (run.id, [])
    assert adopt([tmp_path], root=tmp_path).records == ()
    assert len(find_runs(root=tmp_path)) == 2


def test_equal_files_of_two_runs_are_nobodys(tmp_path: Path) -> None:
    """No guess: both are listed."""
    first = save(tmp_path / "old/x/a-epoch1.ckpt", 1)
    (tmp_path / "old/y").mkdir()
    (tmp_path / "old/y/a-epoch1.ckpt").write_bytes(first.read_bytes())
    assert len(adopt([tmp_path / "old"], root=tmp_path).records) == 2
    renamed = first.rename(first.with_name("mine.ckpt"))
    with pytest.raises(LookupFailedError, match="2 runs"):
        resolve_run(renamed, tmp_path)


def test_a_copy_beside_the_file_is_no_orphan_and_a_renamed_one_is_not_taken_for_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "checkpoints/Net/Digits"
    for epoch in (0, 1):
        save(folder / f"x8-epoch{epoch}.ckpt", epoch)
    adopt([tmp_path / "checkpoints"], root=tmp_path)
    (folder / "kept.ckpt").write_bytes((folder / "x8-epoch0.ckpt").read_bytes())
    assert examine(tmp_path) == []
    save(folder / "x8-epoch2.ckpt", 2)
    adopt([tmp_path / "checkpoints"], root=tmp_path)
    (folder / "x8-epoch1.ckpt").rename(folder / "mine.ckpt")
    (told,) = mend(examine(tmp_path), tmp_path)
    assert (told.path.name, told.fixed, examine(tmp_path)) == ("mine.ckpt", True, [])
    (run,) = find_runs(root=tmp_path)
    names = {one.path.name for one in run.checkpoints()}
    assert names == {"x8-epoch0.ckpt", "x8-epoch2.ckpt", "mine.ckpt"}
