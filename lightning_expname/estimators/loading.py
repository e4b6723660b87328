"""A model from its folder: only what the manifest lists, and only if it is what was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import EstimatorError, RecordError
from ..naming import Names
from ..observer import warn_once
from ..records import RunRecord, read_record
from .copies import unfitted
from .features import Features
from .folder import MANIFEST, sha256, standing
from .formats import Template, check_template, empty, read_fold
from .manifest import read_manifest, understood
from .results import Results
from .saving import KEPT, OUT_OF_FOLD

_CLASS_KINDS: Final = "biufU"  # never unpickled: an array of objects is given back as texts


def load_model(kind: type, path: Any, *, trusted: Sequence[str], allow_pickle: bool) -> Any:
    """The fitted wrapper; see `ExpNameClassifier.load`."""
    folder = _folder(path)
    manifest = read_manifest(folder)
    with understood(folder):
        template = _template(kind, manifest, folder, allow_pickle=allow_pickle)
        _check_files(folder, manifest)
        files = [folder / fold["file"] for fold in manifest["folds"]]
        present = [_positions(fold["classes"]) for fold in manifest["folds"]]
        counts = [None if one is None else len(one) for one in present]
    pairs = zip(files, counts, strict=True)
    fitted = [read_fold(template, file, count, trusted=trusted) for file, count in pairs]
    given = _given(manifest, template, folder, trusted)
    with understood(folder):
        given = unfitted(fitted[0]) if given is None else given
        model = kind(given, **_parameters(manifest))
        model.estimators_, model._present = fitted, present
        _restore(model, manifest, folder)
        if template.unsaved:
            warn_once(
                f"these parameters of {template.kind} are no plain values and were not saved; a"
                f" new fit would use their defaults: {', '.join(template.unsaved)}"
            )
    return model


def _given(
    manifest: Mapping[str, Any], template: Template, folder: Path, trusted: Sequence[str]
) -> Any:
    """The user's estimator, not fitted; None where an older folder does not hold it."""
    if template.kind:
        return empty(template)
    name = manifest.get("given")
    return None if name is None else read_fold(template, folder / name, None, trusted=trusted)


def _template(
    kind: type, manifest: Mapping[str, Any], folder: Path, *, allow_pickle: bool
) -> Template:
    _check_kind(kind, manifest, folder)
    template = Template(**manifest["estimator"])
    check_template(template)
    if template.format == "joblib" and not allow_pickle:
        raise EstimatorError(
            f"{folder} was kept by joblib, which runs any code on loading; if you know where it"
            " comes from: load(path, allow_pickle=True)"
        )
    return template


def _folder(path: Any) -> Path:
    """The model's folder, from the folder, a file in it, the run's record or its file."""
    if isinstance(path, RunRecord):
        path = path.checkpoint("best")
    place = Path(path).absolute()
    if not place.exists() and isinstance(path, str) and Path(path).name == path:
        hint = f"resolve_run({path!r}).load(...) finds a run by its name"
        raise EstimatorError(f"there is no saved model {place}; {hint}")
    if place.suffix == ".json" and place.name != MANIFEST and place.is_file():
        return standing(place.with_suffix(""))
    return standing(place.parent if place.is_file() else place)


def _check_kind(kind: type, manifest: Mapping[str, Any], folder: Path) -> None:
    is_classifier = getattr(kind, "_estimator_type", "") == "classifier"
    wanted = "classifier" if is_classifier or "Classifier" in kind.__name__ else "regressor"
    if manifest["kind"] != wanted:
        right = "ExpNameRegressor" if wanted == "classifier" else "ExpNameClassifier"
        raise EstimatorError(f"{folder} holds a {manifest['kind']}; use {right}.load")


def _check_files(folder: Path, manifest: Mapping[str, Any]) -> None:
    hashes: Mapping[str, str] = manifest["files"]
    given = manifest.get("given")
    needed = [OUT_OF_FOLD, *([] if given is None else [given])]
    needed += [fold["file"] for fold in manifest["folds"]]
    for name in needed:
        if name not in hashes or Path(name).name != name:
            raise EstimatorError(f"{folder}: the manifest does not list {name!r}")
        path = folder / name
        if not path.is_file():
            raise EstimatorError(f"{path} is missing; the model cannot be loaded without it")
        if sha256(path) != hashes[name]:
            raise EstimatorError(
                f"{path} is not what was saved (its SHA-256 differs): it was damaged or exchanged;"
                " save the model again, or take the folder from where it is whole"
            )


def _parameters(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in manifest["parameters"].items() if name in KEPT}


def _restore(model: Any, manifest: Mapping[str, Any], folder: Path) -> None:
    columns, features = manifest["columns"], manifest["columns"]["features"]
    positions = features["positions"]
    model.features_ = Features(
        features["name"],
        tuple(features["used"]),
        features["total"],
        None if positions is None else tuple(positions),
    )
    model.n_features_in_ = columns["count"]
    if columns["names"] is not None:
        model.feature_names_in_ = np.array(columns["names"], dtype=object)
    model._column_types, model._column_levels = columns["types"], columns["levels"]
    model._matches_by_name = True
    if manifest["classes"] is not None:
        model.classes_ = _classes(manifest["classes"])
    model.results_, model._truth = _results(manifest["results"], folder)
    _restore_run(model, manifest, folder)


def _positions(present: Sequence[int] | None) -> NDArray[np.intp] | None:
    return None if present is None else np.array(present, dtype=np.intp)


def _classes(described: Mapping[str, Any]) -> NDArray[Any]:
    kind = np.dtype(described["dtype"])
    return np.array(described["values"], dtype=kind if kind.kind in _CLASS_KINDS else object)


def _results(kept: Mapping[str, Any], folder: Path) -> tuple[Results, NDArray[Any]]:
    with np.load(folder / OUT_OF_FOLD, allow_pickle=False) as arrays:
        predicted, truth = arrays["predicted"], arrays["truth"]
    return Results(
        {name: np.array(values) for name, values in kept["metrics"].items()},
        kept["pooled"],
        predicted,
        {kind: np.array(values) for kind, values in kept["importances"].items()},
        kept["curves"],
        kept["seconds"],
    ), truth


def _restore_run(model: Any, manifest: Mapping[str, Any], folder: Path) -> None:
    """The training's record: beside the folder, else the copy in the manifest."""
    if manifest["run"] is None:
        return
    record = RunRecord.from_json(manifest["run"])
    try:
        beside = read_record(folder.with_name(f"{folder.name}.json"))
        record = beside if beside.id == record.id else record
    except RecordError:
        pass  # the folder was copied elsewhere
    if record.path is not None:
        model.root_dir = str(record.root)
    model.record_ = record
    home, _, name = record.record.removesuffix(".json").rpartition("/")
    model.names_ = Names(
        record.project, record.run, record.stem, home, record.ordinal, name, record.record
    )
