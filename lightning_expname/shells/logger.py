"""What `ExpNameLogger` does: Lightning's WandbLogger, with a run that names itself.

The W&B run is created late, when everything that names it is known. Lightning touches
`experiment` earlier, before any setup hook; that touch is recognised and only used to bring the
callback along.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Mapping, Sequence
from multiprocessing.context import get_spawning_popen
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lightning_utilities.core.rank_zero import rank_zero_only

from .. import ends
from ..beginning import RunOptions, names_so_far, one_of_the_three
from ..hand_back import HandBack, is_launched
from ..introspect.capture import install_by_default, uncapture_init
from ..lifecycle import Lifecycle
from ..naming import NamePolicy, Names, Speech
from ..observer import observed
from ..performance import leading_checkpoint
from ..records import CheckpointPlace, RunRecord
from ..records.record import Status
from ..redaction import patterns
from ..resume import Origin
from ..setup_touch import asked_checkpoint, setup_touch
from ..wandb_session import is_owned, users_own_id
from ..wandb_settings import FINISH_TIMEOUT, init_arguments, new_id, with_defaults
from .flavour import Shell, live_loggers, new_callback, require_flavour
from .run_logger import RunLogger

if TYPE_CHECKING:
    from lightning.pytorch import Callback, LightningModule, Trainer

install_by_default()


def logger_of(trainer: Trainer) -> LoggerShell | None:
    """The first logger of ours that a Trainer has."""
    return next((one for one in trainer.loggers if isinstance(one, LoggerShell)), None)


class LoggerShell(Shell, RunLogger):
    """A W&B logger whose project, run and checkpoints name themselves after the model.

    The int and categorical arguments of the model's constructor are spoken in the run's name and
    in the checkpoints' names; floats and everything else go to the W&B config. The module needs
    no `save_hyperparameters()`.

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
        finish_timeout: float = FINISH_TIMEOUT,
        entity: str | None = None,
        group: str | None = None,
        tags: Sequence[str] | None = None,
        job_type: str | None = None,
        notes: str | None = None,
        capture: bool = True,
        not_secret: Sequence[str] = (),
        wandb_kwargs: dict[str, Any] | None = None,
    ) -> None:
        """All arguments may be left out.

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
            finish_timeout: seconds to wait at most, at the end, for a W&B server that is away.
            entity, group, tags, job_type, notes: as in `wandb.init`.
            capture: whether constructors' arguments are recorded from now on, see `capture_init`.
            not_secret: keys (or patterns, `model.*_token`) that sound like secrets and are none:
                their values are recorded as they are instead of `<redacted>`.
            wandb_kwargs: further arguments of `wandb.init`.

        Raises:
            TemplateError: a template of `policy` is not valid.
            HparamError: `aliases` are empty or ambiguous; at the start of training, `include` or
                `exclude` name a hyper-parameter that does not exist.
        """
        allow = patterns(not_secret)
        arguments = init_arguments(
            root=Path(root_dir),
            offline=offline,
            entity=entity,
            group=group,
            tags=tags,
            job_type=job_type,
            notes=notes,
            extra=wandb_kwargs,
            allow=allow,
        )
        options = RunOptions(
            dataset=dataset,
            model=model,
            project=project or os.environ.get("WANDB_PROJECT"),
            name=name or os.environ.get("WANDB_NAME"),
            root=Path(os.path.abspath(root_dir)),  # a training may change its directory
            policy=NamePolicy.of(policy),
            speech=Speech(include=include, exclude=exclude, aliases=aliases),
            not_secret=allow,
            group=arguments.get("group"),
            resume=one_of_the_three(resume),
            id=id or os.environ.get("WANDB_RUN_ID"),
        )
        run_id = options.id or new_id()
        directory = arguments.pop("dir", None)
        super().__init__(
            id=run_id, save_dir=directory, log_model=log_model, project=options.project, **arguments
        )
        self._wandb_init.pop("anonymous", None)  # W&B warns of it, whatever its value
        settings = self._wandb_init.get("settings")
        self._wandb_init["settings"] = with_defaults(settings, finish_timeout)
        self._save_dir = str(options.root)
        self._project = options.project or "lightning_expname"
        self._lifecycle = Lifecycle(options)
        self._not_secret = options.not_secret
        self._note = HandBack()
        self.asked: str | None = None  # the `ckpt_path` of the fit that is under way
        self.origin: Origin | None = None  # the run whose checkpoint is loaded
        self._signals = ends.SignalWatch(self._signalled)
        self._trainer: weakref.ref[Trainer] | None = None
        install_by_default() if capture else uncapture_init()
        live_loggers.add(self)

    @property
    def names(self) -> Names | None:
        """The run's names; None until training (or another mode) starts."""
        self._take_back()
        return self._lifecycle.names

    @property
    def record(self) -> RunRecord | None:
        """The run's record; None until training (or another mode) starts."""
        self._take_back()
        return self._lifecycle.record

    @property
    def options(self) -> RunOptions:
        """What the user fixed by hand."""
        return self._lifecycle.options

    @property
    def name(self) -> str | None:
        """The W&B project, as in WandbLogger; the run's own name is `names.run`."""
        return self._lifecycle.names.project if self._lifecycle.names else self._project

    @property
    def experiment(self) -> Any:
        """The W&B run. Used before training starts, it is created at once and renamed later."""
        if trainer := setup_touch(sys._getframe(1)):
            self._attach(trainer)
            self.asked = asked_checkpoint(sys._getframe(1))
            if self._experiment is None and not self._wandb_init.get("sync_tensorboard"):
                return None
        return self._real_experiment

    def _attach(self, trainer: Trainer) -> None:
        """Remembers the trainer and puts one callback of ours first, wherever it came from."""
        from .callbacks import CallbackShell

        require_flavour(self, trainer)
        self._trainer, self._logged_since = weakref.ref(trainer), {}
        self._is_between = self._lifecycle.record is not None
        listed: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]  # set by a connector
        ours: list[Callback] = [one for one in listed if isinstance(one, CallbackShell)]
        others = [one for one in listed if not isinstance(one, CallbackShell)]
        listed[:] = [*(ours[:1] or [new_callback(self.flavour)]), *others]

    def _known_names(self) -> dict[str, str]:
        if names := self._lifecycle.names:
            return {"project": names.project, "name": names.run}
        return names_so_far(self.options, self._trainer and self._trainer())

    def _known_config(self) -> dict[str, Any]:
        return self._lifecycle.config(self._logged) if self._tells_config else self._logged

    def _take_back(self) -> None:
        """What a launched process has begun under this logger's name is this logger's run."""
        if self._lifecycle.is_elsewhere and (record := self._note.take()):
            self._lifecycle.take_back(record)
            self._id = self._wandb_init["id"] = record.id
            self._continued = True

    def continues(self, module: LightningModule, mode: str, *, anew: bool = False) -> bool:
        """Whether this mode of this module belongs to the run that is under way.

        A training `anew`, from its first step on, is a run of its own: another fold, for one.
        """
        record, origin = self.record, self.origin
        if record is None or self._closed or not self._lifecycle.belongs_to(module):
            return False
        if anew and record.mode == "train":
            return False
        if origin is not None and origin.run_id != record.id:
            return False
        return record.mode in ("train", mode)

    def begin_run(self, trainer: Trainer, module: LightningModule, mode: str) -> bool:
        """Names the run and starts it on W&B; called once for each, by the callback.

        Returns:
            Whether the run of the checkpoint is continued.
        """
        if self._lifecycle.record is not None:
            self._forget_run()
        started = self._lifecycle.begin(
            trainer,
            module,
            mode=mode,
            run_id=str(self._id),
            origin=self.origin,
            own_id=users_own_id(),
        )
        self._id = started.record.id
        if self._experiment is None:
            self._wandb_init["id"] = started.record.id
        self._continued, self._ending = started.continued, ends.FINISHED
        self._lifecycle_to_wandb(mode)
        self._lifecycle.agree(trainer)
        self._id = self._lifecycle.record.id if self._lifecycle.record else self._id
        return started.continued

    @rank_zero_only
    @observed
    def _lifecycle_to_wandb(self, mode: str) -> None:
        names = self._lifecycle.names
        assert names is not None
        self._signals.start()
        ends.tell_at_exit(self)
        self._set_job_type("train" if self._continued else mode)
        if self._continued:
            self._leave_early_run(str(self._id))
        # a test that is added to a training's run leaves its config alone
        self._tells_config = mode == "train" or not self._continued
        run = self._real_experiment
        if run.name != names.run and not self._adopted:
            run.name = names.run
        told = {"id": run.id, "url": run.url, "run": run.name, "project": run.project}
        self._lifecycle.update(**{key: value for key, value in told.items() if value})
        self._send_config()  # the run may be older, or have another id than was asked for

    def _forget_run(self) -> None:
        """Another module is trained with this logger: a new experiment, so a new run."""
        run = self._experiment
        if run is not None and is_owned(run) and not self._closed:
            run.finish(exit_code=self._ending.exit_code)
        self._experiment = None
        self._id = self._wandb_init["id"] = new_id()
        self._checkpoint_name = None
        self._closed = self._tells_config = self._is_between = False
        self._logged, self._sent = dict(self._logged_since), {}

    def goes_on(self, trainer: Trainer, module: LightningModule) -> None:
        """Another mode of the run that is under way."""
        self._lifecycle.goes_on(trainer, module)
        self._is_between = False
        self._logged.update(self._logged_since)
        self._send_config()

    def reopen_run(self) -> None:
        """More training of the same module: the record says so."""
        self._ending = ends.FINISHED
        self._lifecycle.update(status="running", finished=None, ended_by=None)

    def begin_performance(self, trainer: Trainer, mode: str) -> None:
        """Starts the clock of a mode, and has W&B show the best value of the monitored metric."""
        performance = self._lifecycle.performance
        performance.begin(trainer, mode)
        if performance.monitored is not None and self._experiment is not None:
            self._show_best(performance.monitored)

    def note_performance(self, trainer: Trainer, epoch: int) -> None:
        """After a validation and after an epoch: the monitored metric may have a new best."""
        self._lifecycle.performance.note(trainer, epoch)

    @observed
    def put_performance(self, trainer: Trainer) -> None:
        """At the end of a mode, also of one that failed: the final performance."""
        mode = trainer.state.fn.value.replace("fit", "train") if trainer.state.fn else "train"
        if self._lifecycle.record is not None and not self._closed:
            self.put_summary(self._lifecycle.performed(trainer, mode))

    def end_run(self, status: Status | ends.Ending) -> None:
        """Notes in the record how the run ended; W&B is told in `finalize` or `close_run`."""
        self._signals.stop()
        self._ending = status if isinstance(status, ends.Ending) else ends.ending_from(status)
        self._lifecycle.end(self._ending)

    def _signalled(self, ending: ends.Ending) -> None:
        """A signal ends the process now."""
        self.end_run(ending)
        self._finish()

    def process_ends(self) -> None:
        """The process ends: a run that is open yet ends as the process does."""
        if self._closed or not is_owned(self._experiment):
            return
        if ending := ends.at_process_end(self._lifecycle.record):
            self.end_run(ending)
        self._finish()

    def identity(self) -> dict[str, Any]:
        """What a checkpoint carries to find its run; empty before the run has begun."""
        return self._lifecycle.identity()

    def place_checkpoints(self, places: tuple[CheckpointPlace, ...]) -> None:
        """Notes where the checkpoint callbacks really write."""
        self._lifecycle.place_checkpoints(places)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Uploads what `log_model` asks, after a failure too, and then tells W&B of the failure.

        A success leaves the run open: a test after the fit belongs to it. So does the requeueing
        of a SLURM job (`"finished"`): it goes on until the scheduler ends it.
        """
        super().finalize("success")
        trainer = self._trainer and self._trainer()
        if status == "success" and trainer and is_launched(trainer):
            self._hand_back()
        if status == "finished":
            self._lifecycle.end(ends.REQUEUED)
            self._requeued()
        elif status != "success":
            if self._ending == ends.FINISHED:  # no callback of ours was told why
                self._ending = ends.ending_from("failed")
            self._finish()

    @observed
    def _hand_back(self) -> None:
        """The process ends with this mode, without a word to W&B."""
        if is_owned(self._experiment):
            self._finish()
        if self._lifecycle.record is not None:
            self._note.leave(self._lifecycle.record)

    @rank_zero_only
    def close_run(self) -> None:
        """Ends the W&B run now, as the record says it ended; nothing may be added to it."""
        if self._lifecycle.record is not None:
            self._finish()

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Notes best and last checkpoint in record and summary; uploads what `log_model` asks."""
        self._note_checkpoint(checkpoint_callback)
        super().after_save_checkpoint(checkpoint_callback)

    @observed
    def _note_checkpoint(self, checkpoint_callback: Any) -> None:
        trainer = self._trainer and self._trainer()
        # equal, not identical: Lightning gives a weak proxy of the callback
        leads = trainer is None or checkpoint_callback == leading_checkpoint(trainer)
        self.put_summary(self._lifecycle.saved(checkpoint_callback, leads=leads))

    def __getstate__(self) -> dict[str, Any]:
        """A copy that is made before the run begins gets a run of its own, with its own id."""
        state = super().__getstate__()
        is_fresh = self._lifecycle.record is None and self.options.id is None
        if is_fresh and get_spawning_popen() is None:  # else a launcher's process has this very run
            run_id = new_id()
            state |= {"_id": run_id, "_wandb_init": {**self._wandb_init, "id": run_id}}
        return state
