"""`ExpNameCallback`: tells the logger's run when training starts, saves, fails and ends."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from .checkpoint import note_free, place
from .cli_config import postpone_config, save_config
from .lifecycle import IDENTITY_KEY
from .logger import ExpNameLogger
from .observer import observed
from .records.record import Status


class ExpNameCallback(Callback):
    """Comes with `ExpNameLogger` by itself; listing it in `callbacks` is allowed and equal.

    It keeps no state of its own in checkpoints. Without an ExpNameLogger (`fast_dev_run` replaces
    all loggers) it does nothing.

    Example:
        >>> Trainer(logger=ExpNameLogger(), callbacks=[ExpNameCallback()])
    """

    @observed
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Notes which checkpoint callbacks the user left unnamed, before Lightning names them."""
        logger = _logger_of(trainer)
        if logger is None:
            return
        note_free(_checkpoints_of(trainer))
        if trainer.loggers[0] is logger:  # else the config goes where another logger says
            postpone_config(trainer)

    @observed
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Names the run: hyper-parameters, optimizer and loaders are all known now."""
        logger = _logger_of(trainer)
        if logger is None:
            return
        self._begin(trainer, pl_module, "train")
        names, record = logger.names, logger.record
        if names is not None and record is not None:
            places = place(_checkpoints_of(trainer), names, logger.root, trainer)
            logger.place_checkpoints(places)

    @observed
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """`Trainer.validate` alone is a run; the validation inside `fit` is not."""
        if trainer.state.fn == "validate":
            self._begin(trainer, pl_module, "validate")

    @observed
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A test after a fit of the same module belongs to its run."""
        self._begin(trainer, pl_module, "test")

    @observed
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A prediction after a fit of the same module belongs to its run."""
        self._begin(trainer, pl_module, "predict")

    def _begin(self, trainer: Trainer, module: LightningModule, mode: str) -> None:
        logger = _logger_of(trainer)
        if logger is None:
            return
        if not logger.continues(module, mode):
            logger.begin_run(trainer, module, mode)
            if logger.record is not None:
                save_config(trainer, module, logger.root / logger.record.record)
        elif mode == "train":
            logger.reopen_run()
        logger.begin_performance(trainer, mode)

    @observed
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The monitored metric may have a new best."""
        if logger := _logger_of(trainer):
            logger.note_performance(trainer, trainer.current_epoch)

    @observed
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same for the epoch before: what it logs at its very end is known only now."""
        if (logger := _logger_of(trainer)) and trainer.current_epoch:
            logger.note_performance(trainer, trainer.current_epoch - 1)

    @observed
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same for the last epoch."""
        if (logger := _logger_of(trainer)) and trainer.current_epoch:
            logger.note_performance(trainer, trainer.current_epoch - 1)

    @observed
    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Writes the run's identity into the checkpoint."""
        logger = _logger_of(trainer)
        if logger is not None and (identity := logger.identity()):
            checkpoint[IDENTITY_KEY] = identity

    @observed
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Notes how the run ended, with the reason's type."""
        if logger := _logger_of(trainer):
            logger.put_performance(trainer)
            logger.end_run(_status_of(exception))

    @observed
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Notes that a mode ended well."""
        if logger := _logger_of(trainer):
            logger.put_performance(trainer)
            logger.end_run("finished")


def _logger_of(trainer: Trainer) -> ExpNameLogger | None:
    return next((one for one in trainer.loggers if isinstance(one, ExpNameLogger)), None)


def _checkpoints_of(trainer: Trainer) -> list[ModelCheckpoint]:
    return [one for one in trainer.checkpoint_callbacks if isinstance(one, ModelCheckpoint)]


def _status_of(exception: BaseException) -> Status:
    if type(exception).__name__ == "TrialPruned":  # optuna's, which is no dependency here
        return "pruned"
    stopped = isinstance(exception, (KeyboardInterrupt, SystemExit))
    return "interrupted" if stopped else "failed"
