"""Evaluation sets of the user's own among the arguments of `fit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import EstimatorError

EVALUATED: Final = frozenset({"eval_set", "eval_X", "eval_y", "X_val", "y_val"})
"""What LightGBM, XGBoost, CatBoost and scikit-learn call them."""

Change = Callable[[Any], Any]


def prepared(
    fit: Mapping[str, Any], reduce: Change, classes: NDArray[Any] | None
) -> dict[str, Any]:
    """The arguments, with sets of the used columns and with positions in `classes` as labels.

    Args:
        fit: arguments of `fit`.
        reduce: from a set's X to what the library reads of it.
        classes: of the whole problem; None for a regression.

    Raises:
        EstimatorError: a set has a label that `y` does not have.
    """
    return _changed(fit, reduce, lambda y: y if classes is None else _positions(y, classes))


def with_positions(fit: Mapping[str, Any], present: NDArray[np.intp] | None) -> dict[str, Any]:
    """The arguments for a fold that knows the classes `present` only.

    Raises:
        EstimatorError: a set has a class that the fold lacks.
    """
    if present is None or not EVALUATED & set(fit):
        return dict(fit)
    return _changed(fit, lambda X: X, lambda y: _positions(y, present))


def _changed(fit: Mapping[str, Any], change_X: Change, change_y: Change) -> dict[str, Any]:
    changed = dict(fit)
    for name in EVALUATED & set(fit):
        if name == "eval_set":
            changed[name] = _pairs(fit[name], change_X, change_y)
        else:
            change = change_X if name in ("eval_X", "X_val") else change_y
            changed[name] = _each(fit[name], change)
    return changed


def _pairs(sets: Any, change_X: Change, change_y: Change) -> Any:
    """One pair, or a list of them; what is no pair (CatBoost's `Pool`) is left alone."""
    if isinstance(sets, list):
        return [_pairs(one, change_X, change_y) for one in sets]
    if isinstance(sets, tuple) and len(sets) == 2:
        return change_X(sets[0]), change_y(sets[1])
    return sets


def _each(sets: Any, change: Change) -> Any:
    return tuple(change(one) for one in sets) if isinstance(sets, tuple) else change(sets)


def _positions(labels: Any, classes: NDArray[Any]) -> NDArray[np.intp]:
    given = np.asarray(labels).ravel()
    positions = np.searchsorted(classes, given).clip(max=len(classes) - 1)
    if (unknown := classes[positions] != given).any():
        raise EstimatorError(
            f"an evaluation set has the label {given[unknown].tolist()[0]!r}, which is not among"
            f" those that are trained on: {classes.tolist()[:20]}"
        )
    return positions
