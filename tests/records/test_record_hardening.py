"""Records that somebody broke, forged or copied: refused with a word, and never followed out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from runs_on_disk import put

from lightning_expname import RecordError, RunRecord, find_runs, resolve_run
from lightning_expname.records import CheckpointPlace, read_record, this_process, write_record
from lightning_expname.records.location import locate

FOLDER = "checkpoints/Net/Digits"
DEAD = {**this_process(), "birth": "another boot/1"}


def damaged(root: Path, **changes: Any) -> Path:
    """A valid record's file with some keys changed."""
    record = put(root, "a")
    data = {**record.to_json(), **changes}
    record.path.write_text(json.dumps(data))
    return record.path


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hparams": [1]}, "hparams is '\\[1\\]', not an object"),
        ({"config": "x"}, "config"),
        ({"config": None}, "config"),
        ({"id": 3}, "id is '3', not a text"),
        ({"run": None}, "run"),
        ({"created": 7}, "created"),
        ({"score": "high"}, "score"),
        ({"ordinal": "2"}, "ordinal"),
        ({"places": {"directory": "x"}}, "places"),
        ({"places": [1]}, "a list of objects"),
        ({"places": [{"name": "x"}]}, "without directory or name"),
        ({"places": [{"directory": 1, "name": "x"}]}, "directory"),
        ({"resumed": [1]}, "resumed"),
        ({"process": 1}, "process"),
        ({"best": ["x"]}, "best"),
        ({"best": "../secret.ckpt"}, "leads out of its root"),
        ({"last": "checkpoints/../../x.ckpt"}, "leads out of its root"),
        ({"record": "../a.json"}, "leads out of its root"),
        ({"places": [{"directory": "..\\up", "name": "x"}]}, "leads out of its root"),
        ({"places": [{"directory": "a/../../up", "name": "x"}]}, "leads out of its root"),
        ({"places": [{"directory": "a\0b", "name": "x"}]}, "leads out of its root"),
    ],
)
def test_what_is_no_record_is_refused_and_no_scan_ends_on_it(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    path = damaged(tmp_path, **changes)
    with pytest.raises(RecordError, match=told):
        read_record(path)
    good = put(tmp_path, "good")
    assert find_runs(root=tmp_path) == [good]


def test_keys_of_a_later_version_are_left_out_of_places_too(tmp_path: Path) -> None:
    place = {"directory": FOLDER, "name": "a-epoch{epoch}", "colour": "red"}
    record = read_record(damaged(tmp_path, places=[place], colour="red"))
    assert record.places == (CheckpointPlace(FOLDER, "a-epoch{epoch}"),)


def test_an_absolute_best_counts_only_in_a_place_of_the_run(tmp_path: Path) -> None:
    outside = tmp_path / "big disk"
    outside.mkdir()
    (outside / "epoch1.ckpt").touch()
    place = CheckpointPlace(outside.as_posix(), "epoch{epoch}")
    record = put(tmp_path / "root", "a", best=str(outside / "epoch1.ckpt"))
    with pytest.raises(RecordError, match="leads out of its root, and lies in none"):
        record.checkpoint("best")
    record = record.replace(places=(place,))
    assert record.checkpoint("best") == outside / "epoch1.ckpt"
    assert record.checkpoint(1) == outside / "epoch1.ckpt"


def test_a_record_that_was_copied_to_a_short_path_says_so(tmp_path: Path) -> None:
    record = put(tmp_path, "a").replace(record="/".join("abcdefghijklmnopqrstuvwxyz") + "/a.json")
    with pytest.raises(RecordError, match="not below its root"):
        _ = record.replace(path=Path("/tmp/a.json")).root
    assert record.replace(path=Path("/tmp/a.json")).checkpoints() == []


@pytest.mark.parametrize("moved", ["checkpoints", FOLDER, "checkpoints/Net"])
def test_a_part_of_the_tree_that_was_moved_finds_its_files(tmp_path: Path, moved: str) -> None:
    place = CheckpointPlace(f"{FOLDER}/ddp", "a-epoch{epoch}")
    record = put(tmp_path / "old", "a", best=f"{FOLDER}/ddp/a-epoch1.ckpt")
    record = record.replace(places=(place,))
    write_record(record)
    (record.path.parent / "ddp").mkdir()
    (record.path.parent / "ddp" / "a-epoch1.ckpt").touch()
    shutil.move(tmp_path / "old" / moved, tmp_path / "sub tree")
    (found,) = find_runs(root=tmp_path / "sub tree")
    best = found.checkpoint("best")
    assert best.is_file() and best.is_relative_to(tmp_path / "sub tree")
    assert resolve_run(best, tmp_path / "sub tree") == found


def test_a_place_is_climbed_out_to_only_through_folders_that_are_still_there() -> None:
    record, stored = "checkpoints/Net/Digits/a.json", "elsewhere/a"
    assert locate(Path("/r") / record, record, stored) == Path("/r/elsewhere/a")
    assert locate(Path("/tmp/a.json"), record, stored) is None


def killed(root: Path, *epochs: int, **fields: Any) -> RunRecord:
    """A run whose process is gone, with empty files of these epochs, the oldest first."""
    record = put(root, "a", status="running", process=DEAD, **fields)
    for age, epoch in enumerate(epochs):
        path = record.path.parent / f"a-epoch{epoch}.ckpt"
        path.touch()
        os.utime(path, (1e9 + age, 1e9 + age))
    return record


def test_the_newest_file_of_a_killed_run_is_its_last(tmp_path: Path) -> None:
    record = killed(tmp_path, 8, 9, 10, last=f"{FOLDER}/a-epoch9.ckpt")
    assert record.checkpoint("last").name == "a-epoch10.ckpt"
    assert record.replace(last=None).checkpoint("last").name == "a-epoch10.ckpt"
    (record.path.parent / "a-epoch10.ckpt").write_bytes(b"PK\x03\x04 torn")
    assert record.checkpoint("last").name == "a-epoch9.ckpt"


def test_a_finished_runs_deleted_last_falls_back_and_best_lists_what_remains(
    tmp_path: Path,
) -> None:
    record = killed(tmp_path, 1, 2).replace(
        status="finished", last=f"{FOLDER}/a-epoch3.ckpt", best=f"{FOLDER}/a-epoch0.ckpt"
    )
    assert record.checkpoint("last").name == "a-epoch2.ckpt"
    with pytest.raises(RecordError, match=r"is gone\); those that remain: a-epoch1.*a-epoch2"):
        record.checkpoint("best")


def test_a_run_whose_process_is_gone_is_found_as_killed(tmp_path: Path) -> None:
    killed(tmp_path)
    running = put(tmp_path, "b", status="running", process=this_process())
    put(tmp_path, "c", status="failed")
    assert [one.stem for one in find_runs("status=killed", root=tmp_path)] == ["a"]
    assert find_runs("status=running", root=tmp_path) == [running]
    assert [one.stem for one in find_runs("status!=killed", root=tmp_path)] == ["b", "c"]
    assert [one.stem for one in find_runs("status in [killed, failed]", root=tmp_path)] == [
        "a",
        "c",
    ]
    assert resolve_run("a-lr0.001", tmp_path).status == "killed"
