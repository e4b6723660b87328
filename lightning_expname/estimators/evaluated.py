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


def as_trained_on(
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


def with_positions(
    fit: Mapping[str, Any], present: NDArray[np.intp] | None, classes: NDArray[Any] | None
) -> dict[str, Any]:
    """The arguments for a fold that knows only some of the problem's classes.

    Args:
        fit: what `as_trained_on` gave, cut to the fold.
        present: the fold's classes, as positions in `classes`.
        classes: of the whole problem; None for a regression.

    Raises:
        EstimatorError: a set has a class that the fold lacks.
    """
    if present is None or classes is None or not EVALUATED & set(fit):
        return dict(fit)
    known = classes[present]
    return _changed(fit, lambda X: X, lambda y: _positions(classes[y], known))


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
    """By equality: labels of several kinds, or missing ones, do not sort."""
    known = {label: position for position, label in enumerate(classes.tolist())}
    given = np.asarray(labels).ravel().tolist()
    for label in given:
        if label not in known:
            told = ", ".join(f"{one!r:.40}" for one in [*known][:20])
            raise EstimatorError(
                f"an evaluation set has the label {label!r:.80}, which is not among those that are"
                f" trained on: [{told}]"
            )
    return np.array([known[label] for label in given], dtype=np.intp)
