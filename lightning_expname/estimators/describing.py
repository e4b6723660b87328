"""From an estimator and its data to `Facts`."""

from __future__ import annotations

import inspect
import platform
import shlex
import sys
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..facts import ABSENT, Absent, Facts, Hparam, Plain
from ..introspect.classify import classify
from ..introspect.environment import describe_git
from ..introspect.values import typed_plain
from ..redaction import scrub_arguments
from .features import Features
from .frames import kinds

_VERSIONED: Final = (
    *("numpy", "scipy", "sklearn", "pandas", "polars", "lightgbm", "xgboost", "catboost"),
    *("skops", "joblib", "wandb", "lightning_expname"),
)
_MAX_LISTED: Final = 2000
_MAX_CLASSES: Final = 100


def model_name(estimator: Any) -> str:
    """The exact class name; of a pipeline, those of its steps: `StandardScaler+Ridge`."""
    steps = getattr(estimator, "steps", None)
    if not steps:
        return type(estimator).__name__
    return "+".join(model_name(step) for _, step in steps if hasattr(step, "fit"))


def describe_estimator(estimator: Any) -> tuple[Hparam, ...]:
    """Every parameter as the user set it, those of nested estimators under dotted names."""
    found = estimator.get_params(deep=True)
    spoken = {name: value for name, value in found.items() if not _holds_estimators(value)}
    return tuple(_hparam(estimator, found, name, value) for name, value in spoken.items())


def _holds_estimators(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_estimators(one) for one in value)
    return hasattr(value, "fit") and hasattr(value, "get_params")


def _hparam(estimator: Any, found: Mapping[str, Any], name: str, value: Any) -> Hparam:
    holder, _, last = name.rpartition("__")
    owner = found[holder] if holder else estimator
    default = _defaults(type(owner)).get(last, ABSENT)
    known = inspect.Parameter.empty if isinstance(default, Absent) else default
    return Hparam(
        name.replace("__", "."),
        typed_plain(value, default=known),
        classify(value, default=known),
        default=ABSENT if isinstance(default, Absent) else typed_plain(default),
    )


def _defaults(kind: type) -> dict[str, Any]:
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def describe_training(
    *,
    estimator: Any,
    model: str | None,
    dataset: str,
    features: Features,
    num_folds: int,
    seed: int | None,
    sections: Mapping[str, Any],
) -> Facts:
    """The facts of a training."""
    fields: dict[str, Plain] = {"features": features.name, "num_folds": num_folds, "seed": seed}
    return Facts(
        model=model or model_name(estimator),
        dataset=dataset,
        hparams=describe_estimator(estimator),
        fields=fields,
        config={
            "num_folds": num_folds,
            "features": _listed(features),
            **sections,
            "environment": {
                **environment(),
                **describe_git(),
                "command": shlex.join(scrub_arguments(sys.argv)),
            },
        },
    )


def _listed(features: Features) -> dict[str, Any]:
    used = features.used[:_MAX_LISTED]
    return {"name": features.name, "count": len(features.used), "of": features.total, "used": used}


def describe_data(X: Any, y: NDArray[Any], classes: NDArray[Any] | None) -> dict[str, Any]:
    """Shape, types and the balance of classes, or the target's moments."""
    types = kinds(X)
    described: dict[str, Any] = {"rows": int(X.shape[0]), "columns": int(X.shape[1])}
    described["type"] = type(X).__name__
    if types:
        described["dtypes"] = {one: list(types.values()).count(one) for one in set(types.values())}
    if classes is None:
        target = {"mean": y.mean(), "std": y.std(), "min": y.min(), "max": y.max()}
        return {**described, "target": {name: float(value) for name, value in target.items()}}
    counts = np.bincount(y, minlength=len(classes)).tolist()[:_MAX_CLASSES]
    balance = {str(one): count for one, count in zip(classes.tolist(), counts, strict=False)}
    return {**described, "classes": len(classes), "class_balance": balance}


def environment() -> dict[str, str]:
    """Versions of what is loaded: nothing is imported to be asked."""
    versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in _VERSIONED}
    known = {name: str(version) for name, version in versions.items() if version is not None}
    return {"python": platform.python_version(), "host": platform.node(), **known}
