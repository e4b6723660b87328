"""Which columns a model uses, and how a name says so: `all_features`, `13of21features-ab12cd`."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
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


def choose(X: Any, features: str | Iterable[Any] | None) -> Features:
    """The features of a training.

    Args:
        X: shape (rows, columns), validated.
        features: None for all columns; a text is the user's own word for them; a sequence uses
            only the columns that it names (or their positions, where X has no names), or those
            that a mask of one truth value a column is True for.

    Raises:
        EstimatorError: a column that X does not have, or none at all.

    Example:
        >>> choose(np.zeros((2, 3)), [2, 0]).name
        '2of3features-49ee30'
    """
    own = column_names(X)
    names = own or tuple(f"x{index}" for index in range(X.shape[1]))
    if features is None or isinstance(features, str):
        return Features(features or ALL, names, len(names))
    positions = _positions(features, names, are_own=own is not None)
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


def _positions(features: Any, names: tuple[str, ...], *, are_own: bool) -> list[int]:
    if not isinstance(features, Iterable):
        raise EstimatorError(
            f"features is {features!r}; give a sequence of columns, a word of your own, or None"
        )
    chosen = list(features)
    if not chosen or not all(isinstance(one, (bool, np.bool_)) for one in chosen):
        return sorted({_position(one, names, are_own=are_own) for one in chosen})
    if len(chosen) != len(names):
        raise EstimatorError(f"features: a mask of {len(chosen)} for the {len(names)} columns of X")
    return [position for position, is_used in enumerate(chosen) if is_used]


def _position(one: Any, names: tuple[str, ...], *, are_own: bool) -> int:
    """Of a column by its name, which need not be a text, or by its position if it has none."""
    is_whole = isinstance(one, Integral) and not isinstance(one, bool)
    if not are_own and is_whole and 0 <= one < len(names):
        return int(one)
    if (are_own or isinstance(one, str)) and str(one) in names:
        return names.index(str(one))
    near = difflib.get_close_matches(one, names, n=1) if isinstance(one, str) else []
    hint = f"did you mean {near[0]!r}? " if near else ""
    by_name = "X has names, so give these; " if are_own and is_whole else ""
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    raise EstimatorError(f"features: X has no column {one!r}; {hint}{by_name}there are: {listed}")
