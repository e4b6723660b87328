"""What is particular to a family of estimators: its held-out set, curves, importances, parameters.

LightGBM, XGBoost and CatBoost are recognised by the names of their types and never imported: an
estimator of theirs can only exist where they are loaded already. Their shipped W&B callbacks fail
with several runs or several trainings in a process, so curves are read from what they recorded.
"""

from __future__ import annotations

import inspect
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from ..errors import EstimatorError
from ..introspect.classify import comes_from

Curves = Mapping[str, list[float]]
Importances = dict[str, NDArray[np.float64]]

_PARAMETER: Final = re.compile(r"^\[(\w+): (.*)\]$", re.MULTILINE)
_MAX_PARAMETERS: Final = 400
_LIGHTGBM_ROUNDS: Final = (
    *("early_stopping_round", "early_stopping_rounds", "early_stopping", "n_iter_no_change"),
)
_CATBOOST_STOPS: Final = (
    *("early_stopping_rounds", "od_type", "od_wait", "od_pval", "use_best_model"),
)


@dataclass(frozen=True)
class Evaluation:
    """How a fold is watched while it trains.

    Attributes:
        params: to be set on the estimator.
        fit: further arguments of its `fit`.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)


class Family:
    """Any scikit-learn-style estimator: nothing is particular."""

    can_watch = False
    """Whether an evaluation of the held-out fold leaves the model as it would be without."""

    def quiet(self, estimator: Any) -> dict[str, Any]:
        """Parameters under which a training writes no files of its own."""
        return {}

    def evaluation(
        self, estimator: Any, X: Any, y: Any, rounds: int | None, *, stops: bool = False
    ) -> Evaluation:
        """How to evaluate on the held-out fold, and to stop after `rounds` without a gain.

        Args:
            estimator: not fitted.
            X, y: of the held-out fold.
            rounds: None: never, unless the user's own parameters stop.
            stops: whether they do.

        Raises:
            EstimatorError: this estimator cannot.
        """
        if rounds is None:
            return Evaluation()
        raise EstimatorError(
            f"early_stopping={rounds}: {type(estimator).__name__} cannot stop on a held-out fold;"
            " those of LightGBM, XGBoost, CatBoost and HistGradientBoosting (scikit-learn 1.7) can"
        )

    def stops(self, estimator: Any, fit: Mapping[str, Any]) -> bool:
        """Whether the user's own parameters ask to stop on a held-out set."""
        return False

    def probabilities(self, estimator: Any, X: Any) -> NDArray[Any]:
        """Shape (rows, classes that the fold knows)."""
        return np.asarray(estimator.predict_proba(X))

    def curves(self, estimator: Any) -> Curves:
        """The metrics of every iteration on the held-out fold, by name."""
        return {}

    def importances(self, estimator: Any) -> Importances:
        """Importances of the features, each of shape (features,), the best kind first."""
        found = getattr(estimator, "feature_importances_", None)
        return {} if found is None else {"impurity": np.asarray(found, dtype=np.float64)}

    def resolved(self, estimator: Any) -> dict[str, Any]:
        """The parameters as the library resolved them."""
        return {}


class LightGBM(Family):
    """LightGBM's scikit-learn classes."""

    can_watch = True

    def evaluation(
        self, estimator: Any, X: Any, y: Any, rounds: int | None, *, stops: bool = False
    ) -> Evaluation:
        names = inspect.signature(estimator.fit).parameters
        held_out = {"eval_X": (X,), "eval_y": (y,)} if "eval_X" in names else {"eval_set": [(X, y)]}
        if rounds is None:
            return Evaluation(fit=held_out)
        from lightgbm import early_stopping  # its estimator is at hand

        return Evaluation(fit={**held_out, "callbacks": [early_stopping(rounds, verbose=False)]})

    def stops(self, estimator: Any, fit: Mapping[str, Any]) -> bool:
        given = estimator.get_params()
        own = any((given.get(name) or 0) > 0 for name in _LIGHTGBM_ROUNDS)
        return own or _has_stopper(fit.get("callbacks"))

    def probabilities(self, estimator: Any, X: Any) -> NDArray[Any]:
        """Under an objective of the user's own LightGBM tells raw scores: log-odds, or logits."""
        if not callable(estimator.objective):
            return super().probabilities(estimator, X)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Cannot compute class probabilities")
            raw = super().probabilities(estimator, X)
        if raw.ndim == 2:
            return np.asarray(softmax(raw, axis=1))
        return np.stack((expit(-raw), expit(raw)), axis=1)

    def curves(self, estimator: Any) -> Curves:
        return _only_set(getattr(estimator, "evals_result_", None) or {})

    def importances(self, estimator: Any) -> Importances:
        booster = estimator.booster_
        return {
            kind: np.asarray(booster.feature_importance(kind), dtype=np.float64)
            for kind in ("gain", "split")
        }

    def resolved(self, estimator: Any) -> dict[str, Any]:
        text = estimator.booster_.model_to_string(num_iteration=1)
        section = text[text.rfind("\nparameters:") :]
        return {name: _typed(value) for name, value in _PARAMETER.findall(section)}


class XGBoost(Family):
    """XGBoost's scikit-learn classes."""

    can_watch = True

    def evaluation(
        self, estimator: Any, X: Any, y: Any, rounds: int | None, *, stops: bool = False
    ) -> Evaluation:
        params = {} if rounds is None else {"early_stopping_rounds": rounds}
        return Evaluation(params, {"eval_set": [(X, y)], "verbose": False})

    def stops(self, estimator: Any, fit: Mapping[str, Any]) -> bool:
        given = estimator.get_params()
        return bool(given.get("early_stopping_rounds")) or _has_stopper(given.get("callbacks"))

    def curves(self, estimator: Any) -> Curves:
        return _only_set(getattr(estimator, "evals_result_", None) or {})

    def importances(self, estimator: Any) -> Importances:
        booster = estimator.get_booster()
        count = int(estimator.n_features_in_)
        names = booster.feature_names or [f"f{index}" for index in range(count)]
        found: Importances = {}
        for kind, own in (("gain", "total_gain"), ("split", "weight")):
            try:
                scores = booster.get_score(importance_type=own)
            except Exception:  # gblinear knows `weight` only, of another meaning
                return {}
            found[kind] = np.array([_number(scores.get(name, 0.0)) for name in names])
        return found

    def resolved(self, estimator: Any) -> dict[str, Any]:
        return _xgboost_parameters(json.loads(estimator.get_booster().save_config())["learner"])


class CatBoost(Family):
    """CatBoost's scikit-learn classes."""

    can_watch = True

    def quiet(self, estimator: Any) -> dict[str, Any]:
        given = estimator.get_params()
        own = {} if "allow_writing_files" in given else {"allow_writing_files": False}
        spoken = {"verbose", "silent", "logging_level", "verbose_eval"}
        return own if spoken & set(given) else {**own, "verbose": False}

    def evaluation(
        self, estimator: Any, X: Any, y: Any, rounds: int | None, *, stops: bool = False
    ) -> Evaluation:
        fit: dict[str, Any] = {"eval_set": (X, y)}
        if rounds is not None:
            return Evaluation(fit={**fit, "early_stopping_rounds": rounds, "use_best_model": True})
        return Evaluation(fit=fit if stops else {**fit, "use_best_model": False})

    def stops(self, estimator: Any, fit: Mapping[str, Any]) -> bool:
        return any({**estimator.get_params(), **fit}.get(name) for name in _CATBOOST_STOPS)

    def curves(self, estimator: Any) -> Curves:
        found = estimator.get_evals_result()
        return _only_set({name: found[name] for name in found if name.startswith("validation")})

    def importances(self, estimator: Any) -> Importances:
        found = np.asarray(estimator.get_feature_importance(), dtype=np.float64)
        return {"prediction_values_change": found} if found.ndim == 1 else {}

    def resolved(self, estimator: Any) -> dict[str, Any]:
        return dict(estimator.get_all_params())


class HistGradientBoosting(Family):
    """scikit-learn's histogram boosting; it takes a held-out set since 1.7."""

    def evaluation(
        self, estimator: Any, X: Any, y: Any, rounds: int | None, *, stops: bool = False
    ) -> Evaluation:
        takes = "X_val" in inspect.signature(estimator.fit).parameters
        if rounds is None or not takes:
            return super().evaluation(estimator, X, y, rounds, stops=stops)
        stopping = {"early_stopping": True, "n_iter_no_change": rounds}
        return Evaluation(stopping, {"X_val": X, "y_val": y})

    def curves(self, estimator: Any) -> Curves:
        found = np.asarray(getattr(estimator, "validation_score_", ()), dtype=np.float64)
        return {"score": found.tolist()} if found.size else {}


_FAMILIES: Final[tuple[tuple[str, tuple[str, ...], Family], ...]] = (
    ("lightgbm", ("LGBMModel",), LightGBM()),
    ("xgboost", ("XGBModel",), XGBoost()),
    ("catboost", ("CatBoost",), CatBoost()),
    ("sklearn", ("BaseHistGradientBoosting",), HistGradientBoosting()),
)
_ANY: Final = Family()


def family_of(estimator: Any) -> Family:
    """The family of an estimator, fitted or not."""
    for package, names, family in _FAMILIES:
        if comes_from(estimator, package, *names):
            return family
    return _ANY


def _has_stopper(callbacks: Any) -> bool:
    return any("EarlyStopping" in type(one).__name__ for one in callbacks or ())


def _only_set(results: Mapping[str, Any]) -> Curves:
    """The metrics of the one evaluation set, whatever the library calls it."""
    metrics: Mapping[str, Any] = next(iter(results.values()), {})
    return {str(name): [float(value) for value in values] for name, values in metrics.items()}


def _number(value: Any) -> float:
    return float(np.sum(value))


def _typed(text: str) -> Any:
    """A parameter's text as a number where it is one."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _xgboost_parameters(learner: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of XGBoost's own configuration, flat; it holds float32, so 7 digits tell all."""
    found: dict[str, Any] = {}
    pending: list[Mapping[str, Any]] = [learner]
    while pending and len(found) < _MAX_PARAMETERS:
        for name, value in pending.pop().items():
            if isinstance(value, Mapping):
                pending.append(value)
            elif isinstance(value, str) and len(value) <= 200:
                typed = _typed(value)
                found[name] = float(f"{typed:.7g}") if isinstance(typed, float) else typed
    return found
