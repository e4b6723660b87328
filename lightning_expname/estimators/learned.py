"""What a fitted wrapper tells of its folds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .results import Results


class Learned:
    """The attributes of a wrapper that come from its folds' results."""

    estimator: Any
    results_: Results

    @property
    def fold_scores_(self) -> NDArray[np.float64]:
        """The main metric of every fold on its held-out rows, shape (folds,)."""
        return self._results.metrics[self._results.main]

    @property
    def fold_metrics_(self) -> dict[str, NDArray[np.float64]]:
        """Every metric of every fold, each of shape (folds,)."""
        return dict(self._results.metrics)

    @property
    def oof_predictions_(self) -> NDArray[Any]:
        """Of every row by the folds that have not seen it; NaN where every fold has.

        Probabilities of shape (rows, classes), else labels or values of shape (rows,).
        """
        found = self._results.out_of_fold
        classes = getattr(self, "classes_", None)
        return found if classes is None or found.ndim == 2 else _labels(found, classes)

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """Mean over the folds, shape (used features,): gain, or the best kind there is.

        Raises:
            AttributeError: the estimator tells none; `importance="permutation"` finds them.
        """
        kinds = self._results.importances
        if not kinds:
            raise AttributeError(
                f"{type(self.estimator).__name__} tells no importances; fit with"
                " importance='permutation'"
            )
        return next(iter(kinds.values()))

    @property
    def importances_(self) -> dict[str, NDArray[np.float64]]:
        """Mean over the folds by kind (`gain`, `split`, `permutation`...)."""
        return dict(self._results.importances)

    @property
    def _results(self) -> Results:
        if "results_" not in self.__dict__:
            raise AttributeError(f"this {type(self).__name__} is not fitted yet: call fit first")
        return self.results_


def _labels(positions: NDArray[Any], classes: NDArray[Any]) -> NDArray[Any]:
    found = np.full(positions.shape, np.nan, dtype=object)
    told = ~np.isnan(positions)
    found[told] = classes[positions[told].astype(np.intp)]
    return found if not told.all() else found.astype(classes.dtype)
