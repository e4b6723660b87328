"""A training's results as W&B shows them: rows, curves, tables and bars."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .results import Results
from .tracked import TrackedRun

MAX_POINTS: Final = 1000
"""Iterations of a curve that are logged, evenly spaced, the last one included."""

MAX_ROWS: Final = 5000
"""Rows of out-of-fold predictions in W&B's table; the saved file has all."""

MAX_BARS: Final = 100


def log_results(run: TrackedRun, model: Any) -> None:
    """Everything that the folds say."""
    results: Results = model.results_
    _log_curves(run, results.curves)
    run.define("fold/*", "fold")
    for fold, seconds in enumerate(results.seconds):
        scores = {f"fold/{name}": values[fold] for name, values in results.metrics.items()}
        run.log({"fold": fold, **scores, "fold/fit_seconds": seconds})
    run.summarise({**results.summary, "score": results.summary[f"{results.main}_mean"]})
    if run.experiment is not None:
        for row in _tables(results, model):
            run.log(row)


def _log_curves(run: TrackedRun, curves: Sequence[Mapping[str, list[float]]]) -> None:
    run.define("curves/*", "iteration")
    longest = max((len(values) for fold in curves for values in fold.values()), default=0)
    for iteration in spaced(longest, MAX_POINTS):
        row = {
            f"curves/fold{fold}/{name}": values[iteration]
            for fold, metrics in enumerate(curves)
            for name, values in metrics.items()
            if iteration < len(values)
        }
        run.log({"iteration": iteration, **row})


def spaced(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, evenly spaced, the last one included.

    >>> spaced(5, 3)
    [0, 2, 4]
    """
    positions = np.linspace(0, count - 1, min(count, most)).round().astype(int)
    return [int(position) for position in np.unique(positions)]


def _tables(results: Results, model: Any) -> Iterator[dict[str, Any]]:
    import wandb

    names = list(results.metrics)
    folds = [[i, *values] for i, values in enumerate(zip(*results.metrics.values(), strict=True))]
    yield {"fold_scores": _table(["fold", *names], folds)}
    if results.importances:
        columns, data = _importance_rows(results, model.features_.used)
        table = _table(columns, data)
        kind = next(iter(results.importances))
        yield {"feature_importance": table}
        title = f"feature importance ({kind}, mean of {len(folds)} folds)"
        yield {"feature_importance_bars": wandb.plot.bar(table, "feature", kind, title)}
    columns, data = out_of_fold_rows(model, MAX_ROWS)
    yield {"out_of_fold": _table(columns, data)}


def _table(columns: Sequence[str], data: list[list[Any]]) -> Any:
    """W&B's table. It infers types row by row, three times as fast when no value may be missing."""
    import wandb

    return wandb.Table(columns=[*columns], data=data, optional=any(None in row for row in data))


def _importance_rows(results: Results, used: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    kinds = list(results.importances)
    columns = np.stack([results.importances[kind] for kind in kinds], axis=1)
    order = np.argsort(-columns[:, 0], kind="stable")[:MAX_BARS]
    return ["feature", *kinds], [[used[index], *columns[index].tolist()] for index in order]


def out_of_fold_rows(model: Any, most: int | None = None) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the out-of-fold predictions, beside the truth."""
    truth, predicted = model._truth, model.oof_predictions_
    classes = getattr(model, "classes_", None)
    chosen = np.array(spaced(len(truth), len(truth) if most is None else most), dtype=np.intp)
    predicted = predicted[chosen]
    truth = truth[chosen] if classes is None else classes[truth[chosen]]
    if classes is None:
        return _rows(["row", "true", "predicted"], chosen, truth, predicted)
    if predicted.ndim == 1:
        labels = _where_told(predicted, [one == one for one in predicted])
        return _rows(["row", "true", "predicted"], chosen, truth, labels)
    names = [f"p_{one}" for one in classes.tolist()]
    likeliest = _where_told(classes[predicted.argmax(axis=1)], ~np.isnan(predicted).any(axis=1))
    return _rows(["row", "true", "predicted", *names], chosen, truth, likeliest, *predicted.T)


def _where_told(labels: NDArray[Any], is_told: Any) -> NDArray[Any]:
    """The labels, None for the rows that no fold has held out."""
    whole = np.full(labels.shape, None, dtype=object)
    whole[np.asarray(is_told)] = labels[np.asarray(is_told)]
    return whole


def _rows(columns: list[str], *values: NDArray[Any]) -> tuple[list[str], list[list[Any]]]:
    return columns, [list(row) for row in zip(*(one.tolist() for one in values), strict=True)]


def log_artifact(run: TrackedRun, folder: Path) -> None:
    """The saved folder as a W&B artifact; its name may hold A-Z a-z 0-9 . _ - only."""
    import wandb

    name = re.sub(r"[^A-Za-z0-9._-]", "_", f"model-{run.record.id}")[:128]
    artifact = wandb.Artifact(name, type="model", metadata={"run": run.record.run})
    artifact.add_dir(str(folder))
    run.experiment.log_artifact(artifact)
