"""LightGBM's parameters tuned one step after the other, each from the best of those before.

The steps, their order, ranges and shares are those of Optuna's LightGBMTuner
(https://optuna-integration.readthedocs.io, module lightgbm). That one runs LightGBM's own
cross-validation in its own loop; these steps are a sampler, so that every trial is a run of its
own, on the wrapper's folds, and a study is taken up, shared and pruned as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import EstimatorError, TuneError
from .study import require_optuna

SPACE: Final[Mapping[str, Mapping[str, Any]]] = {
    "colsample_bytree": {"low": 0.4, "high": 1.0},
    "num_leaves": {"low": 2, "high": 256},
    "subsample": {"low": 0.4, "high": 1.0},
    "subsample_freq": {"low": 0, "high": 7},
    "reg_alpha": {"low": 1e-8, "high": 10.0, "log": True},
    "reg_lambda": {"low": 1e-8, "high": 10.0, "log": True},
    "min_child_samples": {"low": 5, "high": 100},
}
"""By scikit-learn's names of LightGBM's parameters; the values of a step lie in these."""


@dataclass(frozen=True)
class Step:
    """Some parameters that are tuned together while the others stay as they are best.

    Attributes:
        names: of the parameters.
        share: of the 68 trials that Optuna's tuner makes.
        grid: values to try in turn; empty when a sampler looks for them.
        around: how far to go from the best value so far, for a grid; 0 when it is absolute.
    """

    names: tuple[str, ...]
    share: int
    grid: tuple[float, ...] = ()
    around: float = 0.0


STEPS: Final = (
    Step(("colsample_bytree",), 7, (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
    Step(("num_leaves",), 20),
    Step(("subsample", "subsample_freq"), 10),
    Step(("colsample_bytree",), 6, (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0), around=0.08),
    Step(("reg_alpha", "reg_lambda"), 20),
    Step(("min_child_samples",), 5, (5, 10, 25, 50, 100)),
)
TRIALS: Final = sum(step.share for step in STEPS)


def step_at(ordinal: int, n_trials: int) -> tuple[Step, int, int]:
    """The step of a trial, the trial's place in it, and how many trials the step has.

    Example:
        >>> step, place, count = step_at(8, 68)
        >>> step.names, place, count
        (('num_leaves',), 1, 20)
    """
    begin = done = 0
    for number, step in enumerate(STEPS, 1):
        done += step.share - 1  # each step has one trial; the others are shared
        more = (n_trials - len(STEPS)) * done / (TRIALS - len(STEPS))
        end = number + round(more)
        if ordinal < end:
            break
        if step is not STEPS[-1]:  # beyond the budget, a retry belongs to the last step
            begin = end
    return step, ordinal - begin, end - begin


def on_grid(step: Step, place: int, count: int, best: float, name: str) -> float | int:
    """The value of a grid's place; with more or fewer trials than values, one between two."""
    last = len(step.grid) - 1
    at = place * last / (count - 1) if count > 1 else last / 2
    below = min(int(at), last)
    above = min(below + 1, last)
    value = step.grid[below] + (at - below) * (step.grid[above] - step.grid[below])
    return clipped(name, best + value * step.around if step.around else value)


def clipped(name: str, value: float) -> float | int:
    """A value within the range of its parameter, and of its type."""
    low, high = SPACE[name]["low"], SPACE[name]["high"]
    kind, inside = int if isinstance(low, int) else float, min(max(value, low), high)
    return kind(round(inside) if kind is int else inside)


def lightgbm_stepwise(
    model: Any, *, n_trials: int = TRIALS, seed: int | None = None
) -> dict[str, Any]:
    """Arguments of `tune` that tune a LightGBM model step by step, as Optuna's LightGBMTuner does.

    Columns per tree, leaves, rows per tree, columns once more, regularisation, rows per leaf: each
    step starts from the best parameters of the steps before it, and the first from the model's.

    Args:
        model: an `ExpNameClassifier` or `ExpNameRegressor` over a LightGBM estimator, or over a
            pipeline with one.
        n_trials: of all steps together, which share them as the 68 of Optuna's tuner; 6 at least.
        seed: of the steps that sample.

    Raises:
        EstimatorError: there is no LightGBM estimator in the model.
        TuneError: `n_trials` is too small, or Optuna is missing.

    Example:
        >>> result = tune(
        ...     FoldsObjective(model, X, y), model="lgbm", dataset="wine", features="all_features",
        ...     **lightgbm_stepwise(model, seed=0),
        ... )
    """
    require_optuna()
    if isinstance(n_trials, bool) or not isinstance(n_trials, int) or n_trials < len(STEPS):
        raise TuneError(f"n_trials is {n_trials!r}; {len(STEPS)} steps need an int from there on")
    prefix, given = _found(model)
    from .stepwise_sampler import StepwiseSampler

    start = {name: _start(name, given[f"{prefix}{name}"]) for name in SPACE}
    return {
        "n_trials": n_trials,
        "search_space": {f"{prefix}{name}": dict(axis) for name, axis in SPACE.items()},
        "sampler": StepwiseSampler(start, n_trials=n_trials, prefix=prefix, seed=seed),
    }


def _found(model: Any) -> tuple[str, dict[str, Any]]:
    """What stands before the parameters of the LightGBM estimator, and all parameters."""
    estimator = getattr(model, "estimator", model)
    given: dict[str, Any] = estimator.get_params(deep=True)
    for name in sorted(given):
        prefix = name.removesuffix("num_leaves")
        if prefix != name and all(f"{prefix}{one}" in given for one in SPACE):
            return prefix, given
    raise EstimatorError(
        f"{type(estimator).__name__} is tuned by lightgbm_stepwise, which knows LightGBM's"
        " estimators, alone or in a pipeline; give tune() a search_space= for another"
    )


def _start(name: str, value: Any) -> float | int:
    """Where the steps start; a None, or an alias, leaves LightGBM's default."""
    default = _DEFAULTS[name]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return clipped(name, value if number else default)


_DEFAULTS: Final[Mapping[str, float]] = {
    "colsample_bytree": 1.0,
    "num_leaves": 31,
    "subsample": 1.0,
    "subsample_freq": 0,
    "reg_alpha": 0.0,
    "reg_lambda": 0.0,
    "min_child_samples": 20,
}
"""https://lightgbm.readthedocs.io, "Parameters"."""
