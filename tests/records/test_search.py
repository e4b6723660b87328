"""Searching: by the index and without it, the same; and the index never being the truth."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from runs_on_disk import put

from lightning_expname import QueryError, RunRecord, find_runs
from lightning_expname.records import write_record
from lightning_expname.records.index import FILE, FOLDER, Index, rebuild
from lightning_expname.records.scan import SUFFIX

QUERIES = [
    (),
    ("n=1",),
    ("n=1.0",),
    ("n!=1",),
    ("n>1", "act=g*"),
    ("n in [1, 2]", "score>0.2"),
    ("act=gelu", "n<3"),
    ("config.trainer.epochs>=2", "lr<0.01"),
    ("digits", "n=1"),
    ('act="gelu"', "status=finished"),
    ("kernel=[3, 3]",),
    ("missing=1",),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Thirty runs of two models, of all types of values."""
    for i in range(30):
        put(
            tmp_path,
            f"n{i}",
            model=f"Net{i % 2}",
            hparams={
                "n": [1, 1.0, True, "1", 2, 3][i % 6],
                "act": ["gelu", "relu"][i % 2],
                "kernel": [3, i % 3],
            },
            config={"lr": 10.0 ** -(i % 4), "trainer": {"epochs": i % 5}, "data": {"size": 7}},
            score=i / 30 if i % 3 else None,
            created=f"2026-01-01T00:00:{i:02d}+00:00",
        )
    return tmp_path


def stems(found: list[RunRecord]) -> list[str]:
    return [record.stem for record in found]


def linear(root: Path, *query: str) -> list[str]:
    from lightning_expname.records.query import parse_query
    from lightning_expname.records.search import all_records

    conditions = parse_query(*query)
    found = [r for r in all_records(root) if all(c.holds(r.to_json()) for c in conditions)]
    return stems(sorted(found, key=lambda r: r.created))


@pytest.mark.parametrize("query", QUERIES)
def test_the_index_finds_what_the_records_say(root: Path, query: tuple[str, ...]) -> None:
    assert stems(find_runs(*query, root=root)) == linear(root, *query)
    assert (root / FOLDER / FILE).is_file()


@pytest.mark.parametrize("query", QUERIES)
def test_many_runs_are_found_by_intersection(
    root: Path, query: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightning_expname.records.search._FEW", 1)
    assert stems(find_runs(*query, root=root)) == linear(root, *query)


def test_sorting_and_limit(root: Path) -> None:
    best = find_runs(root=root, sort="-score", limit=3)
    assert stems(best) == ["n29", "n28", "n26"]
    by_lr = [r.config["lr"] for r in find_runs(root=root, sort="lr")]
    assert by_lr == sorted(by_lr)
    everything = find_runs(root=root, sort="score")
    assert len(everything) == 30
    assert [r.score for r in everything[-10:]] == [None] * 10
    with pytest.raises(QueryError, match="limit"):
        find_runs(root=root, limit=-1)


def test_new_changed_and_deleted_records_are_caught_up(root: Path) -> None:
    assert len(find_runs(root=root)) == 30
    (first, *_) = find_runs("n=2", root=root)
    write_record(first.replace(status="failed"))
    assert stems(find_runs("status=failed", root=root)) == [first.stem]
    first.path.unlink()
    assert find_runs("status=failed", root=root) == []
    put(root, "new", model="Other", hparams={"n": 77})
    assert stems(find_runs("n=77", root=root)) == ["new"]
    shutil.rmtree(root / "checkpoints" / "Other")
    assert find_runs("n=77", root=root) == []


def test_a_settled_folder_is_not_read_again(root: Path) -> None:
    old = time.time() - 100
    for folder, _, _ in os.walk(root / "checkpoints"):
        os.utime(folder, (old, old))
    with Index(root) as index:
        assert index.catch_up() == 30
        assert index.catch_up() == 0
        known = index.db.execute("SELECT count(*) FROM folder WHERE mtime != 0").fetchone()
    assert known == (5,)


def test_a_moved_tree_keeps_its_index(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    find_runs(root=root)
    moved = tmp_path_factory.mktemp("moved") / "tree"
    shutil.move(root, moved)
    (found,) = find_runs("stem=n7", root=moved)
    assert found.path.is_relative_to(moved)
    assert found.root == moved


@pytest.mark.parametrize("damage", ["missing", "text", "zeros", "old version", "half"])
def test_a_damaged_index_is_made_anew(root: Path, damage: str) -> None:
    find_runs(root=root)
    file = root / FOLDER / FILE
    if damage == "missing":
        file.unlink()
    elif damage == "old version":
        with sqlite3.connect(file) as db:
            db.execute("PRAGMA user_version = 999")
    elif damage == "half":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    else:
        file.write_bytes(b"no database" * 500 if damage == "text" else bytes(8192))
    assert stems(find_runs("n=2", root=root)) == linear(root, "n=2")


def test_without_a_writable_index_the_records_are_read(root: Path) -> None:
    (root / FOLDER).mkdir(exist_ok=True)
    shutil.rmtree(root / FOLDER)
    (root / FOLDER).write_text("a file where the folder would be")
    assert stems(find_runs("n=2", root=root)) == linear(root, "n=2")


def test_other_json_and_broken_files_are_no_runs(root: Path) -> None:
    home = root / "checkpoints" / "Net0" / "Digits"
    (home / "best_params.json").write_text('{"lr": 1}')
    (home / "torn.json").write_text('{"record_version": 1, "id"')
    (home / "list.json").write_text("[1]")
    (home / "deep.json").write_text("[" * 100_000)
    (home / "odd.json").write_text(json.dumps({"record_version": 1, "hparams": [1]}))
    assert len(find_runs(root=root)) == 30


def test_a_rebuild_reads_everything(root: Path) -> None:
    assert rebuild(root) == 30
    assert len(find_runs(root=root)) == 30


def test_an_empty_root_has_no_runs_and_gets_no_folder(tmp_path: Path) -> None:
    assert find_runs(root=tmp_path / "missing") == []
    assert find_runs("n=1", root=tmp_path) == []


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from runs_on_disk import put
from lightning_expname import find_runs
for i in range(25):
    put(Path(sys.argv[1]), "same", hparams={"writer": int(sys.argv[2])})
    if i % 5 == 0:
        find_runs("writer=0", root=sys.argv[1])
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, str(n), here]) for n in range(4)]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    assert len(find_runs(root=tmp_path)) == 100
    assert [len(find_runs(f"writer={n}", root=tmp_path)) for n in range(4)] == [25] * 4
    assert len(list((tmp_path / "checkpoints").rglob(f"*{SUFFIX}"))) == 100


SPELT = [unicodedata.normalize(form, "값é") for form in ("NFC", "NFD")]


@pytest.mark.parametrize("asked", SPELT)
def test_a_text_is_found_however_it_is_spelt(tmp_path: Path, asked: str) -> None:
    """A Mac types and stores accents and Korean as several characters."""
    for number, text in enumerate(SPELT):
        put(tmp_path, f"r{number}", hparams={"x": text}, dataset=f"{text}{number}")
    for query in (f"x={asked}", f"x={asked}*", f"x in [{asked}]", asked):
        assert len(find_runs(query, root=tmp_path)) == 2, query
        assert linear(tmp_path, query) == stems(find_runs(query, root=tmp_path))


@pytest.mark.parametrize("query", ["x=0.0", "x=-0.0", "x in [0.0]"])
def test_zero_has_two_signs(tmp_path: Path, query: str) -> None:
    for name, value in (("plus", 0.0), ("minus", -0.0), ("int", 0)):
        put(tmp_path, name, hparams={"x": value})
    assert {one.stem for one in find_runs(query, root=tmp_path)} == {"plus", "minus"}


@pytest.mark.parametrize("sort", ["x", "-x", "missing"])
def test_equals_keep_the_order_of_their_creation(tmp_path: Path, sort: str) -> None:
    """So that `--limit` gives the same runs each time."""
    names = [f"r{number}" for number in range(9)]
    for name in reversed(names):
        put(tmp_path, name, hparams={"x": 1}, created=f"2026-01-0{int(name[1:]) + 1}")
    assert [one.stem for one in find_runs(root=tmp_path, sort=sort)] == names


def test_runs_of_one_configuration_begun_in_one_second_keep_their_order(tmp_path: Path) -> None:
    """`bs64-r2.json` is sorted before `bs64.json`, and `-r10` before `-r2`, by their paths."""
    names = ["bs64", *(f"bs64-r{number}" for number in range(2, 12))]
    for _ in names:
        put(tmp_path, "bs64")
    assert [one.stem for one in find_runs(root=tmp_path)] == names


@pytest.mark.parametrize(
    "query", ["status=prnued", "status!=completed", "status in [failed, crashed]"]
)
def test_a_status_that_no_run_can_have_is_refused(tmp_path: Path, query: str) -> None:
    with pytest.raises(QueryError, match="one of running, finished, failed, interrupted, killed"):
        find_runs(query, root=tmp_path)


@pytest.mark.parametrize("limit", [-1, True, 2.5, "3"])
def test_a_limit_is_a_number_of_runs(tmp_path: Path, limit: object) -> None:
    with pytest.raises(QueryError, match="number of runs"):
        find_runs(root=tmp_path, limit=limit)
