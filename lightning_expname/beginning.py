"""How a run begins: from facts to names and a claimed record, as a new run or a continued one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from .errors import ResumeError
from .facts import Facts
from .introspect.collect import batch_size, collect
from .introspect.dataset import UNKNOWN, dataset_name
from .introspect.hparams import ModuleFacts, describe_module
from .introspect.secrets import without_secrets
from .naming import MAX_RUN_BYTES, NamePolicy, Names, Speech, derive_names
from .observer import warn_once
from .records import (
    CheckpointPlace,
    RunRecord,
    claim,
    draft,
    is_alive,
    now,
    this_process,
    write_record,
)
from .records.draft import digest_of
from .resume import (
    Changes,
    Origin,
    best_of,
    changes,
    describe,
    newest_of,
    record_of,
    runs_of_configuration,
)
from .setup_touch import passed_loaders

Resume = Literal["auto", "never", "must"]


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
    resume: Resume = "auto"
    id: str | None = None


@dataclass(frozen=True)
class Started:
    """A run that has begun: the same on all ranks."""

    facts: Facts
    names: Names
    record: RunRecord
    continued: bool = False


def begin(
    options: RunOptions, trainer: Any, module: Any, *, mode: str, run_id: str, origin: Origin | None
) -> Started:
    """Collects the facts on rank 0, claims a stem or continues a run, and tells all ranks.

    Nothing that may raise happens on one rank alone: the others would wait for it for ever.

    Raises:
        HparamError: `include`, `exclude` or `aliases` do not fit the hyper-parameters.
        ResumeError: `resume="must"`, and there is nothing that could be continued.
    """

    def start() -> Started:
        facts = _collect(options, trainer, module, mode)
        return _start(options, facts, mode, run_id, origin)

    outcome = trainer.strategy.broadcast(_attempt(start) if trainer.is_global_zero else None)
    if isinstance(outcome, Exception):
        raise outcome
    started: Started = outcome
    return started


def _attempt(start: Callable[[], Started]) -> Started | Exception:
    try:
        return start()
    except Exception as error:
        return error


def _collect(options: RunOptions, trainer: Any, module: Any, mode: str) -> Facts:
    described = describe_module(module)
    _report_unknown(described)
    named = {"model": options.model, "dataset": options.dataset}
    facts = collect(trainer, described, mode=mode, allow=options.not_secret, **named)
    if facts.dataset == UNKNOWN and options.dataset is None:
        warn_once(
            f"the data has no name of its own, so it is called {UNKNOWN!r}; pass"
            " ExpNameLogger(dataset=...) or give the datamodule or dataset a `dataset_name`",
            key="unnamed dataset",
        )
    return without_secrets(facts, options.not_secret)


def _report_unknown(described: ModuleFacts) -> None:
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


def _start(
    options: RunOptions, facts: Facts, mode: str, run_id: str, origin: Origin | None
) -> Started:
    if origin is None and options.resume == "must":
        raise ResumeError(
            f"resume='must', but {mode} was given no checkpoint of a named run. Pass ckpt_path=..."
            ' (or "last" with ExpNameCheckpoint), or resume="auto"'
        )
    if origin is not None and _may_continue(options, mode):
        record = _continued(options, facts, mode, origin)
        if record is not None:
            return Started(facts, _names_of(options, facts, record), record, continued=True)
    return _claimed(options, facts, mode, run_id, origin)


def _may_continue(options: RunOptions, mode: str) -> bool:
    """A test from a checkpoint is a run of its own, unless it must be the training's."""
    return options.resume == "must" or (options.resume == "auto" and mode == "train")


def _continued(options: RunOptions, facts: Facts, mode: str, origin: Origin) -> RunRecord | None:
    """The run of the checkpoint, running again; None when it may not be continued."""
    record = record_of(origin, options.root)
    changed = Changes() if record is None or mode != "train" else changes(record, facts)
    hindrance = _hindrance(options, origin, record, changed)
    if record is None or hindrance:
        if options.resume == "must":
            raise ResumeError(
                f"resume='must', but run {origin.identity.get('run')!r} cannot be continued:"
                f" {hindrance}. Allowed are changes of floats and of the training's settings;"
                ' give the old values, or resume="auto" to start a new run from the checkpoint'
            )
        warn_once(
            f"run {origin.identity.get('run')!r} is not continued: {hindrance}; a new run starts"
            f" from {origin.checkpoint}"
        )
        return None
    if changed.settings:
        warn_once(f"run {record.run!r} is continued with {describe(changed.settings)}")
    return _running_again(record, facts, changed, origin, mode)


def _hindrance(
    options: RunOptions, origin: Origin, record: RunRecord | None, changed: Changes
) -> str:
    """Why a run may not be continued; empty when it may."""
    if record is None:
        return f"its record {origin.identity.get('record')} is not below {options.root.absolute()}"
    if changed.model:
        return f"other values make another model: {describe(changed.model)}"
    if options.id not in (None, record.id):
        return f"its id is {record.id!r}, but id={options.id!r} is in use or was asked for"
    process = record.process or {}
    alive = record.status == "running" and is_alive(process)
    if alive and process.get("pid") != this_process()["pid"]:
        return f"it is still running, in process {process.get('pid')}"
    return ""


def _running_again(
    record: RunRecord, facts: Facts, changed: Changes, origin: Origin, mode: str
) -> RunRecord:
    if mode != "train":  # a test that is added to the training's run leaves its facts alone
        return record
    entry = {"at": now(), "checkpoint": origin.checkpoint, "changed": dict(changed.settings)}
    running = record.replace(
        status="running",
        finished=None,
        ended_by=None,
        process=this_process(),
        hparams={**record.hparams, **{hparam.name: hparam.value for hparam in facts.hparams}},
        config={**record.config, **facts.config, "lr": record.config.get("lr", facts.lr)},
        resumed=(*record.resumed, entry),
    )
    try:
        write_record(running)
    except OSError as error:
        warn_once(f"the run's record could not be updated: {error}", key="update record")
    return running


def _names_of(options: RunOptions, facts: Facts, record: RunRecord) -> Names:
    """A continued run keeps its names, whatever the policy says by now."""
    names = _names(options, facts, record.mode, record.ordinal)
    kept = {key: getattr(record, key) for key in ("project", "run", "stem", "record", "ordinal")}
    if names.stem != record.stem and record.places:
        place = record.places[0]
        kept.update(checkpoint_dir=place.directory, checkpoint_name=place.name)
    return dataclasses.replace(names, **kept)


def names_of(record: RunRecord) -> Names:
    """The names of a run whose facts are another process's."""
    place = record.places[0] if record.places else CheckpointPlace("", "")
    return Names(
        project=record.project,
        run=record.run,
        stem=record.stem,
        checkpoint_dir=place.directory,
        ordinal=record.ordinal,
        checkpoint_name=place.name,
        record=record.record,
    )


def module_digest(module: Any, options: RunOptions) -> str:
    """As in the record of a run of this module."""
    facts = Facts(model="", dataset="", hparams=tuple(describe_module(module).hparams))
    told = without_secrets(facts, options.not_secret)
    return digest_of({one.name: one.value for one in told.hparams})


def _names(
    options: RunOptions, facts: Facts, mode: str, ordinal: int, origin: Origin | None = None
) -> Names:
    names = derive_names(facts, options.policy, options.speech, ordinal=ordinal, mode=mode)
    if origin is not None and mode != "train":
        names = _linked(names, origin, mode)
    project, run = options.project or names.project, options.name or names.run
    return dataclasses.replace(names, project=project, run=run)


def _linked(names: Names, origin: Origin, mode: str) -> Names:
    """`{run}-test` beside `{run}`, in its project, when that is not too long to be a name."""
    again = f"-r{names.ordinal}" if names.ordinal > 1 else ""
    said = {key: origin.identity.get(key) for key in ("run", "stem", "record", "project")}
    run, stem = f"{said['run']}-{mode}{again}", f"{said['stem']}-{mode}{again}"
    known = all(isinstance(text, str) for text in said.values())
    if not known or len(run.encode()) > MAX_RUN_BYTES:
        return names
    record = f"{str(said['record']).removesuffix('.json')}-{mode}{again}.json"
    return dataclasses.replace(
        names, run=run, stem=stem, record=record, project=str(said["project"])
    )


def _claimed(
    options: RunOptions, facts: Facts, mode: str, run_id: str, origin: Origin | None
) -> Started:
    def names_of(ordinal: int) -> Names:
        return _names(options, facts, mode, ordinal, origin)

    def record_of_ordinal(ordinal: int) -> RunRecord:
        record = draft(facts, names_of(ordinal), mode=mode, run_id=run_id, group=options.group)
        return record.replace(origin=origin and origin.told())

    try:
        record = claim(options.root, record_of_ordinal)
    except OSError as error:
        warn_once(
            f"no record of this run could be written below {options.root.absolute()}"
            f" ({error}); it is named, but nothing will find its checkpoints by name",
            key="claim",
        )
        record = record_of_ordinal(1)
    return Started(facts, names_of(record.ordinal), record)


def one_of_the_three(resume: str) -> Resume:
    """The user's word for `resume`, checked.

    Raises:
        ResumeError: it is no such word.
    """
    allowed = get_args(Resume)
    if resume not in allowed:
        raise ResumeError(f"got resume={resume!r}; allowed: {', '.join(map(repr, allowed))}")
    return cast(Resume, resume)


def names_so_far(options: RunOptions, trainer: Any | None) -> dict[str, str]:
    """What `wandb.init` is told of a run that user code asks for before it begins."""
    module = trainer.lightning_module if trainer else None
    name = {"name": options.name} if options.name else {}
    return {"project": project_so_far(options, trainer, module), **name}


def last_of_configuration(options: RunOptions, trainer: Any) -> Path | None:
    """What `ckpt_path="last"` means for the module that is about to be trained."""
    runs = runs_of_configuration(options.root, _facts_so_far(options, trainer))
    return newest_of(runs[0]) if runs else None


def best_of_configuration(options: RunOptions, trainer: Any) -> Path | None:
    """What `ckpt_path="best"` means in a new process: the best one of the run of `"last"`."""
    facts = _facts_so_far(options, trainer)
    if trainer.state.fn != "fit":  # a test may be of other data, and in other batches
        facts = dataclasses.replace(facts, dataset="", batch_size=None)
    runs = runs_of_configuration(options.root, facts)
    return best_of(runs[0]) if runs else None


def _facts_so_far(options: RunOptions, trainer: Any) -> Facts:
    """What is known of a module before its data is loaded."""
    described, loaders = describe_module(trainer.lightning_module), passed_loaders(trainer)
    dataset = options.dataset or dataset_name(trainer.datamodule, loaders)
    return Facts(
        model=options.model or described.model,
        dataset=dataset or ("" if loaders is None else UNKNOWN),
        hparams=described.hparams,
        batch_size=batch_size(trainer, loaders),
    )


def project_so_far(options: RunOptions, trainer: Any | None, module: Any | None) -> str:
    """The project's name from what is known before the run begins; warns if that is little."""
    if options.project:
        return options.project
    described = describe_module(module).model if module is not None else None
    model, dataset = options.model or described, _dataset_so_far(options, trainer)
    if not (model and dataset):
        warn_once(
            "logger.experiment was used before the model and the data are known, so its W&B"
            f" project is named from what is: model={model!r}, dataset={dataset!r}. Pass"
            " ExpNameLogger(model=..., dataset=...) or project=..., or use the logger from"
            " on_train_start on.",
            key="project_so_far",
        )
    facts = Facts(model=model or "model", dataset=dataset or UNKNOWN)
    return derive_names(facts, options.policy, Speech()).project


def _dataset_so_far(options: RunOptions, trainer: Any | None) -> str | None:
    if options.dataset or trainer is None or trainer.datamodule is None:
        return options.dataset
    return dataset_name(trainer.datamodule, None)
