"""A study that is killed fifty times (EXPNAME_ROUNDS) at random moments, and each time taken up."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import optuna

from lightning_expname import SyncTrial, tune
from lightning_expname.tuning.budget import RETRY_OF, line_of
from lightning_expname.tuning.journal import open_journal

KILLS = int(os.environ.get("EXPNAME_ROUNDS", "50"))
ENDLESS = 100_000

_WORKER = """
import sys, time
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
from lightning_expname.tuning import tune
def objective(trial):
    print("in trial", flush=True)
    x = trial.suggest_float("x", 0, 1)
    for step in range(4):
        trial.report(x, step)
        time.sleep(0.01)
    return x
tune(objective, n_trials=int(sys.argv[2]), model="N", dataset="D", seed=0, root_dir=sys.argv[1],
     retries=1000, progress=False, plots=False)
"""


def worker(root: Path, trials: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", _WORKER, str(root), str(trials)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(0)
    living = [worker(tmp_path, ENDLESS) for _ in range(2)]
    for _ in range(KILLS):
        victim = living.pop(0)
        assert victim.stdout is not None
        assert victim.stdout.readline() == "in trial\n", victim.communicate()[0]
        time.sleep(chance.uniform(0.0, 0.3))
        assert victim.poll() is None, victim.communicate()[0]
        victim.kill()
        victim.communicate()
        living.append(worker(tmp_path, ENDLESS))
    for one in living:
        one.kill()
        one.communicate()
    storage = open_journal(tmp_path / "hparams/N/D/study.journal")
    before = optuna.load_study(study_name="N-D", storage=storage).trials
    budget = sum(one.state.name != "FAIL" for one in before) + 5

    def objective(trial: SyncTrial) -> float:
        return trial.suggest_float("x", 0, 1)

    result = tune(
        objective,
        n_trials=budget,
        model="N",
        dataset="D",
        seed=0,
        root_dir=tmp_path,
        retries=1000,
        progress=False,
        plots=False,
    )
    trials = result.study.trials
    states = [one.state.name for one in trials]
    assert set(states) == {"COMPLETE", "FAIL"}
    assert states.count("COMPLETE") == budget
    by_number = {one.number: one for one in trials}
    retried = [one.user_attrs[RETRY_OF] for one in trials if RETRY_OF in one.user_attrs]
    assert sorted(retried) == [one.number for one in trials if one.state.name == "FAIL"]
    for one in trials:
        if one.state.name == "COMPLETE":  # those before it may have died before they had any
            assert all(dead.params in ({}, one.params) for dead in line_of(one, by_number))
    points = [one.params["x"] for one in trials if one.state.name == "COMPLETE"]
    assert len(set(points)) == budget
    assert json.loads(result.path.read_text()) == result.best_params
