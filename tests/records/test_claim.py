"""A stem belongs to one run, whoever comes, in whatever case, at whatever moment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_expname.errors import RecordError
from lightning_expname.records import CheckpointPlace, RunRecord, claim, read_record, write_record

FOLDER = "checkpoints/Net/Digits"


def record_of(stem: str, folder: str = FOLDER) -> Callable[[int], RunRecord]:
    def nth(ordinal: int) -> RunRecord:
        name = stem if ordinal == 1 else f"{stem}-r{ordinal}"
        return RunRecord(
            id="id",
            project="Net-Digits",
            run=f"{name}-lr0.001",
            stem=name,
            model="Net",
            dataset="Digits",
            record=f"{folder}/{name}.json",
            places=(CheckpointPlace(folder, name + "-epoch{epoch}", f"{name}-last"),),
            ordinal=ordinal,
        )

    return nth


def test_equal_configurations_get_tellable_stems(tmp_path: Path) -> None:
    stems = [claim(tmp_path, record_of("d8-bs64")).stem for _ in range(5)]
    assert stems == ["d8-bs64", "d8-bs64-r2", "d8-bs64-r3", "d8-bs64-r4", "d8-bs64-r5"]
    assert len(list((tmp_path / FOLDER).glob("*.json"))) == 5


def test_a_claimed_record_is_whole_at_once(tmp_path: Path) -> None:
    claimed = claim(tmp_path, record_of("d8"))
    assert read_record(tmp_path / FOLDER / "d8.json") == claimed
    assert claimed.root == tmp_path
    assert sorted(os.listdir(tmp_path / FOLDER)) == ["d8.json"]


def test_names_that_differ_only_in_case_share_nothing(tmp_path: Path) -> None:
    first, second = (claim(tmp_path, record_of(stem)) for stem in ("act.GELU", "act.gelu"))
    assert (first.stem, second.stem) == ("act.GELU", "act.gelu-r2")


def test_folders_that_differ_only_in_case_share_nothing(tmp_path: Path) -> None:
    folders = ["checkpoints/Net/D", "checkpoints/net/d", "checkpoints/Net/d", "checkpoints/Net/D"]
    claimed = [claim(tmp_path, record_of("bs64", folder)) for folder in folders]
    assert [one.stem for one in claimed] == ["bs64", "bs64-r2", "bs64-r3", "bs64-r4"]
    assert [Path(one.record).parent.as_posix() for one in claimed] == folders
    assert len({one.record.casefold() for one in claimed}) == 4


def test_checkpoints_in_a_folder_of_another_case_are_not_written_among(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "net" / "digits").mkdir(parents=True)
    (tmp_path / "checkpoints" / "net" / "digits" / "D8-epoch3.ckpt").touch()
    assert claim(tmp_path, record_of("d8")).stem == "d8-r2"


def test_checkpoints_without_a_record_are_not_written_among(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "d8-epoch3.ckpt").touch()
    (tmp_path / FOLDER / "d8-wide.True-epoch3.ckpt").touch()  # another stem's
    assert claim(tmp_path, record_of("d8")).stem == "d8-r2"
    assert claim(tmp_path, record_of("d8-wide.False")).stem == "d8-wide.False"


def test_a_folder_of_checkpoints_without_a_record_is_taken(tmp_path: Path) -> None:
    def nth(ordinal: int) -> RunRecord:
        record = record_of("d8")(ordinal)
        place = CheckpointPlace(f"{FOLDER}/{record.stem}", "epoch{epoch}", "last")
        return record.replace(places=(place,))

    (tmp_path / FOLDER / "D8").mkdir(parents=True)
    assert [claim(tmp_path, nth).stem for _ in range(2)] == ["d8-r2", "d8-r3"]


def test_a_folder_named_like_the_stem_is_no_claim(tmp_path: Path) -> None:
    """A model called `default` with the stem `default`: its folder must not block its stem."""
    nth = record_of("default", "checkpoints/default/default")
    (tmp_path / "checkpoints/default/default").mkdir(parents=True)
    assert claim(tmp_path, nth).stem == "default"


RACER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_claim import record_of
from lightning_expname.records import claim
for stem in {stems!r} * 25:
    print(claim(Path({root!r}), record_of(stem)).stem, flush=True)
"""


@pytest.mark.parametrize("stems", [["d8"], ["act.GELU", "act.gelu"]])
def test_racing_processes_get_different_stems(tmp_path: Path, stems: list[str]) -> None:
    orders = [stems, stems[::-1], stems, stems[::-1]]
    racers = [_start_racer(tmp_path, order) for order in orders]
    claimed = [line for racer in racers for line in racer.communicate(timeout=120)[0].split()]
    assert all(racer.returncode == 0 for racer in racers)
    assert len(claimed) == 4 * 25 * len(stems)
    assert len({stem.casefold() for stem in claimed}) == len(claimed)
    assert len(list((tmp_path / FOLDER).iterdir())) == len(claimed)


def _start_racer(root: Path, stems: list[str]) -> subprocess.Popen[str]:
    tests = str(Path(__file__).parent)
    code = RACER.format(tests=tests, stems=stems, root=str(root))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_a_disk_that_refuses_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").touch()  # a file where the folder must go
    with pytest.raises(OSError):
        claim(tmp_path, record_of("d8"))


def test_a_record_reads_back_equal(tmp_path: Path) -> None:
    claimed = claim(tmp_path, record_of("한국어"))
    changed = claimed.replace(score=0.5, status="finished", best=f"{FOLDER}/x.ckpt")
    write_record(changed)
    assert read_record(changed.path or "") == changed


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"record_version": 1}', '{"record_version": 99}']
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"x\.json"):
        read_record(path)


def test_checkpoints_are_told_from_the_names(tmp_path: Path) -> None:
    first, second = (claim(tmp_path, record_of("d8")) for _ in range(2))
    for name in ("d8-epoch9", "d8-epoch10", "d8-last", "d8-r2-epoch3", "d8-x-epoch1", "epoch1"):
        (tmp_path / FOLDER / f"{name}.ckpt").touch()
    assert [file.path.stem for file in first.checkpoints()] == [
        "d8-epoch9",
        "d8-epoch10",
        "d8-last",
    ]
    assert [file.epoch for file in first.checkpoints()] == [9, 10, None]
    assert [file.path.stem for file in second.checkpoints()] == ["d8-r2-epoch3"]
    assert first.checkpoint(10).name == "d8-epoch10.ckpt"


def test_a_missing_checkpoint_says_which_remain(tmp_path: Path) -> None:
    record = claim(tmp_path, record_of("d8"))
    (tmp_path / FOLDER / "d8-epoch9.ckpt").touch()
    with pytest.raises(RecordError, match=r"no checkpoint 3; those that remain: d8-epoch9\.ckpt"):
        record.checkpoint(3)
    with pytest.raises(RecordError, match="allowed: 'best', 'last' or an epoch"):
        record.checkpoint("newest")
    with pytest.raises(RecordError, match="is gone"):
        record.replace(best=f"{FOLDER}/d8-epoch1.ckpt").checkpoint("best")


def test_a_moved_tree_keeps_its_checkpoints(tmp_path: Path) -> None:
    record = claim(tmp_path / "here", record_of("d8"))
    (tmp_path / "here" / FOLDER / "d8-epoch0.ckpt").touch()
    write_record(record.replace(best=f"{FOLDER}/d8-epoch0.ckpt"))
    (tmp_path / "here").rename(tmp_path / "there")
    moved = read_record(tmp_path / "there" / FOLDER / "d8.json")
    assert moved.checkpoint("best") == tmp_path / "there" / FOLDER / "d8-epoch0.ckpt"
