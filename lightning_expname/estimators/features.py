"""Which columns a model uses, and how a name says so: `all_features`, `13of21features-ab12cd`."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ..errors import EstimatorError
from .frames import Indices, column_names, columns

ALL: Final = "all_features"
_DIGITS: Final = 6


@dataclass(frozen=True)
class Features:
    """The columns that a model uses.

    Attributes:
        name: as folder and run say it.
        used: the columns' names (`x0`, `x1`... where X has none), in X's order.
        total: how many columns X has.
        positions: of the used ones; None for all.
    """

    name: str
    used: tuple[str, ...]
    total: int
    positions: tuple[int, ...] | None = None

    def of(self, X: Any) -> Any:
        """X with the used columns only."""
        if self.positions is None:
            return X
        chosen: Indices = np.asarray(self.positions, dtype=np.intp)
        return columns(X, chosen)


def choose(X: Any, features: str | Sequence[str | int] | None) -> Features:
    """The features of a training.

    Args:
        X: shape (rows, columns), validated.
        features: None for all columns; a text is the user's own word for them; a sequence of
            columns' names (or positions, where X has no names) uses only these.

    Raises:
        EstimatorError: a column that X does not have, or none at all.

    Example:
        >>> choose(np.zeros((2, 3)), [2, 0]).name
        '2of3features-49ee30'
    """
    names = column_names(X) or tuple(f"x{index}" for index in range(X.shape[1]))
    if features is None or isinstance(features, str):
        return Features(features or ALL, names, len(names))
    positions = sorted({_position(one, names, has_names=column_names(X)) for one in features})
    if not positions:
        raise EstimatorError("features is empty; give columns, a word of your own, or None for all")
    used = tuple(names[position] for position in positions)
    if len(used) == len(names):
        return Features(ALL, names, len(names))
    name = f"{len(used)}of{len(names)}features-{digest(used)}"
    return Features(name, used, len(names), tuple(positions))


def digest(names: Sequence[str]) -> str:
    """Six characters that tell one set of columns from another, whatever their order.

    >>> digest(["a", "b"]) == digest(["b", "a"]) != digest(["ab"])
    True
    """
    text = "\0".join(sorted(names))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _position(one: str | int, names: tuple[str, ...], *, has_names: Any) -> int:
    if isinstance(one, str):
        if one in names:
            return names.index(one)
    elif not has_names and 0 <= one < len(names):
        return int(one)
    near = difflib.get_close_matches(str(one), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    raise EstimatorError(f"features: X has no column {one!r}; {hint}there are: {listed}")
