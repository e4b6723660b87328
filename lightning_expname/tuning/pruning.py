"""The callback that prunes: rank 0 reports and decides, all ranks stop together.

Nothing is raised inside `fit`: the training ends as by early stopping, with its checkpoints and
its other callbacks' ends, and the trial becomes PRUNED when the objective returns.
"""

from __future__ import annotations

from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from ..errors import TuneError
from ..observer import observed, warn_once
from ..shells.flavour import Shell, require_flavour, rest_idle_hooks
from ..shells.logger import LoggerShell
from .runs import close_run, run_of, state_of
from .trial import SyncTrial

if TYPE_CHECKING:  # both flavours have the same methods
    from lightning.pytorch import Callback, LightningModule, Trainer
else:
    Callback = object


class PruningShell(Shell, Callback):
    """Comes from `trial.callbacks()`.

    The step that the pruner sees is the number of validations so far, from 0: several validations
    within an epoch (`val_check_interval=0.5`) count each. Without validations it is the epoch.

    Raises:
        TuneError: `monitor` was not logged; the message lists what was.
    """

    def __init__(self, trial: SyncTrial, monitor: str) -> None:
        self._trial = trial
        self._monitor = monitor
        self._seen = 0
        self.pruned = False
        rest_idle_hooks(self)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuses a Trainer of the flavour that `tune` was not imported for."""
        require_flavour(self, trainer, name="tune")

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Says what would delay pruning."""
        if self._trial.is_elsewhere:
            _leave_in_order()
        loop = trainer.fit_loop
        epochs, steps = loop.min_epochs or 0, loop.min_steps or 0
        if epochs > 1 or steps > 0:
            warn_once(
                f"pruning can stop a trial only after min_epochs={loop.min_epochs} and"
                f" min_steps={loop.min_steps} of the Trainer; leave them out of a tuning",
                key="min_epochs",
            )

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reports; the sanity check before the training does not count."""
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._report(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reports where there is no validation."""
        if not trainer.enable_validation:
            self._report(trainer)

    def _report(self, trainer: Trainer) -> None:
        value = trainer.callback_metrics.get(self._monitor)
        if value is None:
            logged = ", ".join(sorted(trainer.callback_metrics)) or "nothing"
            raise TuneError(
                f"tune(monitor={self._monitor!r}): the module did not log that by the end of"
                f" validation {self._seen}; it logged: {logged}"
            )
        stop = trainer.is_global_zero and self._trial.decide(float(value), self._seen)
        self._seen += 1
        if trainer.strategy.broadcast(stop, src=0):
            self.pruned = True
            trainer.should_stop = True

    @observed
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Says how the trial ended before the logger ends its run."""
        for logger in trainer.loggers:
            if isinstance(logger, LoggerShell):
                logger.put_summary({"trial_state": state_of(exception).upper()})

    @observed
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """A spawned process closes the trial's W&B run itself: it ends with the training."""
        if not (trainer.is_global_zero and self._trial.is_elsewhere):
            return
        for logger in trainer.loggers:
            if isinstance(logger, LoggerShell) and logger.record is not None:
                value = trainer.callback_metrics.get(self._monitor)
                self._trial.note({"run": run_of(logger)})
                state = "pruned" if self.pruned else "complete"
                close_run(logger, state, None if value is None else float(value))


def _leave_in_order() -> None:
    """Ends the process group before a spawned process ends.

    Lightning does so by `atexit`, which multiprocessing's children do not run; gloo's threads then
    abort the process, or keep it, every few trainings (seen in torch 2.13, Lightning 2.6).
    """
    from torch import distributed

    def destroy() -> None:
        if distributed.is_initialized():
            distributed.destroy_process_group()

    Finalize(None, destroy, exitpriority=100)
