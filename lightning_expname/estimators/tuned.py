"""An objective for `tune`: a trial is one k-fold training, a fold is one step of the pruner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from sklearn.base import clone

from ..errors import EstimatorError
from .folds import Fold

_RUNS: Final = ("offline", "entity", "project", "tags", "notes")
"""What `tune(logger=...)` may say of the runs of tabular trials."""


class Trial(Protocol):
    """What is needed of `SyncTrial`."""

    number: int
    plan: Any

    @property
    def params(self) -> dict[str, Any]: ...
    @property
    def name(self) -> str: ...
    def report(self, value: float, step: int) -> None: ...
    def should_prune(self) -> bool: ...
    def note(self, row: dict[str, Any]) -> None: ...
    def to_json(self) -> dict[str, Any]: ...


class FoldsObjective:
    """The mean score of the folds of an `ExpNameClassifier` or `ExpNameRegressor`, for `tune`.

    The trial's parameters are the estimator's (`svc__C` of a pipeline's step). After every fold
    but the last the pruner is told the mean so far, and a trial that is not worth its other folds
    ends there. Every trial is a tracked training with a W&B run, a record and a saved model.

    Args:
        model: the wrapper; each trial trains a clone of it.
        X: shape (rows, columns).
        y: shape (rows,).
        **fit: further arguments of the wrapper's `fit`.

    Example:
        >>> model = ExpNameClassifier(LGBMClassifier(), n_splits=5, random_state=0)
        >>> result = tune(
        ...     FoldsObjective(model, X, y), n_trials=20, model="lgbm", dataset="diabetes",
        ...     features="all_features", search_space={"num_leaves": {"low": 8, "high": 64}},
        ... )
    """

    def __init__(self, model: Any, X: Any, y: Any, **fit: Any) -> None:
        self._model, self._X, self._y, self._fit = model, X, y, fit

    def __call__(self, trial: Trial) -> float:
        """Trains the folds.

        Raises:
            EstimatorError: the estimator has no such parameter, or `tune(logger=...)` says what
                runs of tabular data do not know.
            optuna.TrialPruned: the pruner stopped the trial.
        """
        model = self._model_of(trial)
        steps = _Steps(trial)
        model._follow = steps
        model.fit(self._X, self._y, **self._fit)
        return steps.mean

    def _model_of(self, trial: Trial) -> Any:
        plan = trial.plan
        model = clone(self._model)
        _set(model.estimator, trial.params)
        return model.set_params(
            track=plan.logger is not None,
            model=plan.model,
            dataset=plan.dataset,
            root_dir=plan.root,
            group=plan.study,
            name=trial.name,
            alerts=None,  # one message for the study, none for a trial
            progress=False,
            **_runs(plan.logger or {}, model.wandb_kwargs),
        )


class _Steps:
    """Follows one training: reports each fold, and notes the run."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self._scores: list[float] = []

    @property
    def mean(self) -> float:
        """Of the folds so far."""
        return float(np.mean(self._scores))

    def started(self, run: Mapping[str, Any]) -> None:
        """The training's run is open."""
        self.trial.note({"run": dict(run)})

    def fold(self, fold: Fold, count: int) -> None:
        """Reports one of `count` folds.

        Raises:
            optuna.TrialPruned: as the pruner says.
        """
        from optuna import TrialPruned

        self._scores.append(next(iter(fold.scores.values())))
        self.trial.report(self.mean, len(self._scores) - 1)
        if len(self._scores) < count and self.trial.should_prune():
            raise TrialPruned(f"after {len(self._scores)} of {count} folds")


def _set(estimator: Any, params: Mapping[str, Any]) -> None:
    try:
        estimator.set_params(**params)
    except ValueError as error:  # scikit-learn's message lists those that there are
        raise EstimatorError(f"the search space does not fit the estimator: {error}") from error


def _runs(logger: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    allowed = (*_RUNS, "wandb_kwargs")
    if unknown := sorted(set(logger) - set(allowed)):
        raise EstimatorError(
            f"tune(logger=...) says {', '.join(unknown)}; of tabular data's runs it may say:"
            f" {', '.join(allowed)}"
        )
    more = {"job_type": "tune", **(given or {}), **(logger.get("wandb_kwargs") or {})}
    return {**{key: logger[key] for key in _RUNS if key in logger}, "wandb_kwargs": more}
