"""What `ExpNameCheckpoint` does, and how any checkpoint callback gets the run's names."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..beginning import best_of_configuration, last_of_configuration
from ..naming import Names
from ..records import CheckpointPlace, RunRecord
from ..records.location import stored
from ..setup_touch import asked_for_best
from .flavour import Shell, require_flavour
from .logger import logger_of

if TYPE_CHECKING:  # both flavours have the same methods
    from lightning.pytorch.callbacks import ModelCheckpoint
else:
    ModelCheckpoint = object


class CheckpointShell(Shell, ModelCheckpoint):
    """Lightning's ModelCheckpoint, named by the run.

    Takes ModelCheckpoint's arguments. `dirpath` and `filename` are filled only where they were
    left None. A stock ModelCheckpoint under an ExpNameLogger is named in the same way.

    Example:
        >>> ExpNameCheckpoint(monitor="val_acc", mode="max", save_top_k=3)
    """

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """As ModelCheckpoint's, under a Trainer of its own flavour."""
        require_flavour(self, trainer)
        super().setup(trainer, pl_module, stage)

    @property
    def best_model_path(self) -> str:
        """As ModelCheckpoint's; for `ckpt_path="best"` in a new process, this configuration's."""
        known: str = vars(self).get("_best_path", "")
        if known or (trainer := asked_for_best(sys._getframe(1))) is None:
            return known
        return _best_of_earlier(trainer)

    @best_model_path.setter
    def best_model_path(self, path: str) -> None:
        self._best_path = path

    def _find_last_checkpoints(self, trainer: Any) -> set[str]:
        """For `ckpt_path="last"`: of this configuration, even when another run's is newer.

        Lightning asks before any hook (seen in 2.2 to 2.6); it would look for a file called
        `last` in a directory that all runs share.
        """
        logger = logger_of(trainer)
        if logger is None or self.dirpath is not None:
            found: set[str] = super()._find_last_checkpoints(trainer)
            return found
        path = last_of_configuration(logger.options, trainer)
        return set() if path is None else {str(path)}


def _best_of_earlier(trainer: Any) -> str:
    """Of an earlier process; what a training of this one has not saved is not looked for."""
    logger = logger_of(trainer)
    if logger is None or logger.record is not None:
        return ""
    path = best_of_configuration(logger.options, trainer)
    return "" if path is None else str(path)


_MARK = "_expname_free"


@dataclass(frozen=True)
class _Free:
    """What the user left to us on one checkpoint callback."""

    directory: bool
    name: bool


_NOTHING = _Free(directory=False, name=False)


def note_free(checkpoints: Sequence[ModelCheckpoint]) -> None:
    """Remembers what users left None, because Lightning's own setup fills it in.

    Kept on the callback itself: it may be used under a second Trainer, copied or sent to a
    spawned process.
    """
    for one in checkpoints:
        if not hasattr(one, _MARK):
            setattr(one, _MARK, _Free(one.dirpath is None, one.filename is None))


def follow_tree(
    checkpoints: Sequence[ModelCheckpoint], states: dict[str, Any], record: RunRecord
) -> None:
    """The callbacks' paths as they are now, where the tree was moved or copied since.

    Else Lightning takes the run's own files for another's: none is removed when a better one
    comes, and `last` becomes `last-v1`.
    """
    for one in checkpoints:
        state = states.get(one.state_key, {})
        was = state.get("dirpath")
        if getattr(one, _MARK, _NOTHING).directory and isinstance(was, str):
            states[one.state_key] = _moved(state, was, _directory_now(was, record))


def _directory_now(was: str, record: RunRecord) -> str:
    for place in record.places:
        now = record.locate(place.directory)
        if now is not None and was.endswith(f"/{place.directory}"):
            return str(now)
    return was


def _moved(value: Any, was: str, now: str) -> Any:
    if isinstance(value, dict):
        return {_moved(key, was, now): _moved(item, was, now) for key, item in value.items()}
    if isinstance(value, str) and (value == was or value.startswith(f"{was}/")):
        return now + value[len(was) :]
    return value


def keep_directory(checkpoints: Sequence[ModelCheckpoint], states: Mapping[str, Any]) -> None:
    """Lets callbacks find their directory unchanged, or they forget which files are their best.

    The names' own directory is known only later, when training starts.
    """
    for one in checkpoints:
        directory = states.get(one.state_key, {}).get("dirpath")
        if getattr(one, _MARK, _NOTHING).directory and directory is not None:
            one.dirpath = directory


def forget_files(checkpoints: Sequence[ModelCheckpoint]) -> None:
    """A new run that starts from another run's checkpoint must not count its files as its own.

    Lightning would delete them as soon as the new run has better ones.
    """
    for one in checkpoints:
        one.best_k_models = {}
        one.best_model_path = one.last_model_path = one.kth_best_model_path = ""
        one.best_model_score = one.current_score = None
        one._last_checkpoint_saved = ""
        one._last_global_step_saved = 0  # of another training: that step is not saved yet


def place(
    checkpoints: Sequence[ModelCheckpoint], names: Names, root: Path, trainer: Any
) -> tuple[CheckpointPlace, ...]:
    """Fills in directory and file names; gives where each callback will write."""
    for index, one in enumerate(checkpoints):
        free = getattr(one, _MARK, _NOTHING)
        if free.directory:
            one.dirpath = str(root.absolute() / names.checkpoint_dir)
        if free.name:
            _fill_name(one, names, trainer, checkpoints[:index])
    return tuple(dict.fromkeys(_place_of(one, root) for one in checkpoints if one.dirpath))


def _fill_name(
    one: ModelCheckpoint, names: Names, trainer: Any, earlier: Sequence[ModelCheckpoint]
) -> None:
    one.filename = names.checkpoint_name + _step(one, names, trainer)
    one.auto_insert_metric_name = False
    one.CHECKPOINT_NAME_LAST = f"{names.stem}-last"
    if any((one.dirpath, one.filename) == (other.dirpath, other.filename) for other in earlier):
        one.filename += f"-{len(earlier) + 1}"
    if one.save_last and any(_last_of(one) == _last_of(other) for other in earlier):
        one.CHECKPOINT_NAME_LAST += f"-{len(earlier) + 1}"


def _last_of(one: ModelCheckpoint) -> tuple[object, str] | None:
    return (one.dirpath, one.CHECKPOINT_NAME_LAST) if one.save_last else None


def _step(one: ModelCheckpoint, names: Names, trainer: Any) -> str:
    """Several checkpoints in one epoch are told apart by their step, not by Lightning's `-v1`."""
    if "{step" in names.checkpoint_name:
        return ""
    by_step = one._every_n_train_steps > 0 or one._train_time_interval is not None
    return "-step{step}" if by_step or _validates_within_epoch(trainer) else ""


def _validates_within_epoch(trainer: Any) -> bool:
    """`val_check_interval` 1.0 is once an epoch; a fraction or a batch count may be more."""
    interval = trainer.val_check_interval
    return isinstance(interval, int) or (interval is not None and interval < 1.0)


def _place_of(one: ModelCheckpoint, root: Path) -> CheckpointPlace:
    return CheckpointPlace(stored(str(one.dirpath), root), _template(one), one.CHECKPOINT_NAME_LAST)


def _template(one: ModelCheckpoint) -> str:
    """The file name as Lightning will fill it: `epoch={epoch}` where it inserts the names."""
    template = one.filename or "{epoch}-{step}"
    if not one.auto_insert_metric_name:
        return template
    return re.sub(r"\{([^{}:]+)", rf"\1{one.CHECKPOINT_EQUALS_CHAR}{{\1", template)
