"""What a study's trials come to, told after each one without counting all of them again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

ERROR: Final = "expname:error"
RETRY_OF: Final = "expname:retry_of"

_NAMES: Final[Mapping[str, str]] = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "RUNNING": "running",
}


class Told(Protocol):
    """What the counting needs of Optuna's FrozenTrial."""

    number: int
    params: dict[str, Any]
    user_attrs: dict[str, Any]
    state: Any
    value: float | None


def superseded(trials: Iterable[Told]) -> set[int]:
    """Numbers of the trials in whose place a retry stands."""
    return {trial.user_attrs[RETRY_OF] for trial in trials if RETRY_OF in trial.user_attrs}


def best_of(trials: Iterable[Told], direction: str) -> Any | None:
    """The best completed trial; of equals the first."""
    sign = 1.0 if direction == "maximize" else -1.0
    complete = [one for one in trials if one.state.name == "COMPLETE"]
    usable = [(one.value, one) for one in complete if one.value is not None]
    finite = [(value, one) for value, one in usable if math.isfinite(value)]
    found = max(finite, key=lambda pair: (sign * pair[0], -pair[1].number), default=None)
    return None if found is None else found[1]


class Tally:
    """A study as it was last read: how many trials ended how, which one is best, which are lost.

    A trial that has ended never changes, so that each is looked at until then and no more: what a
    trial costs does not grow with the study, but for the list that Optuna gives.

    Attributes:
        study: Optuna's.
        trials: all of them, in the order of their numbers.
        best: the best complete one.

    Example:
        >>> tally = Tally(study, "maximize")
        >>> tally.read().counts["complete"]
        20
    """

    def __init__(self, study: Any, direction: str) -> None:
        self.study = study
        self.trials: list[Any] = []
        self.best: Any | None = None
        self._direction = direction
        self._open: list[int] = []  # places in `trials` of those that have not ended
        self._ended: Counter[str] = Counter()
        self._unreported: list[int] = []  # places of those that failed, and nobody said why
        self._gone: set[int] = set()

    def read(self) -> Tally:
        """Takes in what has happened since, here and in other workers."""
        known, self.trials = len(self.trials), self.study.get_trials(deepcopy=False)
        added = range(known, len(self.trials))
        self._gone |= superseded(self.trials[known:])
        again = [*self._open, *added]
        self._open = [place for place in again if not self._take(place)]
        return self

    def _take(self, place: int) -> bool:
        """Counts a trial that has ended; whether it has."""
        trial = self.trials[place]
        state = trial.state.name
        if state in ("RUNNING", "WAITING"):
            return False
        self._ended[state] += 1
        if state == "COMPLETE":
            known = (trial,) if self.best is None else (self.best, trial)
            self.best = best_of(known, self._direction)
        if state == "FAIL" and ERROR not in trial.user_attrs:
            self._unreported.append(place)
        return True

    def in_state(self, state: str) -> list[Any]:
        """The trials that are `RUNNING` or `WAITING`."""
        unended = [self.trials[place] for place in self._open]
        return [one for one in unended if one.state.name == state]

    @property
    def counts(self) -> dict[str, int]:
        """How many ended in which way; those that a retry replaced, all failed, are left out."""
        running = len(self.in_state("RUNNING"))
        states = {**self._ended, "RUNNING": running}
        states["FAIL"] = states.get("FAIL", 0) - len(self._gone)
        return {said: states.get(name, 0) for name, said in _NAMES.items()}

    @property
    def spent(self) -> int:
        """How many of the budget's trials are done or under way."""
        return len(self.trials) - len(self.in_state("WAITING")) - len(self._gone)

    @property
    def lost(self) -> list[Any]:
        """Failed trials that nobody reported as failed, and that were not tried again yet.

        In the order of their numbers, whenever each was read to have failed.
        """
        failed = [self.trials[place] for place in sorted(self._unreported)]
        return [one for one in failed if one.number not in self._gone]
