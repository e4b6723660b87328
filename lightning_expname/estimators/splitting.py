"""The splits of a training: what scikit-learn would do, reproducible, and blind to no group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)

from ..errors import EstimatorError
from .frames import Indices

Splits = list[tuple[Indices, Indices]]


def splitter_of(
    cv: Any, n_splits: int, *, is_classifier: bool, seed: int | None, y: Any, has_groups: bool
) -> Any:
    """The splitter: the user's, else shuffled k folds, stratified for classes, kept to groups."""
    if cv is not None:
        return check_cv(cv, y, classifier=is_classifier)
    if has_groups and not is_classifier:
        return GroupKFold(n_splits)  # shuffling it is new in scikit-learn 1.6
    kind = StratifiedGroupKFold if has_groups else StratifiedKFold if is_classifier else KFold
    return kind(n_splits, shuffle=True, random_state=seed)


def split(splitter: Any, X: Any, y: NDArray[Any], params: Mapping[str, Any]) -> Splits:
    """Positions of the rows to train on and of those held out, fold by fold.

    Raises:
        EstimatorError: the splitter gives no fold at all, or an empty one.
    """
    pairs = splitter.split(X, y, **params)
    splits = [(_positions(train, len(y)), _positions(held, len(y))) for train, held in pairs]
    if not splits:
        raise EstimatorError(f"cv gave no fold: {splitter}; give a splitter with at least one")
    for fold, (train, held_out) in enumerate(splits):
        if not len(train) or not len(held_out):
            raise EstimatorError(
                f"fold {fold} of cv trains on {len(train)} rows and holds out {len(held_out)}; each"
                " needs one row at least"
            )
    return splits


def _positions(indices: Any, count: int) -> Indices:
    found = np.asarray(indices)
    return np.flatnonzero(found) if found.dtype == bool and len(found) == count else found


def describe(splitter: Any, splits: Splits) -> dict[str, Any]:
    """The splitter for the config."""
    arguments = {
        name: getattr(splitter, name)
        for name in ("n_splits", "shuffle", "random_state", "n_repeats", "test_size", "gap")
        if isinstance(getattr(splitter, name, None), (int, float, bool))
    }
    rows = [len(held_out) for _, held_out in splits]
    return {"splitter": type(splitter).__name__, **arguments, "held_out_rows": rows}
