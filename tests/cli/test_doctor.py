"""`expname doctor`: every kind of finding, what is mended, and that a whole tree has none."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from runs_on_disk import put

from lightning_expname import find_runs, resolve_run
from lightning_expname.cli import main
from lightning_expname.records import this_process
from lightning_expname.records.index import FILE, FOLDER

HOME = "checkpoints/Net/Digits"
DEAD = {**this_process(), "birth": "another boot/1"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "a", last=f"{HOME}/a-epoch1.ckpt")
    (tmp_path / HOME / "a-epoch1.ckpt").touch()
    put(tmp_path, "b")
    return tmp_path


def findings(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[Any]:
    code = main(["doctor", "--root", str(root), "--json", *options])
    found = json.loads(capsys.readouterr().out)
    assert code == (0 if all(one["fixed"] for one in found) else 1)
    assert all(set(one) == {"kind", "path", "told", "fixed"} for one in found)
    return list(found)


def kinds(found: list[Any]) -> list[str]:
    return [one["kind"] for one in found]


def test_a_whole_tree_is_well(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    find_runs(root=root)
    assert findings(root, capsys) == []
    assert main(["doctor", "--root", str(root)]) == 0
    assert capsys.readouterr().out == "all is well\n"


def test_an_orphan_is_adopted(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = root / HOME / "d8-bs64-epoch3.ckpt"
    torch.save({"global_step": 1, "epoch": 3, "state_dict": {}}, lost)
    (one,) = findings(root, capsys)
    assert (one["kind"], one["path"]) == ("orphan", str(lost))
    assert kinds(findings(root, capsys, "--fix")) == ["orphan"]
    assert findings(root, capsys) == []
    assert resolve_run(lost, root).checkpoint(3) == lost


def test_an_orphan_that_cannot_be_read_stays(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / HOME / "torn-epoch3.ckpt").write_bytes(b"PK\x03\x04")
    (one,) = findings(root, capsys, "--fix")
    assert (one["kind"], one["fixed"]) == ("orphan", False)


def test_a_killed_run_is_noted(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = put(root, "k", status="running", process=DEAD)
    assert kinds(findings(root, capsys)) == ["killed"]
    assert findings(root, capsys, "--fix")[0]["fixed"]
    assert json.loads(record.path.read_text())["status"] == "killed"
    assert findings(root, capsys) == []


def test_what_is_not_safe_is_told_and_left(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / HOME / "a-epoch1.ckpt").unlink()
    shutil.copy(root / HOME / "b.json", root / HOME / "copy.json")
    (root / HOME / "torn.json").write_text('{"record_version": 1, "id"')
    (root / HOME / "newer.json").write_text('{"record_version": 99}')
    (root / HOME / "best_params.json").write_text('{"lr": 1}')
    before = sorted(path.name for path in (root / HOME).iterdir())
    found = findings(root, capsys, "--fix")
    assert sorted(kinds(found)) == ["duplicate", "gone", "renamed", "unreadable", "unreadable"]
    assert not any(one["fixed"] for one in found)
    assert sorted(path.name for path in (root / HOME).iterdir()) == before


def test_an_index_that_errs_is_rebuilt(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    find_runs(root=root)
    with sqlite3.connect(root / FOLDER / FILE) as db:
        folder = db.execute("SELECT id FROM folder WHERE path = ?", (HOME,)).fetchone()[0]
        db.execute(
            "INSERT INTO record (folder, name, mtime, size, inode, is_run) VALUES (?,?,0,0,0,1)",
            (folder, "ghost.json"),
        )
        mtime = (root / HOME).stat().st_mtime_ns
        db.execute("UPDATE folder SET mtime = ? WHERE id = ?", (mtime, folder))
    (one,) = findings(root, capsys, "--fix")
    assert (one["kind"], one["fixed"]) == ("index", True)
    assert "ghost.json" in one["told"]
    assert findings(root, capsys) == []


def test_a_record_that_the_index_does_not_list_is_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backup or a clock that was set back gives a folder the time that the index knows."""
    home = root / HOME
    old = time.time_ns() - 60_000_000_000
    os.utime(home, ns=(old, old))
    assert len(find_runs(root=root)) == 2
    put(root, "c", id="late")
    with sqlite3.connect(root / FOLDER / FILE) as db:
        db.execute("DELETE FROM record WHERE name = 'c.json'")
        db.execute("UPDATE folder SET mtime = ? WHERE path = ?", (old, HOME))
    os.utime(home, ns=(old, old))
    assert find_runs("id=late", root=root) == []
    (one,) = findings(root, capsys, "--fix")
    assert (one["kind"], one["fixed"]) == ("index", True)
    assert "does not list 1 records" in one["told"]
    assert len(find_runs("id=late", root=root)) == 1
    assert findings(root, capsys) == []
