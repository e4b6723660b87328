"""Plots of a study beside its results: history, importances, parallel coordinates.

As PNG where matplotlib is installed and as HTML where plotly is; without both there are none.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

KINDS: Final = {
    "history": "plot_optimization_history",
    "importances": "plot_param_importances",
    "parallel": "plot_parallel_coordinate",
}


def save_plots(study: Any, directory: Path) -> list[Path]:
    """Writes what can be drawn; a plot that Optuna refuses (too few trials) is left out."""
    drawn: list[Path] = []
    for suffix, save in _savers().items():
        for kind, name in KINDS.items():
            path = directory / f"{kind}.{suffix}"
            if _draws(partial(save, study, name, path)):
                drawn.append(path)
    return drawn


def _savers() -> dict[str, Callable[[Any, str, Path], None]]:
    savers: dict[str, Callable[[Any, str, Path], None]] = {}
    if importlib.util.find_spec("matplotlib"):
        savers["png"] = _save_png
    if importlib.util.find_spec("plotly"):
        savers["html"] = _save_html
    return savers


def _draws(draw: Callable[[], None]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls its plots experimental
        try:
            draw()
        except Exception:  # one parameter, one value, one trial: many reasons not to draw
            return False
    return True


def _save_png(study: Any, name: str, path: Path) -> None:
    from matplotlib import pyplot
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from optuna.visualization import matplotlib as drawing

    drawn = getattr(drawing, name)(study)
    axes = drawn if isinstance(drawn, Axes) else next(iter(drawn))
    figure: Any = axes.get_figure()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(str(path))
    pyplot.close(figure)


def _save_html(study: Any, name: str, path: Path) -> None:
    from optuna import visualization

    getattr(visualization, name)(study).write_html(str(path), include_plotlyjs="cdn")
