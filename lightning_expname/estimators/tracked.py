"""One run of the ML side: its record, its W&B run, and how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..facts import Facts
from ..introspect.values import plain, plain_entries
from ..naming import NamePolicy, Names, Speech, derive_names
from ..observer import observed, warn_once
from ..records import CheckpointPlace, RunRecord, claim, now, write_record
from ..records.draft import digest_of, named
from ..records.record import Status
from ..redaction import redact
from ..wandb_config import IDENTITY, join_config, render_config, with_own
from ..wandb_session import open_run
from ..wandb_settings import init_arguments, with_defaults

ROOT: Final = "save_model"
"""The folder below the root directory that saved models lie in, as `checkpoints` on the DL side."""

POLICY: Final[Mapping[str, str]] = {
    "project": "{model}-{dataset}",
    "stem": "num_folds{num_folds}",
    "run": "{features}-{stem}",
    "checkpoint": "{model}/{dataset}/{features}/{stem}",
}
_ALPHABET: Final = string.ascii_lowercase + string.digits
_EXIT_CODES: Final[Mapping[str, int]] = {"finished": 0, "pruned": 0, "interrupted": 255}


@dataclass(frozen=True)
class Options:
    """What the user fixed by hand about runs; see `ExpNameClassifier`."""

    root: Path
    policy: NamePolicy
    project: str | None = None
    name: str | None = None
    wandb: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, model: Any) -> Options:
        """The options among a wrapper's parameters.

        Raises:
            TemplateError: `policy` is not valid.
        """
        root = Path(model.root_dir)
        return cls(
            root=root,
            policy=policy_of(model.policy),
            project=model.project,
            name=model.name,
            wandb=init_arguments(
                root=root,
                offline=model.offline,
                entity=model.entity,
                group=model.group,
                tags=model.tags,
                job_type=None,
                notes=model.notes,
                extra=model.wandb_kwargs,
            ),
        )

    def names(self, facts: Facts, mode: str, ordinal: int) -> Names:
        """The names of a run."""
        names = derive_names(facts, self.policy, Speech(), ordinal=ordinal, mode=mode, root=ROOT)
        run = self.name if self.name and mode == "train" else names.run
        return dataclasses.replace(names, project=self.project or names.project, run=run)


def policy_of(policy: NamePolicy | Mapping[str, Any] | None) -> NamePolicy:
    """The ML side's templates, with those that the user changed."""
    if isinstance(policy, Mapping) or policy is None:
        return NamePolicy.of({**POLICY, **(policy or {})})
    return NamePolicy.of(policy)


def folder_of(names: Names) -> str:
    """The saved model's folder, relative to the root."""
    return f"{names.checkpoint_dir}/{names.checkpoint_name}"


class TrackedRun:
    """A record that was claimed, and the W&B run of the same names."""

    def __init__(self, options: Options, facts: Facts, mode: str, ordinal: int = 1) -> None:
        """Claims the names.

        Args:
            ordinal: the first to be tried: a test of the second training is the second test.
        """
        self.options, self.facts, self.mode = options, facts, mode
        self.record = _claimed(options, facts, mode, ordinal)
        self.names = options.names(facts, mode, self.record.ordinal)
        self.experiment: Any = None
        self._ours: dict[str, Any] = {}  # the config, as recorded
        self._own: dict[str, Any] = {}  # the config, as the user set it
        self.is_trial = False

    @observed
    def start(self, config: Mapping[str, Any]) -> None:
        """Starts the W&B run: offline where the server is away; without any, training goes on."""
        import wandb

        options, record = self.options, self.record
        arguments = {
            "reinit": "create_new",  # W&B would hand out the run that is open already
            "job_type": self.mode,
            **options.wandb,
            "id": record.id,  # one id: the record's run is W&B's
            "project": record.project,
            "name": record.run,
            "settings": with_defaults(options.wandb.get("settings")),
        }
        self._own, self._ours = arguments.pop("config", {}), whole_config(record, config)
        whole = with_own(self._ours, self._own)
        self.experiment = open_run(
            lambda: wandb.init(config=whole, **arguments), arguments, continued=False
        )
        if arguments["id"] != record.id:  # offline, since the server was away
            self.update(id=arguments["id"])
            self.configure({IDENTITY: {**identity(self.record), **config.get(IDENTITY, {})}})
        self.update(url=self.experiment.url if self.experiment.url else None)

    def update(self, **changes: Any) -> None:
        """Changes the record, in memory and on disk."""
        self.record = self.record.replace(**changes)
        if self.record.path is None:
            return
        try:
            write_record(self.record)
        except OSError as error:
            warn_once(f"the run's record could not be updated: {error}", key="update record")

    @observed
    def log(self, row: Mapping[str, Any]) -> None:
        """One row of W&B's history."""
        if self.experiment is not None:
            self.experiment.log(dict(row))

    @observed
    def summarise(self, values: Mapping[str, Any]) -> None:
        """Values for W&B's summary."""
        if self.experiment is not None:
            self.experiment.summary.update({key: plain(value) for key, value in values.items()})

    @observed
    def configure(self, values: Mapping[str, Any]) -> None:
        """What is known only later: the parameters as the library resolved them."""
        if self.experiment is not None and values:
            self._ours.update(render_config(redact(plain_entries(values))))
            whole = with_own(self._ours, self._own)
            self.experiment.config.update(whole, allow_val_change=True)

    @observed
    def define(self, pattern: str, step: str) -> None:
        """Which field W&B draws a group of metrics against."""
        if self.experiment is not None:
            self.experiment.define_metric(step)
            self.experiment.define_metric(pattern, step_metric=step)

    def end(self, status: Status) -> None:
        """Notes how the run ended, and finishes the W&B run."""
        self.update(status=status, finished=now())
        if self.is_trial:
            self._summarise_trial(status)
        self._finish(_EXIT_CODES.get(status, 1))

    def close(self) -> None:
        """Finishes the W&B run of what is over already."""
        if self.experiment is not None:
            with contextlib.suppress(Exception):  # W&B may be gone, with all its runs
                self.experiment.finish()

    def _summarise_trial(self, status: Status) -> None:
        is_complete = status == "finished"
        value = {"trial_value": self.record.score} if is_complete else {}
        state = "COMPLETE" if is_complete else status.upper()
        self.summarise({"trial_state": state, **value})

    @observed
    def _finish(self, exit_code: int) -> None:
        if self.experiment is not None:
            self.experiment.finish(exit_code=exit_code)


def whole_config(record: RunRecord, sections: Mapping[str, Any]) -> dict[str, Any]:
    """W&B's config: parameters flat under their own names, then the sections."""
    whole = plain_entries(sections)
    whole[IDENTITY] = {**identity(record), **sections.get(IDENTITY, {})}
    return render_config(redact(join_config(record.hparams, whole)))


def identity(record: RunRecord) -> dict[str, Any]:
    """What W&B's config says of the run, so that it finds the saved model."""
    keys = ("id", "project", "run", "stem", "model", "dataset", "record", "mode", "ordinal")
    said = {key: getattr(record, key) for key in (*keys, "digest")}
    folder = record.record.removesuffix(".json") if record.mode == "train" else None
    return {**said, "checkpoint": folder}


def _claimed(options: Options, facts: Facts, mode: str, first: int) -> RunRecord:
    run_id = "".join(secrets.choice(_ALPHABET) for _ in range(8))

    def record_of(ordinal: int) -> RunRecord:
        names = options.names(facts, mode, first + ordinal - 1)
        return _new_record(facts, names, mode, run_id).replace(group=options.wandb.get("group"))

    return claim_or_warn(options.root, record_of)


def claim_or_warn(root: Path, record_of: Callable[[int], RunRecord]) -> RunRecord:
    """The claimed record; without a path, and with one warning, where the disk refuses."""
    try:
        return claim(root, record_of)
    except OSError as error:
        warn_once(
            f"no record of this run could be written below {root.absolute()} ({error}); it is"
            " named, but nothing will find its model by name",
            key="claim",
        )
        return record_of(1)


def _new_record(facts: Facts, names: Names, mode: str, run_id: str) -> RunRecord:
    folder = folder_of(names)
    hparams = redact({hparam.name: hparam.value for hparam in facts.hparams})
    return RunRecord(
        id=run_id,
        **named(facts, names),
        kind="ml",
        mode=mode,
        hparams=hparams,
        config=redact({key: plain(value) for key, value in facts.config.items()}),
        created=now(),
        places=(CheckpointPlace(folder, "fold{fold}"),) if mode == "train" else (),
        digest=digest_of({**hparams, "features": str(facts.fields.get("features"))}),
    )
