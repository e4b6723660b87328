"""A training's input, checked and split: everything that is known before the first fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.multiclass import check_classification_targets

from ..errors import EstimatorError
from .features import Features, choose
from .folds import Importance, Plan, for_library
from .scoring import scorers
from .splitting import Splits, split, splitter_of


@dataclass(frozen=True)
class Problem:
    """One training.

    Attributes:
        X: the used columns.
        y: positions in `plan.classes`, or values; shape (rows,).
        features: the used columns' names.
        plan: what every fold does alike.
        splitter: where the splits come from.
        splits: positions of the rows to train on and of those held out.
        seed: of the splits and the folds; the user's, or drawn.
    """

    X: Any
    y: NDArray[Any]
    features: Features
    plan: Plan
    splitter: Any
    splits: Splits
    seed: int

    @property
    def classes(self) -> NDArray[Any] | None:
        """The labels; None for a regression."""
        return self.plan.classes


def pose(model: Any, X: Any, y: Any, params: Mapping[str, Any], *, watch: bool) -> Problem:
    """The problem that a wrapper is asked to fit.

    Args:
        model: the wrapper, with its parameters.
        X: validated, shape (rows, columns).
        y: shape (rows,).
        params: further arguments of `fit`.
        watch: whether iterations are evaluated on the held-out fold.
    """
    labels, classes = _target(model, y)
    check_consistent_length(X, labels)
    fit, splitting = _routed(model, params, X)
    seed = _seed(model.random_state)
    splitter = splitter_of(
        model.cv,
        model.n_splits,
        is_classifier=is_classifier(model),
        seed=seed,
        y=labels,
        has_groups=splitting.get("groups") is not None,
    )
    features = choose(X, model.features)
    used = for_library(model.estimator, features.of(X))
    return Problem(
        used,
        labels,
        features,
        _plan(model, classes, seed, fit, watch=watch),
        splitter,
        split(splitter, used, labels, splitting),
        seed,
    )


def _plan(
    model: Any,
    classes: NDArray[Any] | None,
    seed: int,
    fit: Mapping[str, Any],
    *,
    watch: bool,
) -> Plan:
    has_proba = hasattr(model.estimator, "predict_proba")
    count = None if classes is None else len(classes)
    return Plan(
        model.estimator,
        scorers(model.scoring, classes=count, has_proba=has_proba),
        classes,
        seed,
        model.early_stopping,
        watch,
        _importance(model, tracks=watch),
        fit,
    )


def _importance(model: Any, *, tracks: bool) -> Importance:
    """Inner loops do not pay for permutations that nobody will look at."""
    allowed = ("auto", "native", "permutation", None)
    if model.importance not in allowed:
        raise EstimatorError(f"importance is {model.importance!r}; allowed: {allowed}")
    return "native" if model.importance == "auto" and not tracks else model.importance


def _target(model: Any, y: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
    if y is None:
        raise ValueError(
            f"{type(model).__name__} requires y to be passed, but the target y is None"
        )
    if not is_classifier(model):
        values = column_or_1d(np.asarray(y), warn=True, dtype=np.float64)
        return check_array(values, ensure_2d=False, input_name="y"), None
    labels = column_or_1d(np.asarray(y), warn=True)
    check_classification_targets(labels)
    encoder = LabelEncoder().fit(labels)
    if len(encoder.classes_) < 2:
        raise ValueError("Classifier can't train when only one class is present.")
    return encoder.transform(labels), encoder.classes_


def _routed(model: Any, params: Mapping[str, Any], X: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments for the folds' `fit` and for the splitter's `split`."""
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(model, "fit", **params)
        fit, splitting = dict(routed.estimator.fit), dict(routed.splitter.split)
    else:
        fit = dict(params)
        splitting = {"groups": fit.pop("groups")} if "groups" in fit else {}
    if fit.get("sample_weight") is None:
        fit.pop("sample_weight", None)
    else:
        fit["sample_weight"] = _weights(fit["sample_weight"], X)
    return fit, splitting


def _weights(sample_weight: Any, X: Any) -> NDArray[np.float64]:
    count = int(X.shape[0])
    if np.isscalar(sample_weight):
        return np.full(count, float(sample_weight))  # type: ignore[arg-type]
    weights = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
    )
    if weights.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if len(weights) != count:
        raise ValueError(
            f"sample_weight.shape == {weights.shape}, expected {(count,)}: one weight a row"
        )
    if not np.any(weights):
        raise ValueError("sample_weight: all weights are zero; give at least one that is not")
    return weights  # type: ignore[no-any-return]


def _seed(random_state: Any) -> int:
    """The user's own integer, or one drawn: either is written down and repeats the training."""
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
