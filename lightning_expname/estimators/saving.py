"""A model as a folder: the folds, what they said, and a manifest of all of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..facts import Facts
from ..introspect.dataset import UNKNOWN
from ..observer import warn_once
from ..records import CheckpointPlace, RunRecord, write_record
from .charts import out_of_fold_rows
from .data_names import dataset_name
from .describing import describe_estimator, environment, model_name
from .folder import replaced, sha256
from .formats import Template, template_of, write_fold, write_given
from .manifest import MANIFEST_VERSION, write_manifest
from .picture import draw_importance
from .results import Results
from .tables import write_table
from .tracked import Options, TrackedRun

OUT_OF_FOLD: Final = "out_of_fold.npz"
KEPT: Final = (
    *("n_splits", "dataset", "model", "features", "random_state", "n_jobs", "scoring"),
    *("early_stopping", "importance", "offline", "project", "entity", "group", "tags", "notes"),
)
"""Parameters of the wrapper that the manifest keeps, where JSON can hold them."""


def save_model(model: Any, path: Path | None, *, allow_pickle: bool) -> Path:
    """Writes the folder and notes it on the run's record; see `ExpNameClassifier.save`."""
    record = getattr(model, "record_", None)
    if path is None:
        record = model.record_ = record or _claimed(model)
        folder = _own_folder(model, record)
    else:
        folder = path.absolute()
    template = template_of(model.estimator, model.estimators_[0], allow_pickle=allow_pickle)
    with replaced(folder) as staged:
        files = [write_fold(template, one, staged, i) for i, one in enumerate(model.estimators_)]
        _write_results(model, staged)
        manifest = _manifest(model, template, files, record)
        given = write_given(template, model.estimator, staged)
        manifest["given"] = None if given is None else given.name
        manifest["files"] = {one.name: sha256(one) for one in sorted(staged.iterdir())}
        write_manifest(staged, manifest)
    if path is None and record is not None:
        model.record_ = _noted(record, folder, files[0].suffix)
    return folder


def _claimed(model: Any) -> RunRecord:
    """A model that was trained without tracking is named when it is saved."""
    facts = Facts(
        model=model.model or model_name(model.estimator),
        dataset=dataset_name(model.dataset, None) or UNKNOWN,
        hparams=describe_estimator(model.estimator),
        fields={"features": model.features_.name, "num_folds": len(model.estimators_)},
        config={"environment": environment()},
    )
    run = TrackedRun(Options.of(model), facts, "train")
    results: Results = model.results_
    score = float(results.metrics[results.main].mean())
    run.update(status="finished", score=score, monitor=results.main)
    model.names_ = run.names
    return run.record


def _own_folder(model: Any, record: RunRecord) -> Path:
    root = Path(model.root_dir).absolute() if record.path is None else record.root
    return root / record.record.removesuffix(".json")


def _noted(record: RunRecord, folder: Path, extension: str) -> RunRecord:
    """The record with where the model lies."""
    relative = record.record.removesuffix(".json")
    place = CheckpointPlace(relative, "fold{fold}", extension=extension)
    record = record.replace(best=relative, last=relative, places=(place,))
    if record.path is not None:
        try:
            write_record(record)
        except OSError as error:
            warn_once(f"{folder} is saved, but its record could not be updated: {error}")
    return record


def _manifest(
    model: Any, template: Template, files: Iterable[Path], record: RunRecord | None
) -> dict[str, Any]:
    folds = [
        {"file": file.name, "classes": None if present is None else present.tolist()}
        for file, present in zip(files, model._present, strict=True)
    ]
    return {
        "manifest_version": MANIFEST_VERSION,
        "kind": "classifier" if hasattr(model, "classes_") else "regressor",
        "estimator": dataclasses.asdict(template),
        "folds": folds,
        "classes": _described_classes(getattr(model, "classes_", None)),
        "columns": _columns(model),
        "results": _results(model.results_),
        "parameters": _parameters(model),
        "versions": environment(),
        "run": None if record is None else record.to_json(),
    }


def _described_classes(classes: NDArray[Any] | None) -> dict[str, Any] | None:
    if classes is None:
        return None
    return {"values": classes.tolist(), "dtype": classes.dtype.str}


def _columns(model: Any) -> dict[str, Any]:
    """What X must look like: names in order, types, categories, and those that are used."""
    names = getattr(model, "feature_names_in_", None)
    return {
        "count": int(model.n_features_in_),
        "names": None if names is None else [str(name) for name in names],
        "types": model._column_types,
        "levels": _json_levels(model._column_levels),
        "features": dataclasses.asdict(model.features_),
    }


def _json_levels(levels: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    plain = (str, int, float, bool)
    return {
        name: [one if isinstance(one, plain) else str(one) for one in values]
        for name, values in levels.items()
    }


def _results(results: Results) -> dict[str, Any]:
    return {
        "metrics": {name: values.tolist() for name, values in results.metrics.items()},
        "pooled": dict(results.pooled),
        "importances": {kind: one.tolist() for kind, one in results.importances.items()},
        "curves": [dict(curves) for curves in results.curves],
        "seconds": list(results.seconds),
    }


def _parameters(model: Any) -> dict[str, Any]:
    given = model.get_params(deep=False)
    kept = {}
    for name in KEPT:
        try:
            kept[name] = json.loads(json.dumps(given[name]))
        except (TypeError, ValueError):
            continue  # a Bunch, a function: the loaded model has the default
    if isinstance(given["dataset"], Mapping):
        kept["dataset"] = dataset_name(given["dataset"], None)
    return kept


def _write_results(model: Any, folder: Path) -> None:
    """Tables for people, and the exact out-of-fold predictions for `load`."""
    results: Results = model.results_
    folds = zip(*results.metrics.values(), strict=True)
    rows = [[index, *values] for index, values in enumerate(folds)]
    write_table(folder / "fold_scores.csv", ["fold", *results.metrics], rows)
    if results.importances:
        columns = np.stack(list(results.importances.values()), axis=1).tolist()
        named = [[name, *row] for name, row in zip(model.features_.used, columns, strict=True)]
        write_table(folder / "feature_importance.csv", ["feature", *results.importances], named)
        draw_importance(folder / "feature_importance.png", results, model.features_.used)
    write_table(folder / "out_of_fold.csv", *out_of_fold_rows(model))
    np.savez(folder / OUT_OF_FOLD, predicted=results.out_of_fold, truth=model._truth)
