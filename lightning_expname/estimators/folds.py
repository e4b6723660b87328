"""One fold: its estimator fitted, asked for the rows it has not seen, and scored."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..errors import EstimatorError
from ..introspect.classify import comes_from
from .copies import unfitted
from .evaluated import EVALUATED, with_positions
from .families import Family, Importances, family_of
from .frames import Indices, is_frame, rows, shuffled_column, size
from .scoring import Scorer, evaluate

Importance = Literal["auto", "native", "permutation"] | None

_PERMUTED_ROWS = 1000
_PERMUTED_COLUMNS = 500


@dataclass(frozen=True)
class Plan:
    """What every fold does alike.

    Attributes:
        estimator: the user's, not fitted.
        metrics: by name, the main one first.
        classes: of the whole problem; None for a regression.
        seed: for what has a `random_state` that is None.
        early_stopping: iterations without a gain on the held-out fold; None never stops.
        watch: whether to evaluate the held-out fold in every iteration.
        importance: which kind of importance is wanted.
        fit: further arguments of the estimator's `fit`; those with one entry a row are cut.
    """

    estimator: Any
    metrics: Mapping[str, Scorer]
    classes: NDArray[Any] | None = None
    seed: int | None = None
    early_stopping: int | None = None
    watch: bool = False
    importance: Importance = "auto"
    fit: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fold:
    """One trained fold.

    Attributes:
        estimator: fitted on the other rows.
        classes: which of the problem's classes its columns are, as positions; None: a regression.
        held_out: positions of the rows it has not seen.
        predicted: of these rows: probabilities (rows, classes), else labels or values (rows,).
        scores: every metric on these rows.
        curves: metrics of every iteration on these rows.
        importances: of the features, by kind.
        seconds: of the fit.
    """

    estimator: Any
    classes: NDArray[np.intp] | None
    held_out: Indices
    predicted: NDArray[Any]
    scores: Mapping[str, float]
    curves: Mapping[str, list[float]]
    importances: Importances
    seconds: float


def fit_fold(plan: Plan, X: Any, y: NDArray[Any], train: Indices, held_out: Indices) -> Fold:
    """Trains one fold. `y` holds positions in `plan.classes`, or values."""
    X_train, y_train = rows(X, train), y[train]
    present: NDArray[np.intp] | None = None
    if plan.classes is not None:
        present, y_train = np.unique(y_train, return_inverse=True)
    estimator, family = prepared(plan, present), family_of(plan.estimator)
    X_held_out, y_held_out = rows(X, held_out), y[held_out]
    arguments = _joined(
        with_positions(_arguments(plan.fit, train, size(X)), present, plan.classes),
        _watched(plan, family, estimator, present, X_held_out, y_held_out),
    )
    start = time.perf_counter()
    _fit(plan, estimator, present, X_train, y_train, arguments)
    seconds = time.perf_counter() - start
    predicted = predict(estimator, present, plan.classes, X_held_out)
    return Fold(
        estimator,
        present,
        held_out,
        predicted,
        _scores(plan, y_held_out, predicted),
        family.curves(estimator) if _looks(plan, family) else {},
        _importances(plan, family, estimator, present, X_held_out, y_held_out),
        seconds,
    )


def prepared(plan: Plan, present: NDArray[np.intp] | None) -> Any:
    """A copy of the user's estimator, seeded where it is not, that writes no files."""
    estimator = unfitted(plan.estimator)
    given = estimator.get_params(deep=True)
    changes: dict[str, Any] = family_of(estimator).quiet(estimator)
    for name, value in given.items():
        last = name.rpartition("__")[2]
        if last == "random_state" and value is None and plan.seed is not None:
            changes[name] = plan.seed
        if last in ("class_weight", "class_weights") and plan.classes is not None:
            changes[name] = _by_position(value, plan.classes, present)
    return estimator.set_params(**changes) if changes else estimator


def _by_position(weights: Any, classes: NDArray[Any], present: Any) -> Any:
    """Weights of the user's labels as weights of what this fold is given instead of labels."""
    if isinstance(weights, Mapping):
        labels = classes[present].tolist()
        return {index: weights[one] for index, one in enumerate(labels) if one in weights}
    if isinstance(weights, (list, tuple)) and len(weights) == len(classes):
        return [weights[position] for position in present]
    return weights


def _arguments(fit: Mapping[str, Any], train: Indices, count: int | None) -> dict[str, Any]:
    """What has one entry a row is cut, but for evaluation sets, whose rows are others."""
    cut = {name for name, one in fit.items() if name not in EVALUATED and size(one) == count}
    return {name: rows(one, train) if name in cut else one for name, one in fit.items()}


def _joined(own: dict[str, Any], watched: Mapping[str, Any]) -> dict[str, Any]:
    """The user's arguments of `fit`, which go before ours; callbacks are all called."""
    joined = {**watched, **own}
    if "callbacks" in own and "callbacks" in watched:
        joined["callbacks"] = [*own["callbacks"], *watched["callbacks"]]
    return joined


def _fit(
    plan: Plan,
    estimator: Any,
    present: NDArray[np.intp] | None,
    X: Any,
    y: NDArray[Any],
    arguments: Mapping[str, Any],
) -> None:
    try:
        estimator.fit(X, y, **arguments)
    except Exception as error:
        if plan.classes is None or present is None or len(present) > 1:
            raise
        only = plan.classes[present].tolist()[0]
        raise EstimatorError(
            f"a fold trains on rows of one class only ({only!r:.80}), which"
            f" {type(estimator).__name__} refuses ({error}); give a cv whose folds hold two classes"
            " at least, as cv=None does"
        ) from error


def _looks(plan: Plan, family: Family) -> bool:
    """Whether the held-out rows are looked at while the fold trains."""
    watches = plan.watch and family.can_watch
    return bool(watches or plan.early_stopping or family.stops(plan.estimator, plan.fit))


def _watched(
    plan: Plan,
    family: Family,
    estimator: Any,
    present: NDArray[np.intp] | None,
    X: Any,
    y: NDArray[Any],
) -> dict[str, Any]:
    """Arguments that evaluate the held-out rows, or stop on the user's own evaluation set."""
    own = EVALUATED & set(plan.fit)
    stops = family.stops(plan.estimator, plan.fit)
    if not _looks(plan, family) or (own and not plan.early_stopping):
        return {}
    if present is not None:
        seen = np.isin(y, present)  # a class that the fold never saw has no column to be scored in
        kept = np.flatnonzero(seen)
        if not kept.size:
            return {}
        X, y = (X, y) if seen.all() else (rows(X, kept), y[kept])
        y = np.searchsorted(present, y)
    evaluation = family.evaluation(estimator, X, y, plan.early_stopping, stops=stops)
    if evaluation.params:
        estimator.set_params(**evaluation.params)
    return {name: one for name, one in evaluation.fit.items() if not (own and name in EVALUATED)}


def predict(
    estimator: Any,
    present: NDArray[np.intp] | None,
    classes: NDArray[Any] | None,
    X: Any,
) -> NDArray[Any]:
    """What one fold says: probabilities of all classes, positions of classes, or values."""
    if classes is None or present is None:
        return np.asarray(estimator.predict(X), dtype=np.float64).reshape(size(X) or 0)
    if not hasattr(estimator, "predict_proba"):
        return present[np.asarray(estimator.predict(X)).astype(np.intp).ravel()]
    found = family_of(estimator).probabilities(estimator, X)
    if len(present) == len(classes):
        return found
    whole = np.zeros((found.shape[0], len(classes)), dtype=found.dtype)
    if len(present) == 1:  # LightGBM and XGBoost tell two columns of a fold that knows one class
        whole[:, present] = 1.0
        return whole
    columns = present[np.asarray(estimator.classes_).astype(np.intp)]
    whole[:, columns] = found
    return whole


def mean(said: Sequence[NDArray[Any]], classes: NDArray[Any] | None) -> NDArray[Any]:
    """The mean of what the folds say; of positions of classes, the most frequent one."""
    if classes is None or said[0].ndim == 2:
        return np.mean(said, axis=0)  # type: ignore[no-any-return]
    votes = np.zeros((len(said[0]), len(classes)), dtype=np.intp)
    for positions in said:
        votes[np.arange(len(positions)), positions] += 1
    return np.asarray(votes.argmax(axis=1))


def as_labels(predicted: NDArray[Any]) -> NDArray[Any]:
    """Positions of the likeliest classes, or what is no probability as it is."""
    return predicted.argmax(axis=1) if predicted.ndim == 2 else predicted


def _scores(plan: Plan, y: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    if plan.classes is None:
        return evaluate(plan.metrics, y, predicted)
    proba = predicted.astype(np.float64) if predicted.ndim == 2 else None
    labels = plan.classes[as_labels(predicted)]
    return evaluate(plan.metrics, plan.classes[y], labels, proba, plan.classes)


def _importances(
    plan: Plan,
    family: Family,
    estimator: Any,
    present: NDArray[np.intp] | None,
    X: Any,
    y: NDArray[Any],
) -> Importances:
    has_own = plan.importance in ("auto", "native") and not hasattr(estimator, "steps")
    if has_own and (found := family.importances(estimator)):
        return found
    if plan.importance not in ("auto", "permutation") or X.shape[1] > _PERMUTED_COLUMNS:
        return {}
    return {"permutation": _permutation(plan, estimator, present, X, y)}


def _permutation(
    plan: Plan, estimator: Any, present: NDArray[np.intp] | None, X: Any, y: NDArray[Any]
) -> NDArray[np.float64]:
    """What the main metric loses when a feature's column is shuffled, of at most 1000 rows.

    Breiman, Random Forests (2001), section 10, with the held-out fold in place of the out-of-bag
    rows; the folds are the repetitions.
    """
    random = np.random.default_rng(plan.seed)
    chosen = random.permutation(len(y))[:_PERMUTED_ROWS]
    X, y = rows(X, chosen), y[chosen]
    name, metric = next(iter(plan.metrics.items()))

    def score(X: Any) -> float:
        predicted = predict(estimator, present, plan.classes, X)
        return _scores(_only(plan, name, metric), y, predicted)[name]

    base, order = score(X), random.permutation(len(y))
    losses = (base - score(shuffled_column(X, index, order)) for index in range(X.shape[1]))
    return np.fromiter(losses, dtype=np.float64, count=X.shape[1])


def _only(plan: Plan, name: str, metric: Scorer) -> Plan:
    return Plan(plan.estimator, {name: metric}, plan.classes)


def for_library(estimator: Any, X: Any) -> Any:
    """X as the library reads it.

    XGBoost wants pyarrow for other frames than pandas', CatBoost knows scipy's sparse matrices but
    not its sparse arrays.
    """
    if is_frame(X) and not hasattr(X, "iloc") and comes_from(estimator, "xgboost", "XGBModel"):
        return X.to_numpy()
    if sp.issparse(X) and comes_from(estimator, "catboost", "CatBoost"):
        return sp.csr_matrix(X)
    return X
