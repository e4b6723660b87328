"""The leader: rank 0 asks Optuna, runs the objective, and tells how the trial ended."""

from __future__ import annotations

import contextlib
import math
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import TuneError
from ..observer import observed, warn_once
from .budget import INTERRUPTED, RUN, Reseed, claim_trial, fail
from .channel import Channel
from .isolate import given_worker
from .locks import Worker
from .outcome import write_outcome
from .plan import Plan
from .progress import Progress
from .runs import close_run, run_of, state_of
from .storage import Home
from .tally import ERROR, Tally
from .trial import SyncTrial

Objective = Callable[[SyncTrial], float]
_TERMINATED: Final = 143


class NoValueError(TuneError):
    """The objective returned NaN or an infinity: its training diverged, the next one need not."""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: `complete`, `pruned`, `failed` or `interrupted`, with its reason."""

    state: str
    value: float | None = None
    error: BaseException | None = None


class Leader:
    """One `tune` call on rank 0."""

    def __init__(
        self, objective: Objective, plan: Plan, channel: Channel, tally: Tally, home: Home
    ) -> None:
        self._objective = objective
        self._plan = plan
        self._channel = channel
        self._tally = tally
        self._home = home
        self._sequence = 0
        self._exhausted = False  # the sampler has nothing left: a grid's points are all tried

    def run(self, reseed: Reseed, bar: Progress, only: str | None = None) -> None:
        """Runs trials until the budget is spent, and writes the best parameters as they come.

        Args:
            reseed: for the sampler, before each trial.
            bar: shows how far the study is.
            only: the worker's id in a process that runs one trial.

        Raises:
            Exception: the objective raised one that `catch` does not name.
        """
        worker = Worker(self._home.locks, only)
        ask = (self._tally, self._plan, self._home, worker.id, reseed)
        try:
            while (trial := claim_trial(*ask)) is not None:
                self._run_one(trial)
                bar.step()
                if only is not None or self._exhausted:
                    return
        finally:
            worker.close()

    def _run_one(self, asked: Any) -> None:
        self._sequence += 1
        notes = Path(tempfile.mkdtemp(prefix="expname-trial-"))
        trial = SyncTrial(
            self._plan,
            self._channel,
            self._sequence,
            asked.number,
            asks=asked,
            notes=notes / "notes.jsonl",
        )
        try:
            with heartbeat(self._home, asked):
                outcome = self._outcome(trial)
            self._end(asked, trial, outcome)
        finally:
            shutil.rmtree(notes, ignore_errors=True)
        self._go_on(outcome, asked.number)

    def _outcome(self, trial: SyncTrial) -> Outcome:
        key = str(self._sequence)
        self._channel.publish(f"{key}/start", trial.number)
        outcome = Outcome("interrupted")
        try:
            if self._plan.space is not None:
                self._plan.space.suggest(trial)
            outcome = judge(self._objective(trial), trial)
        except BaseException as error:  # interrupted by Ctrl-C or SIGTERM: tried again on resume
            outcome = Outcome(state_of(error), error=error)
        finally:
            self._channel.publish(f"{key}/end", outcome.state)
        return outcome

    def _end(self, asked: Any, trial: SyncTrial, outcome: Outcome) -> None:
        """Tells Optuna, W&B and the record; a trial that others took for dead stays so."""
        from optuna.trial import TrialState

        study, run = self._tally.study, self._close_runs(trial, outcome)
        try:
            replay(asked, trial)
            if run:
                asked.set_user_attr(RUN, run)
            if outcome.state == "complete":
                say_if_unpruned(study.tell(asked, outcome.value), self._plan)
            elif outcome.state == "pruned":
                study.tell(asked, state=TrialState.PRUNED)
            else:
                key = ERROR if outcome.state == "failed" else INTERRUPTED
                asked.set_user_attr(key, describe(outcome.error))
                fail(study, asked.number)
        except Exception as error:
            if not told_of(asked).state.is_finished():
                raise
            self._exhausted = _stops(error)
            if not self._exhausted:
                warn_once(
                    f"trial {asked.number} was taken for dead by another worker and is tried"
                    f" again there; what it gave here is dropped ({error})"
                )
        write_outcome(self._tally, self._plan, self._home)

    @observed
    def _close_runs(self, trial: SyncTrial, outcome: Outcome) -> dict[str, Any] | None:
        """Ends the trial's W&B runs; gives what leads to the last of them."""
        found = [row["run"] for row in trial.noted() if "run" in row]
        for logger in trial.loggers:
            if logger.record is not None:
                found.append(run_of(logger))
                close_run(logger, outcome.state, outcome.value)
        return found[-1] if found else None

    def _go_on(self, outcome: Outcome, number: int) -> None:
        """Raises what must end the study; checks that all ranks left the trial together."""
        if outcome.state == "interrupted" and outcome.error is not None:
            raise outcome.error
        if outcome.state != "failed" or outcome.error is None:
            return
        if given_worker(self._plan) is not None and self._channel.has(f"{self._sequence}/caught"):
            return  # another rank failed first; what rank 0 saw is the broken connection
        if isinstance(outcome.error, NoValueError):
            warn_once(f"trial {number}: {outcome.error}; it has failed, and the study goes on")
        elif not isinstance(outcome.error, self._plan.catch):
            raise outcome.error
        if given_worker(self._plan) is not None:
            return  # the process ends, and its ranks with it
        if not self._channel.await_followers(self._sequence):
            raise TuneError(
                "the trial failed on rank 0 only, and another rank is still in it; the study ends,"
                " since their next collective operations would not meet. Let all ranks raise"
            ) from outcome.error


def judge(value: Any, trial: SyncTrial) -> Outcome:
    """What an objective's return means, together with what the pruning callback noted."""
    if any(report.pruned for report in trial.reports):
        return Outcome("pruned")
    try:
        number = float(value)
    except OverflowError:  # an int that no float can hold
        number = math.inf
    except (TypeError, ValueError):
        error = TuneError(f"the objective returned {value!r}; return a number")
        return Outcome("failed", error=error)
    if not math.isfinite(number):
        return Outcome("failed", error=NoValueError(f"the objective returned {number}"))
    if trial.watches_in_vain:
        warn_once(
            f"tune(monitor={trial.plan.monitor!r}) prunes nothing: give the Trainer"
            " callbacks=trial.callbacks()"
        )
    return Outcome("complete", number)


def say_if_unpruned(told: Any, plan: Plan) -> None:
    """A pruner that hears nothing prunes nothing, and nobody would notice."""
    if plan.monitor is None and plan.has_pruner and not told.intermediate_values:
        warn_once(
            "tune(pruner=...) prunes nothing: no trial reports. Give monitor= and the Trainer"
            " callbacks=trial.callbacks(), or call trial.report() and trial.should_prune()"
        )


def told_of(asked: Any) -> Any:
    """A trial as the storage has it; Optuna's public way there reads all trials (seen in 5.0)."""
    return asked.study._storage.get_trial(asked._trial_id)


def replay(asked: Any, trial: SyncTrial) -> None:
    """Reports that a spawned process made on its own copy of an in-memory study."""
    reports = trial.reports
    told = told_of(asked).intermediate_values if reports else {}
    for report in reports:
        if report.step not in told:
            asked.report(report.value, report.step)


def _stops(error: Exception) -> bool:
    """Whether a sampler stopped the study, which Optuna allows in its own loop only.

    It has stored the trial by then (seen in Optuna 5.0).
    """
    return isinstance(error, RuntimeError) and "Study.stop" in str(error)


def describe(error: BaseException | None) -> str:
    """An exception in one line of bounded length."""
    return f"{type(error).__name__}: {error}"[:500]


@contextlib.contextmanager
def heartbeat(home: Home, asked: Any) -> Iterator[None]:
    """While a trial runs, tells the database so; Optuna itself does it in `optimize` only."""
    if home.life != "heartbeat":
        yield
        return
    over = threading.Event()
    interval = home.storage.get_heartbeat_interval()

    def beat() -> None:
        while True:
            with contextlib.suppress(Exception):  # the database may be away for a while
                home.storage.record_heartbeat(asked._trial_id)
            if over.wait(interval):
                return

    thread = threading.Thread(target=beat, name="expname-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """SIGTERM leaves by the same way as Ctrl-C, where nobody else handles it."""
    usual = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or usual is not signal.SIG_DFL:
        yield
        return

    def stop(*_: Any) -> None:
        raise SystemExit(_TERMINATED)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)
