"""Scores of a fold from predictions that are there already: no metric predicts a second time."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer
from sklearn.utils.metaestimators import available_if

from ..errors import EstimatorError
from ..observer import warn_once

Scorer = Callable[[Any, Any, Any], float]
Scoring = str | Scorer | Sequence[str] | Mapping[str, str | Scorer] | None

_CLASSIFICATION: Final = ("accuracy", "balanced_accuracy", "f1_macro")
_PROBABILITIES: Final = ("neg_log_loss",)
_REGRESSION: Final = ("r2", "neg_mean_absolute_error", "neg_root_mean_squared_error")


def scorers(scoring: Scoring, *, classes: int | None, has_proba: bool) -> dict[str, Scorer]:
    """The metrics by name; the first one is the main one.

    Args:
        scoring: names of scikit-learn's scorers, or functions (estimator, X, y) -> float; None
            for the usual ones of the task.
        classes: how many; None for a regression.
        has_proba: whether there are probabilities.

    Raises:
        EstimatorError: not a scorer.
    """
    chosen = scoring if scoring is not None else _usual(classes, has_proba=has_proba)
    if isinstance(chosen, str) or callable(chosen):
        chosen = {_name(chosen): chosen}
    elif not isinstance(chosen, Mapping):
        chosen = _named(chosen)
    if not chosen:
        raise EstimatorError("scoring is empty; give a scorer's name, or None for the usual ones")
    return {name: _scorer(name, one) for name, one in chosen.items()}


def _usual(classes: int | None, *, has_proba: bool) -> tuple[str, ...]:
    if classes is None:
        return _REGRESSION
    if not has_proba:
        return _CLASSIFICATION
    area = "roc_auc" if classes == 2 else "roc_auc_ovr"
    return (*_CLASSIFICATION, area, *_PROBABILITIES)


def _named(chosen: Sequence[Any]) -> dict[str, Any]:
    named = [(_name(one), one) for one in chosen]
    if len(dict(named)) < len(named):
        raise EstimatorError(
            f"scoring has two of one name among {[name for name, _ in named]}; name them by a dict:"
            " {'f1': ..., 'f2': ...}"
        )
    return dict(named)


def _name(scorer: Any) -> str:
    """A scorer that `make_scorer` made has no name but its function's."""
    if isinstance(scorer, str):
        return scorer
    made = re.match(r"make_scorer\((\w+)", repr(scorer))
    return made[1] if made else str(getattr(scorer, "__name__", "score"))


def describe(metrics: Mapping[str, Scorer]) -> dict[str, Any]:
    """The metrics for the config, with their parameters as their scorers say them."""
    said = {name: getattr(one, "__qualname__", None) or repr(one) for name, one in metrics.items()}
    return {"main": next(iter(metrics)), "all": [*metrics], "scorers": said}


def _scorer(name: str, scorer: Any) -> Scorer:
    if callable(scorer):
        return scorer  # type: ignore[no-any-return]
    try:
        return get_scorer(scorer)  # type: ignore[no-any-return]
    except (ValueError, TypeError) as error:
        raise EstimatorError(
            f"scoring: {name!r} is no scorer; give names of sklearn.metrics.get_scorer_names(),"
            " or functions (estimator, X, y) -> float"
        ) from error


class _Predicted(BaseEstimator):  # type: ignore[misc]
    """An estimator that has predicted already; X is not looked at."""

    def __init__(self, labels: Any = None, proba: Any = None, classes: Any = None) -> None:
        self.labels, self.proba, self.classes_ = labels, proba, classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Any:  # noqa: ARG002
        return self.labels

    @available_if(lambda self: self.proba is not None)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:  # noqa: ARG002
        return self.proba


class _PredictedClasses(ClassifierMixin, _Predicted):  # type: ignore[misc]
    pass


class _PredictedValues(RegressorMixin, _Predicted):  # type: ignore[misc]
    pass


def evaluate(
    metrics: Mapping[str, Scorer],
    y: Any,
    labels: NDArray[Any],
    proba: NDArray[np.float64] | None = None,
    classes: NDArray[Any] | None = None,
) -> dict[str, float]:
    """Every metric of predictions; NaN, with one warning, where it cannot be computed.

    Args:
        metrics: as `scorers` gives them.
        y: the truth, shape (rows,).
        labels: predicted labels or values, shape (rows,).
        proba: probabilities, shape (rows, classes).
        classes: the labels of its columns; None for a regression.
    """
    kind = _PredictedValues if classes is None else _PredictedClasses
    predicted = kind(labels, proba, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined for a class that a fold lacks: NaN says it
        return {name: _value(name, metric, predicted, y) for name, metric in metrics.items()}


def _value(name: str, metric: Scorer, predicted: Any, y: Any) -> float:
    try:
        return float(metric(predicted, np.empty((len(y), 0)), y))
    except ValueError as error:
        reason = str(error).partition("\n")[0]
        warn_once(f"the metric {name!r} is not defined here ({reason}); it is NaN", key=name)
        return float("nan")
    except AttributeError as error:
        if predicted.proba is not None or not hasattr(predicted, "classes_"):
            raise
        raise EstimatorError(
            f"the metric {name!r} needs probabilities, which this estimator does not tell"
            f" ({error}); take a metric of labels such as 'accuracy', or give the estimator"
            " probabilities: CalibratedClassifierCV(...)"
        ) from error
