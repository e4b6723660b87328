"""The W&B side of `ExpNameLogger`: one run, opened late, finished with the right exit code.

The shells stand on no flavour of Lightning: each flavour puts its own classes under them.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lightning_utilities.core.rank_zero import rank_zero_only

from .. import ends
from ..introspect.values import plain_entries
from ..observer import observed, warn_once
from ..performance import Monitored
from ..redaction import redact
from ..wandb_config import render_config, with_own
from ..wandb_session import is_over, is_owned, make_way, open_run, own_config

if TYPE_CHECKING:  # both flavours have the same methods
    from lightning.pytorch.loggers import WandbLogger
else:
    WandbLogger = object


class RunLogger(WandbLogger):
    """Lightning's WandbLogger with a run whose beginning and end are somebody else's decision."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._continued = False  # the W&B run began in an earlier process
        self._closed = False  # the run ended: nothing may be added to it
        self._adopted = False  # the run is the user's own: `wandb.init` came before us
        self._ending = ends.FINISHED
        self._has_modes_job = False  # the run's `job_type` is its mode, not the user's word
        self._watched: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self._own_config: dict[str, Any] = self._wandb_init.pop("config", None) or {}
        self._logged: dict[str, Any] = {}  # hyper-parameters, by Lightning or by hand
        self._logged_since: dict[str, Any] = {}  # of them, since the last Trainer was attached
        self._is_between = False  # attached anew: to more of this run, or to another one?
        self._sent: dict[str, Any] = {}  # of the config, to this run
        self._tells_config = False  # whether the facts of this run are its config
        self._not_secret: tuple[str, ...] = ()  # what the user says is none

    def _known_names(self) -> dict[str, str]:
        """Project and name, as far as they are known when the run is opened; W&B finds others."""
        return {}

    def _known_config(self) -> dict[str, Any]:
        """The config that is known by now."""
        return self._logged

    def process_ends(self) -> None:
        """The process ends; the run may be open yet."""
        self._finish()

    @property
    def _real_experiment(self) -> Any:
        if getattr(rank_zero_only, "rank", 0) > 0:  # set by Lightning
            return self._init_run()  # Lightning's stand-in, which takes everything and does nothing
        if not self._closed and is_over(self._experiment):
            self._take_up_again()
        elif self._experiment is None:
            self._create_run()
        return self._experiment

    @property
    def _open_experiment(self) -> Any | None:
        """The run, if it exists and may be added to."""
        return None if self._experiment is None or self._closed else self._real_experiment

    def _create_run(self) -> None:
        """Starts the W&B run, in the project that is known by now."""
        import wandb

        make_way()
        is_beside = wandb.run is not None and self._wandb_init.get("reinit") == "create_new"
        self._adopted = wandb.run is not None and not is_beside
        if self._adopted or getattr(self, "_attach_id", None) is not None:
            run = self._init_run()
        else:
            self._wandb_init.update(self._known_names())
            run = self._open_run(beside=is_beside)
        self._id = run.id
        for args, kwargs in self._watched:
            run.watch(*args, **kwargs)
        self._watched.clear()
        self._send_config()

    def _take_up_again(self) -> None:
        """The run was ended by somebody else, before it was over: it goes on as what it is.

        A run of the user's own that is open by now is not ended by this.
        """
        import wandb

        run: Any = self._experiment
        told = {"id": run.id, "project": run.project, "name": run.name, "entity": run.entity}
        self._wandb_init.update({key: value for key, value in told.items() if value})
        self._experiment, self._continued, self._adopted = None, True, False
        make_way()
        self._open_run(beside=wandb.run is not None)

    def _open_run(self, *, beside: bool = False) -> Any:
        config = self._first_config()
        self._wandb_init["config"] = dict(config)  # W&B adds to what it is given
        run = open_run(
            self._init_beside if beside else self._init_run,
            self._wandb_init,
            continued=self._continued,
            allow=self._not_secret,
        )
        ends.tell_at_exit(self)
        self._sent.update(config)
        return run

    def _first_config(self) -> dict[str, Any]:
        """What the server is told at once, and so keeps even if the run is killed then.

        A continued run has a config already. W&B's own filters apply to this config only.
        """
        if self._continued:
            return {}
        filters = ("config_exclude_keys", "config_include_keys")
        is_filtered = any(name in self._wandb_init for name in filters)
        return dict(self._own_config) if is_filtered else self._config(self._own_config)

    def _set_job_type(self, mode: str) -> None:
        """A mode's own, where the user gave none; the next run of this logger has another."""
        if "job_type" in self._wandb_init and not self._has_modes_job:
            return
        self._wandb_init.pop("job_type", None)
        self._has_modes_job = mode != "train"
        if self._has_modes_job:
            self._wandb_init["job_type"] = mode

    def _leave_early_run(self, run_id: str) -> None:
        """A run that user code asked for before the checkpoint told which one goes on."""
        run = self._experiment
        if run is None or run.id == run_id or not is_owned(run):
            return
        run.finish()
        self._experiment, self._wandb_init["id"], self._sent = None, run_id, {}
        warn_once(
            f"logger.experiment was used before the checkpoint told its run, {run_id!r}; the W&B"
            f" run {run.id!r} that this opened stays empty. Use it from on_train_start on"
        )

    def _init_beside(self) -> Any:
        """As Lightning's `experiment`, which would take the run that is open."""
        import wandb

        run = wandb.init(**{**self._wandb_init, "reinit": "create_new"})
        run.define_metric("trainer/global_step")
        run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        self._experiment = run
        return run

    def _init_run(self) -> Any:
        return super().experiment

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
        pairs = vars(params) if isinstance(params, Namespace) else params or {}
        told = redact(plain_entries(pairs), allow=self._not_secret)
        self._logged_since.update(told)
        if not self._is_between:
            self._logged.update(told)
            self._send_config()

    def _config(self, own: Mapping[str, Any]) -> dict[str, Any]:
        return with_own(render_config(self._known_config()), own)

    @observed
    def _send_config(self) -> None:
        """Tells W&B what of the config is new."""
        if (run := self._open_experiment) is None:
            return
        config = self._config(own_config(run) if self._adopted else self._own_config)
        news = {key: value for key, value in config.items() if self._sent.get(key, ...) != value}
        if news:
            run.config.update(news, allow_val_change=True)
            self._sent.update(news)

    @observed
    def _requeued(self) -> None:
        """The scheduler has asked for a later start; the run goes on until it is ended."""
        if self._experiment is not None:
            self._experiment.mark_preempting()

    @observed
    def _finish(self) -> None:
        run, self._closed = self._experiment, True
        if run is None or self._adopted:
            return
        if self._ending.preempted:
            run.mark_preempting()
        run.finish(exit_code=self._ending.exit_code)

    @rank_zero_only
    def put_summary(self, summary: Mapping[str, Any]) -> None:
        """Adds to the W&B summary, if the run exists."""
        if summary and (run := self._open_experiment) is not None:
            run.summary.update(dict(summary))

    @observed
    def _show_best(self, monitored: Monitored) -> None:
        """With an explicit definition W&B forgets the step that Lightning gave to all metrics."""
        self._real_experiment.define_metric(
            monitored.metric,
            step_metric="trainer/global_step",
            step_sync=True,
            summary=monitored.direction,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles create no run; a spawned process attaches to one that exists."""
        from multiprocessing.context import get_spawning_popen

        if get_spawning_popen() is not None and self._experiment is not None:
            state: dict[str, Any] = super().__getstate__()
        else:
            state = {**self.__dict__, "_experiment": None}
        return {**state, "_trainer": None, "_watched": []}
