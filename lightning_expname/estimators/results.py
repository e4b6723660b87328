"""What the folds of one training say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .folds import Fold, Plan, as_labels
from .scoring import evaluate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Results:
    """The folds' results.

    Attributes:
        metrics: the values of every metric, each of shape (folds,), the main one first.
        pooled: every metric of all out-of-fold predictions together.
        out_of_fold: probabilities (rows, classes), or positions of classes or values (rows,); the
            mean where several folds held a row out, NaN where none did.
        importances: mean over the folds by kind, each of shape (features,), the best kind first.
        curves: of every fold, metrics of every iteration.
        seconds: that every fold's fit took.
    """

    metrics: Mapping[str, Floats]
    pooled: Mapping[str, float]
    out_of_fold: Floats
    importances: Mapping[str, Floats]
    curves: Sequence[Mapping[str, list[float]]] = ()
    seconds: Sequence[float] = field(default=())

    @property
    def main(self) -> str:
        """The name of the main metric."""
        return next(iter(self.metrics))

    @property
    def summary(self) -> dict[str, float]:
        """Mean and deviation over the folds, and the pooled value, of every metric."""
        found: dict[str, float] = {}
        for name, values in self.metrics.items():
            found[f"{name}_mean"], found[f"{name}_std"] = float(values.mean()), float(values.std())
            if name in self.pooled:
                found[f"{name}_oof"] = self.pooled[name]
        return found


def gather(plan: Plan, folds: Sequence[Fold], y: NDArray[np.generic]) -> Results:
    """The results of all folds; `y` as the folds were given it."""
    names = plan.metrics
    metrics = {name: np.array([fold.scores[name] for fold in folds]) for name in names}
    out_of_fold = _out_of_fold(folds, len(y))
    importances = _mean_importances(folds)
    curves, seconds = [fold.curves for fold in folds], [fold.seconds for fold in folds]
    return Results(
        metrics, _pooled(plan, y, out_of_fold), out_of_fold, importances, curves, seconds
    )


def _out_of_fold(folds: Sequence[Fold], count: int) -> Floats:
    shape = (count, *folds[0].predicted.shape[1:])
    total, times = np.zeros(shape), np.zeros(count)
    is_vote = folds[0].classes is not None and len(shape) == 1
    for fold in folds:
        if is_vote:  # positions of classes have no mean: the last fold's word stands
            total[fold.held_out], times[fold.held_out] = fold.predicted, 1
        else:
            np.add.at(total, fold.held_out, fold.predicted)
            np.add.at(times, fold.held_out, 1)
    times[times == 0] = np.nan
    return total / times.reshape(-1, *[1] * (len(shape) - 1))


def _pooled(plan: Plan, y: NDArray[np.generic], out_of_fold: Floats) -> dict[str, float]:
    told = ~np.isnan(out_of_fold.reshape(len(y), -1)).any(axis=1)
    predicted, y = out_of_fold[told], y[told]
    if plan.classes is None:
        return evaluate(plan.metrics, y, predicted)
    labels = plan.classes[as_labels(predicted).astype(np.intp)]
    proba = predicted if predicted.ndim == 2 else None
    return evaluate(plan.metrics, plan.classes[y], labels, proba, plan.classes)


def _mean_importances(folds: Sequence[Fold]) -> dict[str, Floats]:
    kinds = [kind for kind in folds[0].importances if all(kind in f.importances for f in folds)]
    return {kind: np.mean([fold.importances[kind] for fold in folds], axis=0) for kind in kinds}
