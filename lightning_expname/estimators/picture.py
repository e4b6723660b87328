"""The importance of the features as a picture, for whoever opens the saved model's folder."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..observer import observed, warn_once
from .results import Results

MAX_BARS: Final = 30
_MAX_LETTERS: Final = 40


@observed
def draw_importance(path: Path, results: Results, used: Sequence[str]) -> None:
    """A PNG of the most important features; without matplotlib, one warning instead."""
    try:
        from matplotlib.figure import Figure  # without pyplot: no display, no global state
    except ImportError:
        warn_once(
            f"{path.name} was not drawn; the table beside it holds the same. For the picture: pip"
            " install 'lightning-expname[ml]'"
        )
        return
    kind, values = next(iter(results.importances.items()))
    order = np.argsort(-values, kind="stable")[:MAX_BARS][::-1]
    figure: Any = Figure(figsize=(7, 1.2 + 0.25 * len(order)), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(order)), values[order])
    axes.set_yticks(range(len(order)), [_short(used[index]) for index in order])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)  # matplotlib reads what stands between two dollars as formula
    axes.set_xlabel(kind.replace("_", " "))
    folds = len(next(iter(results.metrics.values())))
    axes.set_title(f"feature importance, mean of {folds} folds", fontsize="medium")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that its font lacks are shown as boxes
        figure.savefig(path, format="png")


def _short(name: str) -> str:
    """A name that leaves room for its bar; half a character would stop matplotlib."""
    whole = " ".join(name.encode("utf-8", "replace").decode("utf-8").split())
    return whole if len(whole) <= _MAX_LETTERS else f"{whole[: _MAX_LETTERS - 1]}…"
