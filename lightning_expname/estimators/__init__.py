"""k folds of any scikit-learn-style estimator, under the same names as a Lightning run."""

from __future__ import annotations

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:  # pragma: no cover - the packaging test runs this in a subprocess
    raise ImportError(
        "ExpNameClassifier and ExpNameRegressor need scikit-learn: pip install"
        " 'lightning-expname[ml]'"
    ) from error

from .ensemble import ExpNameClassifier, ExpNameRegressor
from .trusted import TRUSTED_TYPES
from .tuned import FoldsObjective

__all__ = ["TRUSTED_TYPES", "ExpNameClassifier", "ExpNameRegressor", "FoldsObjective"]
