"""The life of one run: from the first facts, through the claim of its stem, to how it ended.

Nothing here subclasses Lightning or knows which flavour of it is used; the shells (`logger`,
`callbacks`, `checkpoint`) call it and pass on to W&B what it says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .facts import Facts
from .introspect.collect import collect
from .introspect.dataset import UNKNOWN
from .introspect.hparams import ModuleFacts, describe_module
from .introspect.secrets import without_secrets
from .naming import NamePolicy, Names, Speech, derive_names, digest
from .observer import warn_once
from .performance import Performance
from .records import CheckpointPlace, RunRecord, claim, write_record
from .records.record import Status

IDENTITY_KEY = "lightning_expname"
"""The key of a run's identity inside a checkpoint."""

IDENTITY_VERSION = 1


@dataclass(frozen=True)
class RunOptions:
    """What the user fixed by hand; None where the run names itself."""

    dataset: str | None = None
    model: str | None = None
    project: str | None = None
    name: str | None = None
    root: Path = Path()
    policy: NamePolicy = field(default_factory=NamePolicy)
    speech: Speech = field(default_factory=Speech)
    not_secret: tuple[str, ...] = ()
    group: str | None = None


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

    def belongs_to(self, module: object) -> bool:
        """Whether the run that is under way is this module's (fit, then test, is one run)."""
        return self.record is not None and self._module is module

    def project_so_far(self, trainer: Any | None, module: Any | None) -> str:
        """The project's name from what is known before the run begins; warns if that is little."""
        if self.options.project:
            return self.options.project
        described = describe_module(module).model if module is not None else None
        model, dataset = self.options.model or described, self._dataset_so_far(trainer)
        if not (model and dataset):
            warn_once(
                "logger.experiment was used before the model and the data are known, so its W&B"
                f" project is named from what is: model={model!r}, dataset={dataset!r}. Pass"
                " ExpNameLogger(model=..., dataset=...) or project=..., or use the logger from"
                " on_train_start on.",
                key="project_so_far",
            )
        facts = Facts(model=model or "model", dataset=dataset or UNKNOWN)
        return derive_names(facts, self.options.policy, Speech()).project

    def _dataset_so_far(self, trainer: Any | None) -> str | None:
        if self.options.dataset or trainer is None or trainer.datamodule is None:
            return self.options.dataset
        from .introspect.dataset import dataset_name

        return dataset_name(trainer.datamodule, None)

    def begin(self, trainer: Any, module: Any, *, mode: str, run_id: str) -> RunRecord:
        """Collects the facts, claims a stem on rank 0 and tells it to all ranks.

        Raises:
            HparamError: `include`, `exclude` or `aliases` do not fit the hyper-parameters.
        """
        described = describe_module(module)
        self._report_unknown(described)
        facts = collect(
            trainer,
            described,
            mode=mode,
            model=self.options.model,
            dataset=self.options.dataset,
        )
        self._report_unnamed(facts)
        facts = without_secrets(facts, self.options.not_secret)
        record = self._claim(facts, mode, run_id) if trainer.is_global_zero else None
        record = trainer.strategy.broadcast(record)
        self.facts, self.record, self._module = facts, record, module
        self._writes = trainer.is_global_zero and record.path is not None
        self.performance = Performance()
        self.names = self._names(facts, mode, record.ordinal)
        return self.record

    def _names(self, facts: Facts, mode: str, ordinal: int) -> Names:
        options = self.options
        names = derive_names(facts, options.policy, options.speech, ordinal=ordinal, mode=mode)
        project, run = options.project or names.project, options.name or names.run
        return dataclasses.replace(names, project=project, run=run)

    def _claim(self, facts: Facts, mode: str, run_id: str) -> RunRecord:
        def record_of(ordinal: int) -> RunRecord:
            names = self._names(facts, mode, ordinal)
            return _new_record(facts, names, mode, run_id).replace(group=self.options.group)

        try:
            return claim(self.options.root, record_of)
        except OSError as error:
            warn_once(
                f"no record of this run could be written below {self.options.root.absolute()}"
                f" ({error}); it is named, but nothing will find its checkpoints by name",
                key="claim",
            )
            return record_of(1)

    def _report_unknown(self, described: ModuleFacts) -> None:
        if described.unrecovered:
            remedy = (
                "call self.save_hyperparameters() in its first line, before they are reassigned"
                if described.watched
                else "import lightning_expname (or call lightning_expname.capture_init()) before"
                " the model is built"
            )
            warn_once(
                f"these arguments of {described.model} could not be recovered and are in no name"
                f" and no config: {', '.join(described.unrecovered)}. To have them, {remedy}.",
            )

    def _report_unnamed(self, facts: Facts) -> None:
        if facts.dataset == UNKNOWN and self.options.dataset is None:
            warn_once(
                f"the data has no name of its own, so it is called {UNKNOWN!r}; pass"
                " ExpNameLogger(dataset=...) or give the datamodule or dataset a `dataset_name`",
                key="unnamed dataset",
            )

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

    def saved(self, checkpoint: Any) -> dict[str, Any]:
        """Notes a checkpoint callback's newest state; gives what the summary says of it.

        Args:
            checkpoint: a Lightning `ModelCheckpoint` that has just saved.
        """
        best, last = checkpoint.best_model_path, _newest(checkpoint)
        score = checkpoint.best_model_score
        changes = {
            "best": self._relative(best or last),
            "last": self._relative(last),
            "score": None if score is None else float(score),
            "monitor": checkpoint.monitor,
        }
        self.update(**changes)
        return _summary(changes)

    def _relative(self, path: str) -> str | None:
        """Relative to the root where it lies below it, so that the tree may move."""
        if not path:
            return None
        root, absolute = self.options.root.absolute(), Path(path).absolute()
        return (
            absolute.relative_to(root) if absolute.is_relative_to(root) else absolute
        ).as_posix()

    def performed(self, trainer: Any, mode: str) -> dict[str, Any]:
        """What the summary says at the end of a mode; the record keeps the best score as well."""
        summary = self.performance.summary(trainer, mode)
        if "best_score" in summary and self.record is not None:
            if self.record.score is None:
                self.update(score=summary["best_score"], monitor=summary["monitor"])
            else:  # the checkpoint's, which was told when it was saved
                del summary["best_score"]
        return summary

    def end(self, status: Status) -> None:
        """Notes how the run ended; a test after a finished fit leaves it finished."""
        self.update(status=status, finished=_now())

    def place_checkpoints(self, places: tuple[CheckpointPlace, ...]) -> None:
        """Notes where the checkpoint callbacks write, when that is not the names' own place."""
        if self.record is not None and places and places != self.record.places:
            self.update(places=places)

    def identity(self) -> dict[str, Any]:
        """What travels inside a checkpoint: primitives only, for `weights_only` loading."""
        if self.record is None:
            return {}
        keys = ("id", "project", "run", "stem", "model", "dataset", "record", "mode", "ordinal")
        data = {key: getattr(self.record, key) for key in (*keys, "digest", "created")}
        return {"version": IDENTITY_VERSION, **data, "hparams": dict(self.record.hparams)}

    def config(self) -> dict[str, Any]:
        """The whole W&B config: hyper-parameters flat, then the sections."""
        record = self.record
        if record is None:
            return {}
        sections = {**record.config, "expname": self._expname_section(record)}
        differs = {
            key for key, value in record.hparams.items() if sections.get(key, value) != value
        }
        flat = {key: value for key, value in record.hparams.items() if key not in differs}
        clashing = {"hparams": {key: record.hparams[key] for key in sorted(differs)}}
        return {**flat, **(clashing if differs else {}), **sections}

    def _expname_section(self, record: RunRecord) -> dict[str, Any]:
        identity = self.identity()
        del identity["hparams"], identity["created"]  # no times in what two runs are compared by
        places = [f"{place.directory}/{place.name}.ckpt" for place in record.places]
        return {**identity, "checkpoint": places[0] if places else None}


def _newest(checkpoint: Any) -> str:
    """The file just written: Lightning keeps it under a private name, or as the `last` copy."""
    newest = getattr(checkpoint, "_last_checkpoint_saved", "")
    return str(newest or checkpoint.last_model_path or checkpoint.best_model_path)


def _summary(changes: Mapping[str, Any]) -> dict[str, Any]:
    named = {
        "best_score": changes["score"],
        "best_checkpoint": changes["best"],
        "last_checkpoint": changes["last"],
        "monitor": changes["monitor"],
    }
    return {key: value for key, value in named.items() if value is not None}


def _new_record(facts: Facts, names: Names, mode: str, run_id: str) -> RunRecord:
    place = CheckpointPlace(names.checkpoint_dir, names.checkpoint_name, f"{names.stem}-last")
    return RunRecord(
        id=run_id,
        project=names.project,
        run=names.run,
        stem=names.stem,
        model=facts.model,
        dataset=facts.dataset,
        record=names.record,
        mode=mode,
        hparams={hparam.name: hparam.value for hparam in facts.hparams},
        config={"batch_size": facts.batch_size, "lr": facts.lr, **facts.config},
        created=_now(),
        places=(place,) if mode == "train" else (),
        ordinal=names.ordinal,
        digest=digest({hparam.name: hparam.value for hparam in facts.hparams}),
    )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
