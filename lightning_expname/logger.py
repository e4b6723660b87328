"""`ExpNameLogger`: Lightning's WandbLogger, with a run that names itself.

The W&B run is created late, when everything that names it is known. Lightning touches
`experiment` earlier, before any setup hook; that touch is recognised and only used to bring the
callback along.
"""

from __future__ import annotations

import os
import secrets
import string
import sys
import weakref
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.fabric.utilities.logger import _convert_params
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from .introspect.capture import install_by_default
from .introspect.values import plain
from .lifecycle import Lifecycle, RunOptions
from .naming import NamePolicy, Names, Speech
from .observer import observed
from .performance import Monitored
from .records import CheckpointPlace, RunRecord
from .records.record import Status
from .redaction import redact
from .wandb_config import render_config
from .wandb_settings import init_arguments, with_quick_flush

if TYPE_CHECKING:
    from lightning.pytorch import Callback, LightningModule, Trainer

install_by_default()

_live: weakref.WeakSet[ExpNameLogger] = weakref.WeakSet()
_owned: set[str] = set()  # ids of the W&B runs that our loggers created in this process
_EXIT_CODES = {"interrupted": 255, "pruned": 0}  # 255 is what W&B itself gives an interrupted run


def live_callbacks() -> list[Callback]:
    """The callback that Lightning adds to a Trainer, while a logger of ours is alive."""
    from .callbacks import ExpNameCallback

    return [ExpNameCallback()] if len(_live) else []


class ExpNameLogger(WandbLogger):
    """A W&B logger whose project, run and checkpoints name themselves after the model.

    The int and categorical arguments of the model's constructor are spoken in the run's name and
    in the checkpoints' names; floats and everything else go to the W&B config. The module needs
    no `save_hyperparameters()`.

    Args:
        dataset: the training data's name; found on the datamodule or dataset when None.
        model: the model's name; its class name when None.
        include: exactly these hyper-parameters are spoken, in this order.
        exclude: these are not spoken.
        aliases: how a name is spoken: `{"num_attention_heads": "heads"}`.
        policy: templates and limits, see `NamePolicy`; a dict in YAML.
        root_dir: where `checkpoints/` and W&B's own folder go.
        name: the W&B run's name, instead of the one derived.
        project: the W&B project, instead of the one derived.
        id: the W&B run id; a new one when None.
        offline: write W&B's files only, for a later `wandb sync`.
        resume: what a checkpoint's identity means: continue its run (`auto`), never, or always
            (`must`).
        log_model: upload checkpoints as artifacts: `True` at the end, `"all"` at once.
        entity, group, tags, job_type, notes: as in `wandb.init`.
        capture: whether constructors' arguments are recorded from now on, see `capture_init`.
        not_secret: keys (or patterns, `model.*_token`) that sound like secrets and are none: their
            values are recorded as they are instead of `<redacted>`.
        wandb_kwargs: further arguments of `wandb.init`.

    Raises:
        TemplateError: a template of `policy` is not valid.
        HparamError: `aliases` are empty or ambiguous; at the start of training, `include` or
            `exclude` name a hyper-parameter that does not exist.

    Example:
        >>> trainer = Trainer(logger=ExpNameLogger(dataset="KEMDy19"))
        >>> trainer.fit(lit, train_loader, val_loader)
        >>> trainer.logger.names.run
        'd_model1024-n_heads8-n_layers4-bs64-lr1e-05'
    """

    def __init__(
        self,
        *,
        dataset: str | None = None,
        model: str | None = None,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        aliases: Mapping[str, str] | None = None,
        policy: NamePolicy | dict[str, Any] | None = None,
        root_dir: str | os.PathLike[str] = ".",
        name: str | None = None,
        project: str | None = None,
        id: str | None = None,
        offline: bool = False,
        resume: Literal["auto", "never", "must"] = "auto",
        log_model: Literal["all"] | bool = False,
        entity: str | None = None,
        group: str | None = None,
        tags: Sequence[str] | None = None,
        job_type: str | None = None,
        notes: str | None = None,
        capture: bool = True,
        not_secret: Sequence[str] = (),
        wandb_kwargs: dict[str, Any] | None = None,
    ) -> None:
        options = RunOptions(
            dataset=dataset,
            model=model,
            project=project or os.environ.get("WANDB_PROJECT"),
            name=name or os.environ.get("WANDB_NAME"),
            root=Path(root_dir),
            policy=NamePolicy.of(policy),
            speech=Speech(include=include, exclude=exclude, aliases=aliases),
            not_secret=(not_secret,) if isinstance(not_secret, str) else tuple(not_secret),
            group=group,
        )
        arguments = init_arguments(
            root=options.root,
            offline=offline,
            entity=entity,
            group=group,
            tags=tags,
            job_type=job_type,
            notes=notes,
            extra=wandb_kwargs,
        )
        run_id = id or os.environ.get("WANDB_RUN_ID") or _new_id()
        directory = arguments.pop("dir", None)
        super().__init__(
            id=run_id, save_dir=directory, log_model=log_model, project=options.project, **arguments
        )
        self._wandb_init.pop("anonymous", None)  # W&B warns of it, whatever its value
        self._wandb_init["settings"] = with_quick_flush(self._wandb_init.get("settings"))
        self._save_dir = str(options.root)
        self._project = options.project or "lightning_expname"
        self._lifecycle = Lifecycle(options)
        self._resume = resume
        self._trainer: weakref.ref[Trainer] | None = None
        self._watched: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self._pending_config: dict[str, Any] = {}
        self._closed = False  # the run ended badly: nothing may be added to it
        self._adopted = False  # the run is the user's own: `wandb.init` came before us
        if not capture:
            from .introspect.capture import uncapture_init

            uncapture_init()
        _live.add(self)

    @property
    def names(self) -> Names | None:
        """The run's names; None until training (or another mode) starts."""
        return self._lifecycle.names

    @property
    def record(self) -> RunRecord | None:
        """The run's record; None until training (or another mode) starts."""
        return self._lifecycle.record

    @property
    def root(self) -> Path:
        """The directory that `checkpoints/` lies in."""
        return self._lifecycle.options.root

    @property
    def name(self) -> str | None:
        """The W&B project, as in WandbLogger; the run's own name is `names.run`."""
        return self._lifecycle.names.project if self._lifecycle.names else self._project

    @property
    def experiment(self) -> Any:
        """The W&B run. Used before training starts, it is created at once and renamed later."""
        if trainer := _setup_touch(sys._getframe(1)):
            self._attach(trainer)
            if self._experiment is None and not self._wandb_init.get("sync_tensorboard"):
                return None
        return self._real_experiment

    @property
    @rank_zero_experiment
    def _real_experiment(self) -> Any:
        if self._experiment is None:
            self._create_run()
        return self._experiment

    def _attach(self, trainer: Trainer) -> None:
        """Remembers the trainer and puts one callback of ours first, wherever it came from."""
        from .callbacks import ExpNameCallback

        self._trainer = weakref.ref(trainer)
        listed: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]  # set by a connector
        ours = [one for one in listed if isinstance(one, ExpNameCallback)]
        others = [one for one in listed if not isinstance(one, ExpNameCallback)]
        listed[:] = [*(ours[:1] or [ExpNameCallback()]), *others]

    def _create_run(self) -> None:
        """Starts the W&B run, in the project that is known by now."""
        import wandb

        self._make_way()
        self._adopted = wandb.run is not None
        if getattr(self, "_attach_id", None) is None and not self._adopted:
            self._wandb_init.update(self._known_names())
        run = super().experiment
        if not self._adopted:
            _owned.add(run.id)
        self._id = run.id
        for args, kwargs in self._watched:
            run.watch(*args, **kwargs)
        self._watched.clear()
        if self._pending_config:
            run.config.update(self._pending_config, allow_val_change=True)
            self._pending_config = {}

    def _make_way(self) -> None:
        """A run that an earlier logger of ours left open ends here; a user's own run is used."""
        import wandb

        if wandb.run is not None and wandb.run.id in _owned and wandb.run.id != self._id:
            wandb.run.finish()

    def _known_names(self) -> dict[str, str]:
        if names := self._lifecycle.names:
            return {"project": names.project, "name": names.run}
        trainer = self._trainer() if self._trainer else None
        module = trainer.lightning_module if trainer else None
        project = self._lifecycle.project_so_far(trainer, module)
        name = self._lifecycle.options.name
        return {"project": project, **({"name": name} if name else {})}

    def watch(self, model: Any, *args: Any, **kwargs: Any) -> None:
        """As `WandbLogger.watch`; kept until the run exists when it is called before `fit`."""
        if self._experiment is None:
            self._watched.append(((model, *args), kwargs))
        else:
            super().watch(model, *args, **kwargs)

    @rank_zero_only
    @observed
    def log_hyperparams(
        self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any
    ) -> None:
        """Adds to the config; kept until the run exists. No callable among the values is called."""
        given = {str(key): plain(value) for key, value in _convert_params(params).items()}
        config = render_config(redact(given, allow=self._lifecycle.options.not_secret))
        if self._experiment is None:
            self._pending_config.update(config)
        else:
            self._experiment.config.update(config, allow_val_change=True)

    def continues(self, module: LightningModule, mode: str) -> bool:
        """Whether this mode of this module belongs to the run that is under way."""
        record = self._lifecycle.record
        if record is None or self._closed or not self._lifecycle.belongs_to(module):
            return False
        return record.mode in ("train", mode)

    def begin_run(self, trainer: Trainer, module: LightningModule, mode: str) -> None:
        """Names the run and starts it on W&B; called once for each, by the callback."""
        if self._lifecycle.record is not None:
            self._forget_run()
        self._lifecycle.begin(trainer, module, mode=mode, run_id=str(self._id))
        self._lifecycle_to_wandb(mode)

    @rank_zero_only
    def _lifecycle_to_wandb(self, mode: str) -> None:
        names = self._lifecycle.names
        assert names is not None
        if mode != "train":
            self._wandb_init.setdefault("job_type", mode)
        run = self._real_experiment
        if run.name != names.run and not self._adopted:
            run.name = names.run
        told = {"id": run.id, "url": run.url, "run": run.name, "project": run.project}
        self._lifecycle.update(**{key: value for key, value in told.items() if value})
        run.config.update(render_config(self._lifecycle.config()), allow_val_change=True)

    def _forget_run(self) -> None:
        """Another module is trained with this logger: a new experiment, so a new run."""
        if self._experiment is not None and self._experiment.id in _owned:
            self._experiment.finish()
        self._experiment = None
        self._id = self._wandb_init["id"] = _new_id()
        self._checkpoint_name = None
        self._closed = False

    def reopen_run(self) -> None:
        """More training of the same module: the record says so."""
        self._lifecycle.update(status="running", finished=None)

    def begin_performance(self, trainer: Trainer, mode: str) -> None:
        """Starts the clock of a mode, and has W&B show the best value of the monitored metric."""
        performance = self._lifecycle.performance
        performance.begin(trainer, mode)
        if performance.monitored is not None and self._experiment is not None:
            self._show_best(performance.monitored)

    @observed
    def _show_best(self, monitored: Monitored) -> None:
        """With an explicit definition W&B forgets the step that Lightning gave to all metrics."""
        self._real_experiment.define_metric(
            monitored.metric,
            step_metric="trainer/global_step",
            step_sync=True,
            summary=monitored.direction,
        )

    def note_performance(self, trainer: Trainer, epoch: int) -> None:
        """After a validation and after an epoch: the monitored metric may have a new best."""
        self._lifecycle.performance.note(trainer, epoch)

    @observed
    def put_performance(self, trainer: Trainer) -> None:
        """At the end of a mode, also of one that failed: the final performance."""
        mode = trainer.state.fn.value.replace("fit", "train") if trainer.state.fn else "train"
        if self._lifecycle.record is not None and not self._closed:
            self.put_summary(self._lifecycle.performed(trainer, mode))

    def end_run(self, status: Status) -> None:
        """Notes in the record how the run ended; W&B is told in `finalize`."""
        self._lifecycle.end(status)

    def identity(self) -> dict[str, Any]:
        """What a checkpoint carries to find its run; empty before the run has begun."""
        return self._lifecycle.identity()

    def place_checkpoints(self, places: tuple[CheckpointPlace, ...]) -> None:
        """Notes where the checkpoint callbacks really write."""
        self._lifecycle.place_checkpoints(places)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Uploads what `log_model` asks, after a failure too, and then tells W&B of the failure.

        A success leaves the run open: a test after the fit belongs to it.
        """
        super().finalize("success")
        if status != "success":
            self._finish_failed()

    @observed
    def _finish_failed(self) -> None:
        record, run = self._lifecycle.record, self._experiment
        self._closed = True
        if run is not None:
            run.finish(exit_code=_EXIT_CODES.get(record.status if record else "failed", 1))

    @rank_zero_only
    @observed
    def close_run(self) -> None:
        """Ends the W&B run now, as the record says it ended; nothing may be added to it."""
        record, run = self._lifecycle.record, self._experiment
        self._closed = True
        if run is not None and record is not None and not self._adopted:
            finished = record.status in ("finished", "running")
            run.finish(exit_code=0 if finished else _EXIT_CODES.get(record.status, 1))

    @rank_zero_only
    def put_summary(self, summary: Mapping[str, Any]) -> None:
        """Adds to the W&B summary, if the run exists."""
        if self._experiment is not None and summary and not self._closed:
            self._experiment.summary.update(dict(summary))

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Notes best and last checkpoint in record and summary; uploads what `log_model` asks."""
        self._note_checkpoint(checkpoint_callback)
        super().after_save_checkpoint(checkpoint_callback)

    @observed
    def _note_checkpoint(self, checkpoint_callback: Any) -> None:
        self.put_summary(self._lifecycle.saved(checkpoint_callback))

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles create no run, but for the `spawn` launcher, which attaches to it."""
        from multiprocessing.context import get_spawning_popen

        if get_spawning_popen() is not None:
            state: dict[str, Any] = super().__getstate__()
        else:
            state = {**self.__dict__, "_experiment": None}
        return {**state, "_trainer": None, "_watched": []}


def _new_id() -> str:
    """Eight lower-case letters and digits, as W&B's own ids; not from the seeded generator."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))


def _setup_touch(frame: FrameType | None) -> Trainer | None:
    """The trainer, if the caller is Lightning's own touch before the setup hooks.

    `lightning.pytorch.trainer.call._call_setup_hook` (seen in 2.2 to 2.6) asks every logger for
    its experiment. Should it be renamed, the run is created early and renamed later.
    """
    if frame is None or frame.f_code.co_name != "_call_setup_hook":
        return None
    if not frame.f_globals.get("__name__", "").endswith("trainer.call"):
        return None
    trainer: Trainer | None = frame.f_locals.get("trainer")
    return trainer
