"""What `ExpNameCallback` does: it tells the logger's run of start, save, failure and end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..beginning import last_of_configuration
from ..cli_config import postpone_config, save_config
from ..ends import FINISHED, ending_of
from ..observer import observed, warn_once
from ..resume import IDENTITY_KEY, origin_by_place, origin_of, record_of
from .checkpoint import follow_tree, forget_files, keep_directory, note_free, place
from .flavour import Shell, is_checkpoint, require_flavour
from .logger import LoggerShell, logger_of

if TYPE_CHECKING:  # both flavours have the same methods
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.callbacks import ModelCheckpoint
else:
    Callback = object


class CallbackShell(Shell, Callback):
    """Comes with `ExpNameLogger` by itself; listing it in `callbacks` is allowed and equal.

    It keeps no state of its own in checkpoints. Without an ExpNameLogger (`fast_dev_run` replaces
    all loggers) it does nothing.

    Example:
        >>> Trainer(logger=ExpNameLogger(), callbacks=[ExpNameCallback()])
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Notes which checkpoint callbacks the user left unnamed, before Lightning names them."""
        require_flavour(self, trainer)
        self._set_up(trainer)

    @observed
    def _set_up(self, trainer: Trainer) -> None:
        logger = logger_of(trainer)
        if logger is None:
            return
        _keep_one(trainer, logger)
        note_free(_checkpoints_of(trainer))
        logger.origin = None  # until a checkpoint says so
        if trainer.loggers[0] is logger:  # else the config goes where another logger says
            postpone_config(trainer)

    @observed
    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Reads the run's identity, before the checkpoint callbacks take up their own state."""
        logger = logger_of(trainer)
        if logger is None:
            return
        if origin := origin_of(checkpoint, trainer.ckpt_path):
            logger.origin = origin
        states = checkpoint.get("callbacks", {})
        if origin and (record := record_of(origin, logger.options.root)):
            follow_tree(_checkpoints_of(trainer), states, record)
        keep_directory(_checkpoints_of(trainer), states)

    @observed
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Names the run: hyper-parameters, optimizer and loaders are all known now."""
        logger = logger_of(trainer)
        if logger is None:
            return
        if logger.asked == "last" and not trainer.ckpt_path and trainer.is_global_zero:
            _say_last(last_of_configuration(logger.options, trainer))
        self._begin(trainer, pl_module, "train")
        names, record = logger.names, logger.record
        if names is not None and record is not None:
            places = place(_checkpoints_of(trainer), names, logger.options.root, trainer)
            logger.place_checkpoints(places)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """`Trainer.validate` alone is a run; the validation inside `fit` is not."""
        if trainer.state.fn == "validate":
            self._begin_now(trainer, pl_module, "validate", searched=False)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same after a search for the batch size, which happens at the start."""
        if trainer.state.fn == "validate":
            self._begin_now(trainer, pl_module, "validate", searched=True)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A test after a fit of the same module belongs to its run."""
        self._begin_now(trainer, pl_module, "test", searched=False)

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """As for a validation."""
        self._begin_now(trainer, pl_module, "test", searched=True)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A prediction after a fit of the same module belongs to its run."""
        self._begin_now(trainer, pl_module, "predict", searched=False)

    def on_predict_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """As for a validation."""
        self._begin_now(trainer, pl_module, "predict", searched=True)

    @observed
    def _begin_now(self, trainer: Any, module: Any, mode: str, *, searched: bool) -> None:
        """Begins a mode at its start, or, where that changes the batch size, just after it."""
        if _changes_batches(trainer) is searched:
            self._begin(trainer, module, mode)

    def _begin(self, trainer: Trainer, module: LightningModule, mode: str) -> None:
        logger = logger_of(trainer)
        if logger is None:
            return
        if logger.origin is None and trainer.ckpt_path:  # weights alone carry no identity
            logger.origin = origin_by_place(trainer.ckpt_path, logger.options.root)
        anew = mode == "train" and not (trainer.global_step or trainer.current_epoch)
        goes_on = logger.continues(module, mode, anew=anew)
        if not trainer.strategy.broadcast(goes_on):  # or ranks would wait
            continued = logger.begin_run(trainer, module, mode)
            if mode == "train" and not continued:
                forget_files(_checkpoints_of(trainer))
            if logger.record is not None:
                place = logger.options.root / logger.record.record
                save_config(trainer, module, place, logger.options.not_secret)
        else:
            logger.goes_on(trainer, module)
            if mode == "train":
                logger.reopen_run()
        logger.begin_performance(trainer, mode)

    @observed
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The monitored metric may have a new best."""
        if logger := logger_of(trainer):
            logger.note_performance(trainer, trainer.current_epoch)

    @observed
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same for the epoch before: what it logs at its very end is known only now."""
        if (logger := logger_of(trainer)) and trainer.current_epoch:
            logger.note_performance(trainer, trainer.current_epoch - 1)

    @observed
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same for the last epoch."""
        if (logger := logger_of(trainer)) and trainer.current_epoch:
            logger.note_performance(trainer, trainer.current_epoch - 1)

    @observed
    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Writes the run's identity into the checkpoint."""
        logger = logger_of(trainer)
        if logger is not None and (identity := logger.identity()):
            checkpoint[IDENTITY_KEY] = identity

    @observed
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Notes how the run ended, with the reason's type."""
        if logger := logger_of(trainer):
            logger.put_performance(trainer)
            logger.end_run(ending_of(exception))

    @observed
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Notes that a mode ended well."""
        if logger := logger_of(trainer):
            logger.put_performance(trainer)
            logger.end_run(FINISHED)


def _changes_batches(trainer: Any) -> bool:
    """Whether Lightning's BatchSizeFinder is yet to change what the run is named after.

    `Tuner.scale_batch_size` brings one that ends the mode then, and leaves no run.
    """
    names = {cls.__name__ for one in trainer.callbacks for cls in type(one).__mro__}
    return "BatchSizeFinder" in names


def _checkpoints_of(trainer: Trainer) -> list[ModelCheckpoint]:
    return [one for one in trainer.checkpoint_callbacks if is_checkpoint(one)]


def _keep_one(trainer: Trainer, ours: LoggerShell) -> None:
    """A second logger of ours would start a run of its own, and so end the first one's."""
    kept = [one for one in trainer.loggers if one is ours or not isinstance(one, LoggerShell)]
    if len(kept) < len(trainer.loggers):
        trainer.loggers = kept
        warn_once("this Trainer has more than one ExpNameLogger; the first names and logs the run")


def _say_last(path: Path | None) -> None:
    """A stock ModelCheckpoint looks for `last` in a folder of its own, before any hook."""
    if path is not None:
        warn_once(
            f'fit(ckpt_path="last") trains from scratch, but {path} is the last checkpoint of this'
            " configuration. Use ExpNameCheckpoint(), which finds it, or pass its path"
        )
