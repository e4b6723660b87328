"""The life of one run: from the first facts, through the claim of its stem, to how it ended.

Nothing here subclasses Lightning or knows which flavour of it is used; the shells (`logger`,
`callbacks`, `checkpoint`) call it and pass on to W&B what it says.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from multiprocessing.context import get_spawning_popen
from typing import Any

from .beginning import RunOptions, Started, begin, module_digest, names_of
from .ends import Ending
from .facts import Facts
from .naming import Names
from .observer import warn_once
from .performance import Performance
from .records import CheckpointPlace, RunRecord, now, write_record
from .records.location import stored
from .resume import Origin, identity_of
from .wandb_config import IDENTITY, join_config


class Lifecycle:
    """One run at a time: `begin` starts it, `saved` follows its checkpoints, `end` closes it."""

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        self.facts: Facts | None = None
        self.names: Names | None = None
        self.record: RunRecord | None = None
        self.performance = Performance()
        self._module: object | None = None
        self._writes = False  # only the rank that claimed the record writes it

    def __getstate__(self) -> dict[str, Any]:
        """A pickle leaves the model out, unless it is a launcher's.

        A module that was given its logger, and called `save_hyperparameters()`, has it pickled
        into each checkpoint, which would hold the weights twice.
        """
        module = self._module if get_spawning_popen() is not None else None
        return {**self.__dict__, "_module": module}

    def __deepcopy__(self, memo: dict[int, Any]) -> Lifecycle:
        """A logger that is copied together with its module goes on belonging to it."""
        copied = memo[id(self)] = type(self).__new__(type(self))
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied

    def belongs_to(self, module: object) -> bool:
        """Whether the run that is under way is this module's (fit, then test, is one run)."""
        if self.record is None:
            return False
        if self._module is None:  # it ran in a launched process, on a copy of the module
            return self.record.digest == module_digest(module, self.options)
        return self._module is module

    @property
    def is_elsewhere(self) -> bool:
        """Whether no run has begun in this very process."""
        return self._module is None

    def take_back(self, record: RunRecord) -> None:
        """Takes over a run that a launched process has begun, and maybe ended."""
        self.record, self._module, self.names = record, None, names_of(record)

    def agree(self, trainer: Any) -> None:
        """Tells all ranks what W&B made of the record: an offline run may have another id."""
        path = self.record and self.record.path
        record = trainer.strategy.broadcast(self.record)
        self.record = record if record is None else record.replace(path=path or record.path)

    def goes_on(self, trainer: Any, module: object) -> None:
        """More of the same run, in this process."""
        self._module = module
        self._writes = trainer.is_global_zero and self.record is not None and bool(self.record.path)

    def begin(
        self,
        trainer: Any,
        module: Any,
        *,
        mode: str,
        run_id: str,
        origin: Origin | None = None,
        own_id: str | None = None,
    ) -> Started:
        """Starts or continues a run, see `beginning.begin`; `own_id`: of the user's open run."""
        options = self.options
        if own_id is not None:
            options = dataclasses.replace(options, id=own_id)
        started = begin(options, trainer, module, mode=mode, run_id=run_id, origin=origin)
        self.facts, self.names, self.record = started.facts, started.names, started.record
        self._module = module
        self.performance = Performance()
        self._writes = trainer.is_global_zero and started.record.path is not None
        return started

    def update(self, **changes: Any) -> None:
        """Changes the record, in memory and, on the rank that wrote it, on disk."""
        if self.record is None:
            return
        self.record = self.record.replace(**changes)
        if not self._writes:
            return
        try:
            write_record(self.record)
        except OSError as error:
            warn_once(f"the run's record could not be updated: {error}", key="update record")

    def saved(self, checkpoint: Any, *, leads: bool = True) -> dict[str, Any]:
        """Notes a checkpoint callback's newest state; gives what the summary says of it.

        Args:
            checkpoint: a Lightning `ModelCheckpoint` that has just saved.
            leads: whether it says which checkpoint is the best; another one says so only as long
                as there is no score.
        """
        best, last = checkpoint.best_model_path, _newest(checkpoint)
        score = checkpoint.best_model_score
        changes = {
            "best": self._relative(best or last),
            "last": self._relative(last),
            "score": None if score is None else float(score),
            "monitor": checkpoint.monitor,
        }
        if not leads and self.record is not None and self.record.score is not None:
            changes = {"last": changes["last"]}
        self.update(**changes)
        return _summary(changes)

    def _relative(self, path: str) -> str | None:
        return stored(path, self.options.root) if path else None

    def performed(self, trainer: Any, mode: str) -> dict[str, Any]:
        """What the summary says at the end of a mode; the record keeps the best score as well."""
        summary = self.performance.summary(trainer, mode)
        if "best_score" in summary and self.record is not None:
            if self.record.score is None:
                self.update(score=summary["best_score"], monitor=summary["monitor"])
            else:  # the checkpoint's, which was told when it was saved
                del summary["best_score"]
        return summary

    def end(self, ending: Ending) -> None:
        """Notes how the run ended; a test after a finished fit leaves it finished."""
        self.update(status=ending.status, ended_by=ending.ended_by, finished=now())

    def place_checkpoints(self, places: tuple[CheckpointPlace, ...]) -> None:
        """Notes where the checkpoint callbacks write, when that is not the names' own place."""
        if self.record is not None and places and places != self.record.places:
            self.update(places=places)

    def identity(self) -> dict[str, Any]:
        """What travels inside a checkpoint; empty before the run has begun."""
        return {} if self.record is None else identity_of(self.record)

    def config(self, logged: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The whole W&B config: hyper-parameters flat, then the sections.

        Args:
            logged: hyper-parameters that were logged by hand; those of the record are surer.
        """
        record, logged = self.record, logged or {}
        if record is None:
            return dict(logged)
        sections = {**record.config, IDENTITY: self._expname_section(record)}
        return join_config({**logged, **record.hparams}, sections)

    def _expname_section(self, record: RunRecord) -> dict[str, Any]:
        identity = self.identity()
        del identity["hparams"], identity["created"]  # no times in what two runs are compared by
        places = [f"{place.directory}/{place.name}.ckpt" for place in record.places]
        origin = {"origin": dict(record.origin)} if record.origin else {}
        return {**identity, "checkpoint": places[0] if places else None, **origin}


def _newest(checkpoint: Any) -> str:
    """The file just written: Lightning keeps it under a private name, or as the `last` copy."""
    newest = getattr(checkpoint, "_last_checkpoint_saved", "")
    return str(newest or checkpoint.last_model_path or checkpoint.best_model_path)


def _summary(changes: Mapping[str, Any]) -> dict[str, Any]:
    named = {
        "best_score": changes.get("score"),
        "best_checkpoint": changes.get("best"),
        "last_checkpoint": changes.get("last"),
        "monitor": changes.get("monitor"),
    }
    return {key: value for key, value in named.items() if value is not None}
