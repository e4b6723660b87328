"""Optuna's view of the steps of `lightgbm_stepwise`: a sampler that keeps nothing to itself.

What it gives depends on the study's trials alone, so that workers, resumed studies and trials in
processes of their own agree on the step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import TrialState

from .budget import default_sampler
from .stepwise import SPACE, Step, on_grid, step_at
from .tally import best_of, superseded


class StepwiseSampler(BaseSampler):
    """Values of the parameters of one step; the others as they were best so far.

    Args:
        start: of every parameter, for trials before the first one is complete.
        n_trials: which the steps share.
        prefix: before the names, as in a pipeline.
        seed: of the steps that sample.
    """

    def __init__(
        self, start: Mapping[str, Any], *, n_trials: int, prefix: str = "", seed: int | None = None
    ) -> None:
        self._start = dict(start)
        self._n_trials = n_trials
        self._prefix = prefix
        self._seed = seed

    def infer_relative_search_space(
        self,
        study: Any,  # noqa: ARG002  # Optuna's signature
        trial: Any,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """All parameters, every time: they are decided together."""
        return {f"{self._prefix}{name}": _distribution(name) for name in SPACE}

    def sample_relative(
        self,
        study: Any,
        trial: Any,
        search_space: Mapping[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """One value for each parameter."""
        before = self._before(study, trial.number)
        step, place, count = step_at(len(before), self._n_trials)
        values = self._best(before, study.direction.name.lower())
        if step.grid:
            (name,) = step.names
            values[name] = on_grid(step, place, count, self._centre(before, study, step), name)
        else:
            values.update(self._sampled(step, before[len(before) - place :], study, trial.number))
        return {f"{self._prefix}{name}": value for name, value in values.items()}

    def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
        """Of a parameter that is none of LightGBM's seven, at random."""
        seed = None if self._seed is None else self._seed + trial.number
        return RandomSampler(seed).sample_independent(study, trial, name, distribution)

    def _before(self, study: Any, number: int) -> list[Any]:
        trials = study.get_trials(deepcopy=False)
        gone = superseded(trials)
        return [one for one in trials if one.number < number and one.number not in gone]

    def _best(self, before: Sequence[Any], direction: str) -> dict[str, Any]:
        best = best_of([*before], direction)
        found = {} if best is None else best.params
        return {name: found.get(f"{self._prefix}{name}", self._start[name]) for name in SPACE}

    def _centre(self, before: Sequence[Any], study: Any, step: Step) -> float:
        """What a grid lies around: the best of the steps before, which its own do not move."""
        _, place, _ = step_at(len(before), self._n_trials)
        best = self._best(before[: len(before) - place], study.direction.name.lower())
        return float(best[step.names[0]])

    def _sampled(self, step: Step, tried: Sequence[Any], study: Any, number: int) -> dict[str, Any]:
        """What Optuna's TPE makes of the step's own trials, in a study of their own."""
        seed = None if self._seed is None else self._seed * 1_000_003 + number
        with _quiet():
            inner = optuna.create_study(direction=study.direction, sampler=default_sampler(seed))
        space = {name: _distribution(name) for name in step.names}
        for one in tried:
            if one.state == TrialState.COMPLETE:
                params = {name: one.params[f"{self._prefix}{name}"] for name in step.names}
                told = optuna.trial.create_trial(
                    params=params, distributions=space, value=one.value
                )
                inner.add_trial(told)
        return dict(inner.ask(space).params)


def _distribution(name: str) -> BaseDistribution:
    low, high = SPACE[name]["low"], SPACE[name]["high"]
    if isinstance(low, int):
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log=SPACE[name].get("log", False))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the line that Optuna logs of every new study."""
    usual = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(usual, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(usual)
