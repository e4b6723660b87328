"""Rows and columns of whatever a user calls X: a data frame, an array, a sparse matrix."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EstimatorError

Indices = NDArray[np.intp]


def is_frame(X: Any) -> bool:
    """Whether X is a data frame of pandas' or polars' kind, without importing any of them.

    Not by `__dataframe__`, which polars has no more since its version 2.
    """
    return hasattr(X, "columns") and (hasattr(X, "iloc") or hasattr(X, "with_columns"))


def column_names(X: Any) -> tuple[str, ...] | None:
    """The columns' names; None where X has none."""
    return tuple(str(name) for name in X.columns) if is_frame(X) else None


def check_names(X: Any) -> None:
    """Refuses a frame in which one name leads to two columns.

    Raises:
        EstimatorError: with these names.
    """
    given = Counter(column_names(X) or ())
    twice = [name for name, count in given.items() if count > 1]
    if twice:
        raise EstimatorError(
            f"X has several columns of these names: {twice[:10]}; rename or drop all but one"
        )


def rows(data: Any, indices: Indices) -> Any:
    """The rows of X, y or a fit parameter, by position."""
    if hasattr(data, "iloc"):
        return data.iloc[indices]
    if isinstance(data, (list, tuple)):
        return [data[index] for index in indices]
    return data[indices]


def columns(X: Any, indices: Indices) -> Any:
    """The columns of X, by position."""
    return X.iloc[:, indices] if hasattr(X, "iloc") else X[:, indices]


def size(data: Any) -> int | None:
    """The number of rows; None for what has no length."""
    shape = getattr(data, "shape", None)
    if shape:
        return int(shape[0])
    return len(data) if isinstance(data, (list, tuple)) else None


def shuffled_column(X: Any, index: int, order: Indices) -> Any:
    """A copy of X whose column `index` is in another order of rows."""
    if hasattr(X, "iloc"):
        copy = X.copy()
        copy.isetitem(index, X.iloc[order, index].array)
        return copy
    if is_frame(X):
        name = X.columns[index]
        return X.with_columns(X[name][order].alias(name))
    copy = X.tolil(copy=True) if hasattr(X, "tolil") else X.copy()
    copy[:, [index]] = X[order][:, [index]]
    return copy.tocsr() if hasattr(X, "tolil") else copy


def kinds(X: Any) -> dict[str, str]:
    """The type of every column of a frame, as text."""
    names = column_names(X)
    if names is None:
        return {}
    types = X.dtypes
    return dict(zip(names, map(str, types), strict=True))


def levels(X: Any) -> dict[str, list[Any]]:
    """The categories of the categorical columns of a pandas frame."""
    if not hasattr(X, "iloc"):
        return {}
    found = {str(name): X[name] for name in X.columns if str(X[name].dtype) == "category"}
    return {name: list(column.cat.categories) for name, column in found.items()}
