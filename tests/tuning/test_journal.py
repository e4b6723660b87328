"""The journal: what a killed writer or a full disk leaves is healed, and nothing else is lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages.journal import JournalFileBackend

from lightning_expname.observer import ExpNameWarning
from lightning_expname.tuning.journal import HealingJournal, open_journal
from lightning_expname.tuning.locks import Worker, is_alive, locked, sweep

RECORDS = st.lists(st.dictionaries(st.text(max_size=5), st.integers()), max_size=5)


def test_optuna_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    ours = optuna.create_study(study_name="s", storage=open_journal(path))
    ours.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    stock = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    theirs = optuna.load_study(study_name="s", storage=stock)
    assert [one.params for one in theirs.trials] == [one.params for one in ours.trials]


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_line_bricks_the_stock_backend_and_not_ours(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "study.journal"
    torn = b'{"op_code":5,"worker_id":"zz","trial_id":0}'[:cut]
    optuna.create_study(study_name="s", storage=open_journal(path))
    with path.open("ab") as file:
        file.write(torn)
    study = optuna.load_study(study_name="s", storage=open_journal(path))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    again = optuna.load_study(study_name="s", storage=open_journal(path))
    assert [one.state.name for one in again.trials] == ["COMPLETE", "COMPLETE"]
    for line in path.read_bytes().splitlines():
        json.loads(line)


@settings(max_examples=100, deadline=None)
@given(RECORDS, st.binary(max_size=200).map(lambda raw: raw.replace(b"\n", b"")), RECORDS)
def test_whole_records_stay_and_a_torn_tail_goes(
    tmp_path_factory: pytest.TempPathFactory, before: Any, torn: bytes, after: Any
) -> None:
    path = tmp_path_factory.mktemp("journal") / "study.journal"
    journal = HealingJournal(path)
    journal.append_logs(before)
    with path.open("ab") as file:
        file.write(torn)
    assert list(journal.read_logs(0)) == before
    other = HealingJournal(path)
    other.append_logs(after)
    assert list(journal.read_logs(len(before))) == after
    assert list(journal.read_logs(0)) == list(other.read_logs(0)) == before + after


def test_a_longer_tail_than_a_block_is_cut(tmp_path: Path) -> None:
    journal = HealingJournal(tmp_path / "study.journal")
    journal.append_logs([{"a": 1}])
    with (tmp_path / "study.journal").open("ab") as file:
        file.write(b"x" * 200_000)
    journal.append_logs([{"b": 2}])
    assert list(journal.read_logs(0)) == [{"a": 1}, {"b": 2}]


def test_a_line_that_was_damaged_before_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    path.write_text('{"a": 1}\n{"op_co{"b": 2}\n{"c": 3}\n')
    with pytest.warns(ExpNameWarning, match="no record of a journal"):
        assert list(HealingJournal(path).read_logs(0)) == [{"a": 1}, {"c": 3}]


def test_it_pickles_as_its_path(tmp_path: Path) -> None:
    journal = HealingJournal(tmp_path / "study.journal")
    journal.append_logs([{"a": 1}])
    assert list(pickle.loads(pickle.dumps(journal)).read_logs(0)) == [{"a": 1}]


def _append(path: Path, name: str) -> None:
    journal = HealingJournal(path)
    for number in range(100):
        journal.append_logs([{"who": name, "number": number}] * 2)


def test_several_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_append, args=(path, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
        assert writer.exitcode == 0
    found = list(HealingJournal(path).read_logs(0))
    for name in "abc":
        numbers = [one["number"] for one in found if one["who"] == name]
        assert numbers == [number for number in range(100) for _ in range(2)]


_HOLDER = """
import os, sys, time
from pathlib import Path
from lightning_expname.tuning.locks import Worker, locked
worker = Worker(Path(sys.argv[1]))
with locked(Path(sys.argv[1]) / "append"):
    if os.fork() == 0:  # a child, as of a DataLoader, outlives its parent and holds nothing
        time.sleep(300)
    print(worker.id, flush=True)
    time.sleep(300)
"""


def test_locks_end_with_their_process(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert holder.stdout is not None
        worker = holder.stdout.readline().strip()
        assert is_alive(tmp_path, worker)
        holder.kill()
        holder.wait(30)
        with locked(tmp_path / "append"):
            assert not is_alive(tmp_path, worker)
        sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["append"]
    finally:
        os.killpg(holder.pid, signal.SIGKILL)


def test_a_worker_knows_that_it_lives(tmp_path: Path) -> None:
    worker, other = Worker(tmp_path), Worker(tmp_path)
    sweep(tmp_path)
    assert is_alive(tmp_path, worker.id)
    assert is_alive(tmp_path, other.id)
    worker.close()
    assert not is_alive(tmp_path, worker.id)
    other.close()
