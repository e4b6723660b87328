"""Where a training comes from: the identity inside a checkpoint, and the record it belongs to."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from .errors import RecordError
from .facts import Facts, Hparam
from .naming import is_run_control
from .records import RunRecord, read_record
from .records.header import read_header

IDENTITY_KEY: Final = "lightning_expname"
"""The key of a run's identity inside a checkpoint."""

IDENTITY_VERSION: Final = 1
_SAID: Final = ("model", "dataset")
_LEVELS: Final = 4  # a record lies at most so many folders above its checkpoints


@dataclass(frozen=True)
class Origin:
    """The run that a checkpoint belongs to, as far as it is known.

    Attributes:
        identity: as stored in the checkpoint; or made of the record for a checkpoint that only
            holds weights.
        checkpoint: the path that was given to Lightning.
    """

    identity: Mapping[str, Any]
    checkpoint: str

    @property
    def run_id(self) -> str:
        return str(self.identity["id"])

    def told(self) -> dict[str, Any]:
        """What a record and the W&B config say of it."""
        keys = ("id", "run", "project", "record")
        return {**{key: self.identity.get(key) for key in keys}, "checkpoint": self.checkpoint}


@dataclass(frozen=True)
class Changes:
    """What differs between a run and the training that wants to continue it.

    Attributes:
        settings: by name, before and after: the same model, trained otherwise.
        model: by name, before and after: another model, other data, another batch size.
    """

    settings: Mapping[str, list[Any]] = field(default_factory=dict)
    model: Mapping[str, list[Any]] = field(default_factory=dict)


def identity_of(record: RunRecord) -> dict[str, Any]:
    """What travels inside a checkpoint: primitives only, for `weights_only` loading."""
    keys = ("id", "project", "run", "stem", "model", "dataset", "record", "mode", "ordinal")
    data = {key: getattr(record, key) for key in (*keys, "digest", "created")}
    return {"version": IDENTITY_VERSION, **data, "hparams": dict(record.hparams)}


def origin_of(checkpoint: Mapping[str, Any], path: Any) -> Origin | None:
    """The run that a loaded checkpoint says it belongs to; None when it says nothing valid."""
    identity = checkpoint.get(IDENTITY_KEY)
    if not isinstance(identity, Mapping) or not isinstance(identity.get("id"), str):
        return None
    return Origin(identity, str(path)) if _is_inside(identity.get("record")) else None


def _is_inside(record: Any) -> bool:
    """A checkpoint may come from anywhere: the path in it must not lead out of the root."""
    if not isinstance(record, str):
        return False
    path = PurePosixPath(record)
    return not path.is_absolute() and ".." not in path.parts and path.suffix == ".json"


def origin_by_place(path: Any, root: Path) -> Origin | None:
    """For a checkpoint of which no callback was told: what it says, or the record that lists it.

    Lightning before 2.5 tells callbacks of it in `fit` alone; a file of weights alone
    (`save_weights_only`) says nothing.
    """
    file = Path(path).absolute()
    if found := origin_of({IDENTITY_KEY: read_header(file).identity}, path):
        return found
    for directory in list(file.parents)[:_LEVELS]:
        for record in _records_in(directory):
            if _is_below(record, root) and any(one.path == file for one in record.checkpoints()):
                return Origin(identity_of(record), str(path))
    return None


def _is_below(record: RunRecord, root: Path) -> bool:
    try:
        return record.root == root.absolute()
    except RecordError:  # it was copied to where it cannot belong
        return False


def record_of(origin: Origin, root: Path) -> RunRecord | None:
    """The record of the run that a checkpoint belongs to; None when it is not below this root."""
    path = (root / str(origin.identity.get("record"))).absolute()
    try:
        record = read_record(path)
    except RecordError:
        return None
    return record if record.id == origin.run_id else None


def changes(record: RunRecord, facts: Facts) -> Changes:
    """What of `record` differs in `facts`; whatever names may speak makes another model."""
    settings: dict[str, list[Any]] = {}
    model: dict[str, list[Any]] = {}
    for hparam in facts.hparams:
        if not _is_same(record, hparam):
            where = model if _makes_the_model(hparam) else settings
            where[hparam.name] = [record.hparams.get(hparam.name), hparam.value]
    was = {**{key: getattr(record, key) for key in _SAID}, **record.config}
    for key in (*_SAID, "batch_size"):
        if was.get(key) != getattr(facts, key):
            model[key] = [was.get(key), getattr(facts, key)]
    return Changes(settings, model)


def _is_same(record: RunRecord, hparam: Hparam) -> bool:
    """Compared as the record's JSON holds it; a new argument at its default changes nothing."""
    if hparam.name not in record.hparams:
        return hparam.is_default
    return _text(record.hparams[hparam.name]) == _text(hparam.value)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _makes_the_model(hparam: Hparam) -> bool:
    if hparam.owner != "model" or is_run_control(hparam.name):
        return False
    return hparam.kind in ("int", "categorical")


def describe(changed: Mapping[str, list[Any]]) -> str:
    """`dropout 0.1 -> 0.2, n_layers 4 -> 8`."""
    return ", ".join(f"{key} {old!r} -> {new!r}" for key, (old, new) in changed.items())


def runs_of_configuration(root: Path, facts: Facts) -> list[RunRecord]:
    """Every training of this configuration that left a checkpoint, the nearest one first.

    Nearest is the one whose settings are equal too, then the one with the newest checkpoint.

    Args:
        root: the directory that `checkpoints/` lies in.
        facts: the model's and, where they are known, the data's. `dataset` may be empty and
            `batch_size` None: then runs of any are taken.
    """
    found = [
        (bool(changed.settings), -path.stat().st_mtime, str(path), record)
        for record in _records_below(root)
        if record.mode == "train"
        and not (changed := _known_changes(record, facts)).model
        and (path := newest_of(record)) is not None
    ]
    return [record for *_, record in sorted(found, key=lambda one: one[:3])]


def _known_changes(record: RunRecord, facts: Facts) -> Changes:
    """The differences that can be told before the data is loaded."""
    changed = changes(record, facts)
    unknown = {"dataset": not facts.dataset, "batch_size": facts.batch_size is None}
    model = {key: value for key, value in changed.model.items() if not unknown.get(key)}
    return Changes(changed.settings, model)


def best_of(record: RunRecord) -> Path | None:
    """The best one that still exists."""
    try:
        return record.checkpoint("best")
    except RecordError:
        return None


def newest_of(record: RunRecord) -> Path | None:
    """The newest by what the record says, else by what lies there: a killed run may have more."""
    paths = [file.path for file in record.checkpoints()]
    return max(paths, key=lambda path: path.stat().st_mtime, default=None)


def _records_below(root: Path) -> Iterator[RunRecord]:
    folder = root / "checkpoints"
    directories = (path for path in folder.rglob("*") if path.is_dir()) if folder.is_dir() else ()
    for directory in itertools.chain([folder], directories):
        yield from _records_in(directory)


def _records_in(directory: Path) -> Iterator[RunRecord]:
    """Other people's JSON files are passed over."""
    for path in sorted(directory.glob("*.json")):
        try:
            yield read_record(path)
        except RecordError:
            continue
