"""A training's input, checked and split: everything that is known before the first fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import is_classifier, is_regressor
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.multiclass import check_classification_targets

from ..errors import EstimatorError
from .evaluated import as_trained_on
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
    labels, classes = _target(model, X, y)
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

    def reduced(X: Any) -> Any:
        return for_library(model.estimator, features.of(X))

    return Problem(
        reduced(X),
        labels,
        features,
        _plan(model, classes, seed, as_trained_on(fit, reduced, classes), watch=watch),
        splitter,
        split(splitter, X, labels, splitting),
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
        _rounds(model.early_stopping),
        watch,
        _importance(model, tracks=watch),
        fit,
    )


def _rounds(early_stopping: Any) -> int | None:
    is_whole = isinstance(early_stopping, (int, np.integer)) and not isinstance(
        early_stopping, bool
    )
    if early_stopping is None or (is_whole and early_stopping > 0):
        return None if early_stopping is None else int(early_stopping)
    raise EstimatorError(
        f"early_stopping is {early_stopping!r}; give how many iterations without a gain end a"
        " training, 1 or more, or None"
    )


def _importance(model: Any, *, tracks: bool) -> Importance:
    """Inner loops do not pay for permutations that nobody will look at."""
    allowed = ("auto", "native", "permutation", None)
    if model.importance not in allowed:
        raise EstimatorError(f"importance is {model.importance!r}; allowed: {allowed}")
    return "native" if model.importance == "auto" and not tracks else model.importance


def check_kind(model: Any) -> None:
    """A regressor's values are no classes, and a classifier's classes no values to be averaged.

    Raises:
        EstimatorError: the wrapper was given the other kind of estimator, or none.
    """
    inner = model.estimator
    if not hasattr(inner, "fit"):
        raise EstimatorError(
            f"estimator is {inner!r:.80}; give a scikit-learn-style one, such as LGBMClassifier()"
        )
    if (is_regressor if is_classifier(model) else is_classifier)(inner):
        own, other = ("classifier", "regressor")[:: 1 if is_classifier(model) else -1]
        raise EstimatorError(
            f"{type(model).__name__} takes a {own}, but {type(inner).__name__} is a {other}; use"
            f" ExpName{other.title()}"
        )


def _target(model: Any, X: Any, y: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
    if y is None:
        raise ValueError(
            f"{type(model).__name__} requires y to be passed, but the target y is None"
        )
    check_consistent_length(X, y)
    if X.shape[0] == 0:
        raise ValueError("X has 0 sample(s) (rows), while a minimum of 1 is required.")
    if X.shape[1] == 0:
        raise ValueError("X has 0 feature(s) (columns), while a minimum of 1 is required.")
    if not is_classifier(model):
        values = column_or_1d(np.asarray(y), warn=True, dtype=np.float64)
        return check_array(values, ensure_2d=False, input_name="y"), None
    labels = column_or_1d(np.asarray(y), warn=True)
    # NumPy makes texts of whatever stands beside texts in a list, NaN included
    _check_labels(np.asarray(y, dtype=object).ravel() if isinstance(y, (list, tuple)) else labels)
    check_classification_targets(labels)
    encoder = LabelEncoder().fit(labels)
    if len(encoder.classes_) < 2:
        raise ValueError("Classifier can't train when only one class is present.")
    return encoder.transform(labels), encoder.classes_


def _check_labels(labels: NDArray[Any]) -> None:
    """Labels of an array of objects: no hole among them, and of one kind, or nothing sorts them."""
    if labels.dtype != object:
        return
    missing = [row for row, one in enumerate(labels) if _is_missing(one)]
    if missing:
        raise EstimatorError(
            f"y has {len(missing)} missing labels ({labels[missing[0]]!r} in row {missing[0]});"
            " drop these rows, or give them a label of their own"
        )
    kinds = sorted({"str" if isinstance(one, str) else "number" for one in labels})
    if len(kinds) > 1:
        raise EstimatorError("y mixes texts and numbers as labels; give one kind: y.astype(str)")


def _is_missing(one: Any) -> bool:
    """None, NaN, and pandas' NA, which alone is not even equal to itself in a way that is told."""
    return one is None or type(one).__name__ in ("NAType", "NaTType") or one != one


def _routed(model: Any, params: Mapping[str, Any], X: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments for the folds' `fit` and for the splitter's `split`."""
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(model, "fit", **params)
        fit, splitting = dict(routed.estimator.fit), dict(routed.splitter.split)
    else:
        fit = dict(params)
        splitting = {"groups": fit.pop("groups")} if "groups" in fit else {}
    if len(getattr(splitting.get("groups"), "shape", ())) == 2:  # a frame's one column
        splitting["groups"] = column_or_1d(splitting["groups"])
    fit = {name: value for name, value in fit.items() if value is not None}  # their own defaults
    if "sample_weight" in fit:
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
