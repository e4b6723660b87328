"""Exactly `n_trials` trials, however many workers, however they die.

A trial whose worker died, or that was interrupted, is tried again with the same parameters under
a new number; the retry stands in its place and the dead one no longer counts. Nothing depends on
two steps being done together: whoever asks next finds what a killed worker left and goes on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from ..observer import warn_once
from .locks import is_alive, sweep
from .plan import Plan
from .storage import Home

WORKER: Final = "expname:worker"
ERROR: Final = "expname:error"
INTERRUPTED: Final = "expname:interrupted"
RETRY_OF: Final = "expname:retry_of"
RUN: Final = "expname:run"

Reseed = Callable[[Any, int], None]
"""Makes the random numbers of a study's sampler those of a trial."""


class Told(Protocol):
    """What the counting needs of Optuna's FrozenTrial."""

    number: int
    params: dict[str, Any]
    user_attrs: dict[str, Any]
    state: Any


def superseded(trials: Iterable[Told]) -> set[int]:
    """Numbers of the trials in whose place a retry stands."""
    return {trial.user_attrs[RETRY_OF] for trial in trials if RETRY_OF in trial.user_attrs}


def spent(trials: Sequence[Told]) -> int:
    """How many of the budget's trials are done or under way."""
    gone = superseded(trials)
    return sum(trial.state.name != "WAITING" and trial.number not in gone for trial in trials)


def lost(trials: Sequence[Told]) -> list[Told]:
    """Failed trials that nobody reported as failed, and that were not tried again yet."""
    gone = superseded(trials)
    return [
        trial
        for trial in trials
        if trial.state.name == "FAIL" and ERROR not in trial.user_attrs and trial.number not in gone
    ]


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


def claim_trial(study: Any, plan: Plan, home: Home, worker: str, reseed: Reseed) -> Any | None:
    """The next trial, or None when the budget is spent; Optuna's own Trial."""
    with home.turn():
        revive(study, plan, home)
        trials = study.get_trials(deepcopy=False)
        if spent(trials) >= plan.n_trials or is_used_up(study, trials):
            return None
        reseed(study, len(trials))
        with warnings.catch_warnings():
            # The heartbeat is ours, see `lead`.
            warnings.filterwarnings("ignore", message="Heartbeat of storage")
            trial = study.ask()
        trial.set_user_attr(WORKER, worker)
        return trial


def is_spent(study: Any, plan: Plan, home: Home) -> bool:
    """Whether nothing is left to claim."""
    with home.turn():
        revive(study, plan, home)
        trials = study.get_trials(deepcopy=False)
        return spent(trials) >= plan.n_trials or is_used_up(study, trials)


def is_used_up(study: Any, trials: Sequence[Told]) -> bool:
    """Whether a grid has no point left, nor a trial that is to be tried again."""
    asks = getattr(study.sampler, "is_exhausted", None)  # Optuna's GridSampler
    waits = any(trial.state.name == "WAITING" for trial in trials)
    return asks is not None and not waits and bool(asks(study))


def revive(study: Any, plan: Plan, home: Home) -> None:
    """Fails the trials of dead workers and puts each in the queue again."""
    fail_dead(study, home)
    trials = study.get_trials(deepcopy=False)
    by_number = {trial.number: trial for trial in trials}
    for trial in lost(trials):
        if (died := deaths(trial, by_number)) <= plan.retries:
            params = params_of(trial, by_number)
            study.enqueue_trial(params, user_attrs={RETRY_OF: trial.number})
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


def fail_dead(study: Any, home: Home) -> None:
    """Ends the trials whose worker is dead, by its lock or by the database's heartbeat."""
    if home.life == "heartbeat":
        from optuna.storages import fail_stale_trials

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is called experimental
            fail_stale_trials(study)
    if home.life != "lock":
        return
    for trial in study.get_trials(deepcopy=False):
        worker = trial.user_attrs.get(WORKER)
        if trial.state.name == "RUNNING" and not (worker and is_alive(home.locks, worker)):
            fail(study, trial.number)
    sweep(home.locks)


def fail(study: Any, number: int) -> None:
    """Ends a trial as failed, unless somebody has ended it already."""
    from optuna.trial import TrialState

    study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
