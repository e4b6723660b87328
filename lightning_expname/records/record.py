"""`RunRecord`: what is known about one run, frozen, JSON both ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, TypeVar

from ..errors import RecordError
from .content import check_fields, places_of
from .files import CheckpointFile, CheckpointPlace, exact_place, list_checkpoints
from .location import check_inside, locate
from .process import status_now

RECORD_VERSION = 1
"""The version of the JSON format; a reader refuses a newer one and says so."""

Status = Literal["running", "finished", "failed", "interrupted", "killed", "pruned"]
Module = TypeVar("Module")


@dataclass(frozen=True)
class RunRecord:
    """One run: its names, its hyper-parameters, where its checkpoints lie and how it ended.

    Attributes:
        id: the W&B run id.
        project, run, stem: the names, see `lightning_expname.Names`.
        model, dataset: the exact texts, before anything is replaced in folder names.
        kind: `dl` (Lightning), `ml` (an estimator) or `tune` (a study).
        mode: `train`, `validate`, `test` or `predict`.
        status: `running` until the end is known.
        hparams: every hyper-parameter, flat, exact values.
        config: what W&B's config holds beside the hyper-parameters.
        created, finished: UTC, ISO 8601; finished is None until then.
        score: the best value of the monitored metric, None without one.
        monitor: that metric's name.
        url: the run's page on W&B, None offline.
        record: this record's own path, relative to the root.
        places: where the checkpoints lie.
        best, last: the best and the newest checkpoint; relative to the root if they lie below it.
        ordinal: 1 for the first run of its configuration, 2 for `-r2`...
        digest: of all typed hyper-parameters: equal configurations have equal digests.
        group: what it belongs to with others, as in W&B: a study, a cross-validation.
        process: that trains or trained it: `host`, `pid`, `birth`; see `records.process.is_alive`.
        ended_by: what ended it before its time: an exception's type, or a signal's name.
        origin: the run and checkpoint that this one started from: `id`, `run`, `record`,
            `checkpoint`.
        resumed: one entry each time the run was continued from a checkpoint: `at`, `checkpoint`
            and `changed`, the float hyper-parameters as `[before, after]`.
        path: where this record was read from; not stored in it, so that a tree may move.

    Example:
        >>> record = logger.record
        >>> record.checkpoint("best")
        PosixPath('/.../checkpoints/Net/Digits/depth2-bs64-epoch3.ckpt')
        >>> record.load(LitNet, model=Net(depth=2))
    """

    id: str
    project: str
    run: str
    stem: str
    model: str
    dataset: str
    record: str
    kind: str = "dl"
    mode: str = "train"
    status: Status = "running"
    hparams: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    finished: str | None = None
    score: float | None = None
    monitor: str | None = None
    url: str | None = None
    places: tuple[CheckpointPlace, ...] = ()
    best: str | None = None
    last: str | None = None
    ordinal: int = 1
    digest: str = ""
    group: str | None = None
    process: Mapping[str, Any] | None = None
    ended_by: str | None = None
    origin: Mapping[str, Any] | None = None
    resumed: tuple[Mapping[str, Any], ...] = ()
    path: Path | None = None

    @property
    def root(self) -> Path:
        """The directory that `checkpoints/` lies in, wherever the tree is now."""
        if self.path is None:
            raise RecordError(f"the record of run {self.run!r} was never written: it has no path")
        depth = len(PurePosixPath(self.record).parts)
        if depth > len(self.path.parents):
            raise RecordError(
                f"{self.path}: not below its root: the record says that it lies at {self.record!r}"
            )
        return self.path.parents[depth - 1]

    def locate(self, stored: str) -> Path | None:
        """Where a path of this record lies now; None when its part of the tree is elsewhere.

        Raises:
            RecordError: the record was never written, or the path leads out of its root.
        """
        if self.path is None:
            raise RecordError(f"the record of run {self.run!r} was never written: it has no path")
        check_inside((stored,), self.path)
        return locate(self.path, self.record, stored)

    def replace(self, **changes: Any) -> RunRecord:
        """A copy with some attributes changed."""
        return dataclasses.replace(self, **changes)

    def with_file(self, path: Path) -> RunRecord:
        """The record with a further checkpoint of its own, wherever it lies."""
        return self.replace(places=(*self.places, exact_place(path, self.root)))

    def as_now(self) -> RunRecord:
        """The record with the status `killed` if it says `running` and its process is gone."""
        status = status_now(self.status, self.process)
        return self if status == self.status else self.replace(status=status)

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values, without `path`."""
        data = {name.name: getattr(self, name.name) for name in dataclasses.fields(self)}
        del data["path"]
        data["places"] = [_place_json(place) for place in self.places]
        return {"record_version": RECORD_VERSION, **data}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], path: Path | None = None) -> RunRecord:
        """The inverse of `to_json`; keys that this version does not know are left out.

        Raises:
            RecordError: not a record, or one of a newer format.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("record_version"), int):
            raise RecordError(f"{path}: not a run's record (it has no record_version)")
        if data["record_version"] > RECORD_VERSION:
            raise RecordError(
                f"{path}: record_version {data['record_version']}, but this lightning_expname reads"
                f" up to {RECORD_VERSION}; upgrade it"
            )
        # our own texts as keys, not the file's equal ones: Python finds arguments by identity first
        values = {key: data[key] for key in _FIELDS if key in data}
        told = "a record" if path is None else path
        check_fields(values, told)
        values["places"] = places_of(values, told)
        values["resumed"] = tuple(values.get("resumed", ()))
        return _built(values, path, told)

    def checkpoints(self) -> list[CheckpointFile]:
        """The run's checkpoints that exist now, each once, place by place in order of epoch."""
        located = ((self.locate(place.directory), place) for place in self.places)
        found = (
            file
            for directory, place in located
            if directory is not None
            for file in list_checkpoints(directory, place)
        )
        return list({file.path: file for file in found}.values())

    def checkpoint(self, which: str | int = "best") -> Path:
        """The path of one checkpoint.

        Args:
            which: `"best"` (by the monitored metric), `"last"` (the newest) or an epoch. Of a run
                that did not end by itself the files are asked, not the record: it may have been
                killed between the two.

        Raises:
            RecordError: there is none; the message lists those that remain.
        """
        found = self._named(which) if isinstance(which, str) else self._of_epoch(which)
        if found is None or not found.exists():
            remain = [file.path.name for file in self.checkpoints()]
            listing = ", ".join(remain) if remain else "none"
            raise RecordError(
                f"run {self.run!r} has no checkpoint {which!r}"
                f"{'' if found is None else f' ({found} is gone)'}; those that remain: {listing}"
            )
        return found

    def _named(self, which: str) -> Path | None:
        if which not in ("best", "last"):
            raise RecordError(f"got checkpoint {which!r}; allowed: 'best', 'last' or an epoch")
        from . import leftover  # reads checkpoints, which few lookups need

        stored = self._stored(self.best if which == "best" else self.last)
        if self.kind == "dl" and self.status in ("running", "killed"):
            files = self.checkpoints()
            told = leftover.best(files) if which == "best" else leftover.newest(files)
            return told or stored
        if which == "last" and (stored is None or not stored.exists()):
            return leftover.newest(self.checkpoints()) or stored
        return stored

    def _stored(self, stored: str | None) -> Path | None:
        """Where the record says; an absolute path counts only in one of the run's places."""
        if stored is None:
            return None
        path = PurePosixPath(stored)
        if path.is_absolute() and path.parent.as_posix() not in {
            place.directory for place in self.places
        }:
            raise RecordError(
                f"{self.path}: the path {stored!r} in this record leads out of its root, and lies"
                " in none of the run's places"
            )
        return self.locate(stored)

    def _of_epoch(self, epoch: int) -> Path | None:
        return next((file.path for file in self.checkpoints() if file.epoch == epoch), None)

    def load(self, module: type[Module], which: str | int = "best", **kwargs: Any) -> Module:
        """The LightningModule with the weights of one of this run's checkpoints.

        Args:
            module: the LightningModule's class.
            which: as in `checkpoint`.
            **kwargs: for `module.load_from_checkpoint`: the module's constructor arguments where
                it does not call `save_hyperparameters()`; `weights_only=False` to run what the
                file holds beside weights and plain values.

        Raises:
            RecordError: there is no such checkpoint, or it holds more than weights and plain
                values.
        """
        from .loading import load_module

        loaded: Module = load_module(module, self.checkpoint(which), kwargs)
        return loaded


def _built(values: dict[str, Any], path: Path | None, told: object) -> RunRecord:
    """The record of checked values; where none is missing the slow constructor is not needed."""
    if len(values) == len(_FIELDS):
        record = object.__new__(RunRecord)
        vars(record).update(values, path=path)
        return record
    try:
        return RunRecord(**values, path=path)
    except TypeError as error:
        raise RecordError(f"{told}: incomplete record: {error}") from error


def _place_json(place: CheckpointPlace) -> dict[str, Any]:
    """`exact` is said only where it is so: most readers never meet it."""
    data = dataclasses.asdict(place)
    return data if place.exact else {key: data[key] for key in data if key != "exact"}


_FIELDS: Final = frozenset(name.name for name in dataclasses.fields(RunRecord)) - {"path"}
