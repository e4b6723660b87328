"""A frame's columns against those that a saved model knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import EstimatorError
from .frames import column_names, columns


def in_order(X: Any, names: Iterable[Any]) -> Any:
    """The frame's columns in the model's order; no name is there twice.

    Raises:
        EstimatorError: a column is missing, or unknown to the model.
    """
    known, given = [str(name) for name in names], column_names(X) or ()
    missing = [name for name in known if name not in given]
    unknown = [name for name in given if name not in known]
    if missing or unknown:
        raise EstimatorError(_difference(missing, unknown))
    if list(given) == known:
        return X
    return columns(X, np.array([given.index(name) for name in known], dtype=np.intp))


def _difference(missing: list[str], unknown: list[str]) -> str:
    near = {name: difflib.get_close_matches(name, unknown, n=1) for name in missing}
    hints = [f"{name!r} may be {found[0]!r}" for name, found in near.items() if found]
    said = [
        f"the model's columns {missing[:10]} are missing" if missing else "",
        f"the model does not know {unknown[:10]}" if unknown else "",
        "; ".join(hints),
    ]
    return f"X has other columns than the model was trained on: {'; '.join(filter(None, said))}"
