"""The exact budget: counted on what trials say, and by real workers that are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lightning_expname import SyncTrial, tune
from lightning_expname.tuning.budget import INTERRUPTED, deaths
from lightning_expname.tuning.journal import open_journal
from lightning_expname.tuning.tally import ERROR, RETRY_OF, Tally, superseded

WORKER = Path(__file__).with_name("worker.py")


@dataclass
class Told:
    number: int
    state: Any
    user_attrs: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    value: float | None = None


def told(*states: str, retries: dict[int, int] | None = None) -> list[Told]:
    trials = [Told(i, SimpleNamespace(name=state)) for i, state in enumerate(states)]
    for number, of in (retries or {}).items():
        trials[number].user_attrs[RETRY_OF] = of
    return trials


def tally_of(trials: list[Told], direction: str = "maximize") -> Tally:
    return Tally(SimpleNamespace(get_trials=lambda deepcopy: list(trials)), direction).read()


def test_a_retry_stands_in_the_place_of_the_dead() -> None:
    trials = told("FAIL", "COMPLETE", "RUNNING", "WAITING", retries={2: 0})
    assert superseded(trials) == {0}
    assert tally_of(trials).spent == 2
    assert tally_of(trials).lost == []


def test_a_lost_trial_is_spent_until_it_is_tried_again() -> None:
    trials = told("FAIL", "PRUNED", "WAITING")
    tally = tally_of(trials)
    assert (tally.spent, [one.number for one in tally.lost]) == (2, [0])


def test_deaths_are_counted_along_the_retries_and_interruptions_are_none() -> None:
    trials = told("FAIL", "FAIL", "FAIL", retries={1: 0, 2: 1})
    trials[1].user_attrs[INTERRUPTED] = "SystemExit"
    assert deaths(trials[2], {one.number: one for one in trials}) == 2


@given(st.lists(st.booleans(), max_size=30))
def test_however_workers_die_the_budget_is_kept(dies: list[bool]) -> None:
    budget, trials = 4, list[Told]()
    for death in [*dies, *[False] * 50]:
        for one in tally_of(trials).lost:
            attrs = {RETRY_OF: one.number}
            trials.append(Told(len(trials), SimpleNamespace(name="WAITING"), attrs))
        if tally_of(trials).spent >= budget:
            break
        waiting = [one for one in trials if one.state.name == "WAITING"]
        if waiting:
            asked = waiting[0]
        else:
            asked = Told(len(trials), SimpleNamespace(name="RUNNING"))
            trials.append(asked)
        asked.state = SimpleNamespace(name="FAIL" if death else "COMPLETE")
    assert sum(one.state.name == "COMPLETE" for one in trials) == budget
    assert len(trials) == budget + sum(dies[: len(trials)])


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["COMPLETE", "PRUNED", "FAIL", "ERROR", "RETRY"]),
        st.one_of(st.integers(0, 3), st.sampled_from([float("nan"), float("inf")])),
        st.booleans(),
    ),
    max_size=30,
)


@example(
    [("COMPLETE", 0, False)] * 12 + [("FAIL", 3, False), ("COMPLETE", 0, True), ("FAIL", 0, False)],
    "maximize",
)
@given(STEPS, st.sampled_from(["maximize", "minimize"]))
def test_a_tally_kept_is_one_made_anew(
    steps: list[tuple[str, float, bool]], direction: str
) -> None:
    trials = list[Told]()
    kept = tally_of(trials, direction)
    kept.study.get_trials = lambda deepcopy: list(trials)
    for state, value, is_read in steps:
        if state == "RETRY":
            trials += [
                Told(len(trials) + i, SimpleNamespace(name="WAITING"), {RETRY_OF: one.number})
                for i, one in enumerate(tally_of(trials).lost)
            ]
        elif len(under_way := [one for one in trials if one.state.name == "RUNNING"]) > 1:
            asked = under_way[int(value > 1)]  # workers do not end in the order of their trials
            asked.state = SimpleNamespace(name="FAIL" if state == "ERROR" else state)
            asked.user_attrs |= {ERROR: "ValueError"} if state == "ERROR" else {}
            asked.value = value if state == "COMPLETE" else None
        elif waiting := [one for one in trials if one.state.name == "WAITING"]:
            waiting[0].state = SimpleNamespace(name="RUNNING")
        else:
            trials.append(Told(len(trials), SimpleNamespace(name="RUNNING")))
        if is_read:
            kept.read()
    anew = tally_of(trials, direction)
    assert said_of(kept.read()) == said_of(anew)
    gone = superseded(trials)
    finite = [one for one in trials if one.value is not None and abs(one.value) < 9]
    first_best = {"maximize": max, "minimize": min}[direction]
    assert anew.best == first_best(finite, key=lambda one: one.value or 0, default=None)
    ends = Counter(one.state.name for one in trials if one.number not in gone)
    assert anew.counts == {
        "complete": ends["COMPLETE"],
        "pruned": ends["PRUNED"],
        "failed": ends["FAIL"],
        "running": ends["RUNNING"],
    }
    assert anew.spent == ends.total() - ends["WAITING"]


def said_of(tally: Tally) -> tuple[Any, ...]:
    waiting = [one.number for one in tally.in_state("WAITING")]
    return tally.best, tally.counts, tally.spent, [one.number for one in tally.lost], waiting


def test_a_long_study_looks_at_a_trial_until_it_has_ended() -> None:
    looked = Counter[int]()

    class Watched(Told):
        def __getattribute__(self, name: str) -> Any:
            if name == "state":
                looked[object.__getattribute__(self, "number")] += 1
            return super().__getattribute__(name)

    trials = [Watched(i, SimpleNamespace(name="COMPLETE"), value=float(i)) for i in range(50)]
    tally = tally_of(trials)
    tally.study.get_trials = lambda deepcopy: list(trials)
    looked.clear()
    for number in range(50, 70):
        trials.append(Watched(number, SimpleNamespace(name="COMPLETE"), value=1.0))
        assert tally.read().counts["complete"] == number + 1
    assert not [number for number in looked if number < 49]  # 49 is the best, and compared with
    assert set(range(50, 70)) <= set(looked)


def _work(root: Path) -> None:
    def objective(trial: SyncTrial) -> float:
        time.sleep(0.02)
        return trial.suggest_float("x", 0, 1)

    tune(
        objective,
        n_trials=10,
        model="N",
        dataset="D",
        seed=7,
        root_dir=root,
        progress=False,
        plots=False,
    )


def test_four_workers_of_one_seed_make_ten_trials_at_ten_points(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_work, args=(tmp_path,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(180)
        assert worker.exitcode == 0
    trials = trials_in(tmp_path)
    assert [one.state.name for one in trials] == ["COMPLETE"] * 10
    assert len({one.params["x"] for one in trials}) == 10


def trials_in(root: Path) -> list[Any]:
    storage = open_journal(root / "hparams/N/D/study.journal")
    return list(optuna.load_study(study_name="N-D", storage=storage).trials)


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), str(root), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=_hear_interrupts)


def _hear_interrupts() -> None:
    """Whoever started the tests may have had them ignored, as `&` does; children inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def say(worker: subprocess.Popen[str], what: str) -> None:
    """Waits until the worker has said a line."""
    assert worker.stdout is not None
    for line in worker.stdout:
        if line.strip() == what:
            return
    raise AssertionError(f"the worker ended without saying {what!r}")


def test_a_dead_workers_trial_is_tried_again_by_a_living_one(tmp_path: Path) -> None:
    victim = start(tmp_path, "--hang", "1")
    say(victim, "in trial 1")
    victim.kill()
    victim.wait(30)
    (_, dead) = trials_in(tmp_path)
    assert dead.state.name == "RUNNING"
    assert start(tmp_path).wait(120) == 0
    trials = trials_in(tmp_path)
    assert [one.state.name for one in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[2].params == dead.params
    assert trials[2].user_attrs[RETRY_OF] == 1


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)]
)
def test_a_signal_ends_the_study_cleanly(tmp_path: Path, signum: int, code: int) -> None:
    victim = start(tmp_path, "--hang", "1")
    say(victim, "in trial 1")
    os.kill(victim.pid, signum)
    assert victim.wait(60) == code
    assert [one.state.name for one in trials_in(tmp_path)] == ["COMPLETE", "FAIL"]
    assert start(tmp_path).wait(120) == 0
    done = [one for one in trials_in(tmp_path) if one.state.name == "COMPLETE"]
    assert len(done) == 3


def test_a_trial_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    for _ in range(2):
        assert start(tmp_path, "--die", "1", "--retries", "1").wait(120) == -signal.SIGKILL
    assert start(tmp_path, "--retries", "1").wait(120) == 0
    trials = trials_in(tmp_path)
    assert [one.state.name for one in trials] == ["COMPLETE", "FAIL", "FAIL", "COMPLETE"]
    assert trials[1].params == trials[2].params
