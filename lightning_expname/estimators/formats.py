"""One fold's estimator as a file, in a format that cannot run code when it is read."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import EstimatorError
from ..observer import warn_once
from .copies import unfitted
from .trusted import TRUSTED_TYPES

Format = Literal["lightgbm", "xgboost", "catboost", "skops", "joblib"]

_EXTENSIONS: Final[Mapping[str, str]] = {"lightgbm": "txt", "xgboost": "ubj", "catboost": "cbm"}
_CLASSES: Final[Mapping[str, tuple[str, ...]]] = {
    "lightgbm": ("LGBMClassifier", "LGBMRegressor"),
    "xgboost": ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"),
    "catboost": ("CatBoostClassifier", "CatBoostRegressor"),
}


@dataclass(frozen=True)
class Template:
    """The user's estimator, not fitted, as the manifest keeps it.

    Attributes:
        format: of the folds' files.
        kind: the class's name in its library, for the native formats.
        params: those that JSON can hold.
        unsaved: the names of the others.
    """

    format: Format
    kind: str = ""
    params: Mapping[str, Any] | None = None
    unsaved: Sequence[str] = ()


def template_of(given: Any, fitted: Any, *, allow_pickle: bool) -> Template:
    """How an estimator is to be kept.

    Args:
        given: the user's, as `fit` was given it.
        fitted: one fold's, with the parameters that the fold changed.
        allow_pickle: whether joblib may keep what has no format of its own.
    """
    if isinstance(fitted, LightGBMFold):
        return fitted.template  # loaded: it stays what it was kept as
    native = _native(fitted)
    if native is None:
        return Template("joblib" if allow_pickle else "skops")
    package, kind = native
    given = (given if type(given) is type(fitted) else fitted).get_params(deep=False)
    params = {name: _json_value(value) for name, value in given.items() if _is_json(value)}
    return Template(package, kind, params, sorted(set(given) - set(params)))


def _native(estimator: Any) -> tuple[Any, str] | None:
    """Package and class; a subclass of the user's own is kept as what it derives from."""
    if callable(getattr(estimator, "objective", None)):
        return None  # a function as objective cannot be written into a text
    for base in type(estimator).__mro__:
        package = base.__module__.partition(".")[0]
        if base.__name__ in _CLASSES.get(package, ()):
            return package, base.__name__
    return None


def _is_json(value: Any) -> bool:
    try:
        json.dumps(_json_value(value))
    except (TypeError, ValueError):
        return False
    return True


def _json_value(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def write_fold(template: Template, estimator: Any, folder: Path, index: int) -> Path:
    """Writes a fitted estimator.

    Raises:
        EstimatorError: skops is missing, or cannot keep it.
    """
    extension = _EXTENSIONS.get(template.format, template.format)
    path = folder / f"fold{index}.{extension}"
    if template.format == "lightgbm":
        estimator.booster_.save_model(str(path))
    elif template.format in ("xgboost", "catboost"):
        estimator.save_model(str(path))
    else:
        _dump(template, estimator, path)
    return path


def write_given(template: Template, estimator: Any, folder: Path) -> Path | None:
    """Writes the user's estimator, not fitted, where the template does not hold its parameters.

    The folds' have others: their weights of classes are those of the fold's labels.

    Raises:
        EstimatorError: as `write_fold`.
    """
    if template.kind:
        return None
    path = folder / f"estimator.{template.format}"
    _dump(template, unfitted(estimator), path)
    return path


def _dump(template: Template, estimator: Any, path: Path) -> None:
    if template.format == "joblib":
        importlib.import_module("joblib").dump(estimator, path)
    else:
        _dump_by_skops(estimator, path)


def _dump_by_skops(estimator: Any, path: Path) -> None:
    try:
        _skops().dump(estimator, path)
    except EstimatorError:
        raise
    except Exception as error:
        raise EstimatorError(
            f"{type(estimator).__name__} cannot be kept by skops"
            f" ({type(error).__name__}: {error}); allow_pickle=True keeps it by joblib, which"
            " runs any code on loading"
        ) from error
    _check_loadable(estimator, path)


def _check_loadable(estimator: Any, path: Path) -> None:
    """A function without a name is written without a word, and cannot be loaded again."""
    needed = _skops().get_untrusted_types(file=path)
    if nameless := [name for name in needed if "<" in name]:
        raise EstimatorError(
            f"{type(estimator).__name__} holds {nameless}, which skops cannot load again; give it a"
            " name in a module, or allow_pickle=True"
        )
    if refused := sorted(set(needed) - set(TRUSTED_TYPES)):
        warn_once(f"this model holds types that load asks you to trust: trusted={refused}")


def _skops() -> Any:
    try:
        return importlib.import_module("skops.io")
    except ImportError as error:
        raise EstimatorError(
            "saving and loading this estimator needs skops: pip install 'lightning-expname[ml]'"
        ) from error


def read_fold(
    template: Template, path: Path, classes: int | None, *, trusted: Sequence[str]
) -> Any:
    """Reads a fitted estimator; joblib's only come here when the user allowed it.

    Args:
        template: as the manifest keeps it.
        classes: how many this fold knows; None for a regression.
        trusted: further types for skops.

    Raises:
        EstimatorError: a type is not trusted, or a library is missing.
    """
    if template.format == "lightgbm":
        booster = _library("lightgbm").Booster(model_file=str(path))
        return LightGBMFold(booster, classes, template)
    if template.format in ("xgboost", "catboost"):
        estimator = empty(template)
        estimator.load_model(str(path))
        return estimator
    if template.format == "joblib":
        return importlib.import_module("joblib").load(path)
    return _load_by_skops(path, trusted)


def _load_by_skops(path: Path, trusted: Sequence[str]) -> Any:
    io = _skops()
    needed = io.get_untrusted_types(file=path)
    refused = sorted(set(needed) - {*TRUSTED_TYPES, *trusted})
    if refused:
        raise EstimatorError(
            f"{path.name} holds types that are not trusted: {refused}. If you know where the model"
            f" comes from: load(path, trusted={refused})"
        )
    return io.load(path, trusted=needed)


def check_template(template: Template) -> None:
    """Refuses a format, or a class of a library, that `template_of` never writes.

    Raises:
        EstimatorError: with what was found.
    """
    known = template.format in ("skops", "joblib") and not template.kind
    if not known and template.kind not in _CLASSES.get(template.format, ()):
        raise EstimatorError(
            f"the manifest names {template.kind!r} of {template.format!r}, which is none of the"
            f" formats: skops, joblib, {', '.join(_CLASSES)}"
        )


def empty(template: Template) -> Any:
    """The user's estimator, not fitted, of a library's own format."""
    kind = getattr(_library(template.format), template.kind)
    return kind(**(template.params or {}))


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EstimatorError(f"this model needs {name}: pip install {name}") from error


class LightGBMFold:
    """A LightGBM model read from its text, which holds no classes.

    Attributes:
        booster_: LightGBM's own Booster.
        template: as the manifest keeps it.
        classes_: positions 0, 1...; absent for a regression.
    """

    def __init__(self, booster: Any, classes: int | None, template: Template) -> None:
        self.booster_, self.template = booster, template
        if classes is not None:
            self.classes_: NDArray[np.intp] = np.arange(classes)
            self.predict_proba = self._predict_proba

    def predict(self, X: Any) -> NDArray[Any]:
        """Values, or the likeliest positions; shape (rows,)."""
        if hasattr(self, "classes_"):
            return np.asarray(self._predict_proba(X).argmax(axis=1))
        return np.asarray(self.booster_.predict(X))

    def _predict_proba(self, X: Any) -> NDArray[np.float64]:
        found = np.asarray(self.booster_.predict(X))
        return np.vstack((1.0 - found, found)).T if found.ndim == 1 else found
