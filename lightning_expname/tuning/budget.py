"""Exactly `n_trials` trials, however many workers, however they die.

A trial whose worker died, or that was interrupted, is tried again with the same parameters under
a new number; the retry stands in its place and the dead one no longer counts. Nothing depends on
two steps being done together: whoever asks next finds what a killed worker left and goes on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ..observer import warn_once
from .locks import is_alive, sweep
from .plan import Plan
from .storage import Home
from .tally import RETRY_OF, Tally, Told

WORKER: Final = "expname:worker"
INTERRUPTED: Final = "expname:interrupted"
RUN: Final = "expname:run"

Reseed = Callable[[Any, int], None]
"""Makes the random numbers of a study's sampler those of a trial."""


def deaths(trial: Told, by_number: Mapping[int, Told]) -> int:
    """How many workers died on this trial and on those that it is a retry of."""
    return sum(INTERRUPTED not in one.user_attrs for one in line_of(trial, by_number))


def params_of(trial: Told, by_number: Mapping[int, Told]) -> dict[str, Any]:
    """Its parameters; a retry that died before it suggested any has those of the one before."""
    found: dict[str, Any] = {}
    for one in line_of(trial, by_number):
        found = {**one.params, **found}
    return found


def line_of(trial: Told, by_number: Mapping[int, Told]) -> Iterator[Told]:
    """A trial, the one that it is a retry of, and so on."""
    one: Told | None = trial
    while one is not None:
        yield one
        one = by_number.get(one.user_attrs.get(RETRY_OF, -1))


def claim_trial(tally: Tally, plan: Plan, home: Home, worker: str, reseed: Reseed) -> Any | None:
    """The next trial, or None when the budget is spent; Optuna's own Trial."""
    study = tally.study
    with home.turn():
        if _is_spent(tally, plan, home):
            return None
        reseed(study, len(tally.trials))
        with warnings.catch_warnings():
            # The heartbeat is ours, see `lead`.
            warnings.filterwarnings("ignore", message="Heartbeat of storage")
            trial = study.ask()
        trial.set_user_attr(WORKER, worker)
        return trial


def is_spent(tally: Tally, plan: Plan, home: Home) -> bool:
    """Whether nothing is left to claim."""
    with home.turn():
        return _is_spent(tally, plan, home)


def _is_spent(tally: Tally, plan: Plan, home: Home) -> bool:
    revive(tally, plan, home)
    return tally.read().spent >= plan.n_trials or is_used_up(tally)


def is_used_up(tally: Tally) -> bool:
    """Whether a grid has no point left, nor a trial that is to be tried again."""
    asks = getattr(tally.study.sampler, "is_exhausted", None)  # Optuna's GridSampler
    return asks is not None and not tally.in_state("WAITING") and bool(asks(tally.study))


def revive(tally: Tally, plan: Plan, home: Home) -> None:
    """Fails the trials of dead workers and puts each in the queue again."""
    fail_dead(tally, home)
    if not (lost := tally.read().lost):
        return
    by_number = {trial.number: trial for trial in tally.trials}
    for trial in lost:
        if (died := deaths(trial, by_number)) <= plan.retries:
            params = params_of(trial, by_number)
            tally.study.enqueue_trial(params, user_attrs={RETRY_OF: trial.number})
        else:
            warn_once(
                f"trial {trial.number} is not tried again: its process was killed {died} times"
            )


def default_sampler(seed: int | None) -> Any:
    """Optuna's TPE, good for several workers at once."""
    from optuna.samplers import TPESampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both options are called experimental before Optuna 5
        number = None if seed is None else seed % 2**32
        return TPESampler(seed=number, multivariate=True, constant_liar=True)


def fail_dead(tally: Tally, home: Home) -> None:
    """Ends the trials whose worker is dead, by its lock or by the database's heartbeat."""
    if home.life == "heartbeat":
        from optuna.storages import fail_stale_trials

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is called experimental
            fail_stale_trials(tally.study)
    if home.life != "lock":
        return
    for trial in tally.read().in_state("RUNNING"):
        worker = trial.user_attrs.get(WORKER)
        if not (worker and is_alive(home.locks, worker)):
            fail(tally.study, trial.number)
    sweep(home.locks)


def fail(study: Any, number: int) -> None:
    """Ends a trial as failed, unless somebody has ended it already."""
    from optuna.trial import TrialState

    study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
