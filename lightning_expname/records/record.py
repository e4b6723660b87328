"""`RunRecord`: what is known about one run, frozen, JSON both ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from ..errors import RecordError
from .files import CheckpointFile, CheckpointPlace, list_checkpoints

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
        return self.path.parents[len(Path(self.record).parts) - 1]

    def replace(self, **changes: Any) -> RunRecord:
        """A copy with some attributes changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values, without `path`."""
        data = {name.name: getattr(self, name.name) for name in dataclasses.fields(self)}
        del data["path"]
        data["places"] = [dataclasses.asdict(place) for place in self.places]
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
        values = {key: data[key] for key in _FIELDS & data.keys()}
        places = tuple(CheckpointPlace(**place) for place in values.get("places", ()))
        resumed = tuple(values.get("resumed", ()))
        try:
            return cls(**{**values, "places": places, "resumed": resumed, "path": path})
        except TypeError as error:
            raise RecordError(f"{path}: incomplete record: {error}") from error

    def checkpoints(self) -> list[CheckpointFile]:
        """The run's checkpoints that exist now, each once, place by place in order of epoch."""
        found = (file for place in self.places for file in list_checkpoints(self.root, place))
        return list({file.path: file for file in found}.values())

    def checkpoint(self, which: str | int = "best") -> Path:
        """The path of one checkpoint.

        Args:
            which: `"best"` (by the monitored metric), `"last"` (the newest) or an epoch.

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
        stored = self.best if which == "best" else self.last
        return None if stored is None else self.root / stored

    def _of_epoch(self, epoch: int) -> Path | None:
        return next((file.path for file in self.checkpoints() if file.epoch == epoch), None)

    def load(self, module: type[Module], which: str | int = "best", **kwargs: Any) -> Module:
        """The LightningModule with the weights of one of this run's checkpoints.

        Args:
            module: the LightningModule's class.
            which: as in `checkpoint`.
            **kwargs: for `module.load_from_checkpoint`: the module's constructor arguments where
                it does not call `save_hyperparameters()`.
        """
        loader: Any = module
        loaded: Module = loader.load_from_checkpoint(self.checkpoint(which), **kwargs)
        return loaded


_FIELDS: Final = frozenset(name.name for name in dataclasses.fields(RunRecord)) - {"path"}
