"""Copies of estimators without what they learned."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.base import clone


def unfitted(estimator: Any) -> Any:
    """A clone; of what scikit-learn refuses to clone, a deep copy, which `fit` trains anew.

    It refuses what keeps another object than it was given, as CatBoost does with the list of
    `cat_features`, and a pipeline around it.
    """
    try:
        return clone(estimator, safe=False)
    except RuntimeError:
        return copy.deepcopy(estimator)
