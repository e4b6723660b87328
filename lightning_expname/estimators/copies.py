"""Copies of estimators to be trained anew."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.base import clone


def unfitted(estimator: Any) -> Any:
    """A clone; of what scikit-learn refuses to clone, a deep copy.

    It refuses what keeps another object than it was given, as CatBoost does with the list of
    `cat_features`, and a pipeline around it. Their deep copy keeps what they have learned until
    `fit` replaces it.
    """
    try:
        return clone(estimator, safe=False)
    except RuntimeError:
        return copy.deepcopy(estimator)
