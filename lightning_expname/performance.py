"""The final performance of a run: the best score and when it was reached, how long, of how much.

Told in the W&B summary at the end of each mode, so that a table of runs shows what they achieved
beside what they were made of.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from .introspect.data import LOADERS
from .introspect.loaders import iter_loaders, loader_batch_size

Direction = Literal["min", "max"]

_LOWER_IS_BETTER: Final = ("loss", "err", "mae", "mse", "rmse", "nll", "perplexity", "wer", "cer")
_BATCHES: Final = {
    "validate": "num_val_batches",
    "test": "num_test_batches",
    "predict": "num_predict_batches",
}


@dataclass(frozen=True)
class Monitored:
    """The metric that decides which epoch was the best."""

    metric: str
    direction: Direction


def monitored(trainer: Any) -> Monitored | None:
    """What the checkpoints, else early stopping or the scheduler, go by; None when nothing does.

    Example:
        >>> monitored(Trainer(callbacks=[EarlyStopping("val_acc", mode="max")]))
        Monitored(metric='val_acc', direction='max')
    """
    for callback in (*trainer.checkpoint_callbacks, *trainer.early_stopping_callbacks):
        if metric := getattr(callback, "monitor", None):
            return Monitored(metric, _direction(getattr(callback, "mode", None), metric))
    for config in trainer.lr_scheduler_configs:
        mode = getattr(config.scheduler, "mode", None)
        if config.monitor and mode in ("min", "max"):
            return Monitored(config.monitor, mode)
    return None


def leading_checkpoint(trainer: Any) -> Any | None:
    """The checkpoint callback that says which checkpoint is the best: the first with a metric."""
    found = trainer.checkpoint_callbacks
    return next((one for one in found if getattr(one, "monitor", None)), next(iter(found), None))


def _direction(mode: object, metric: str) -> Direction:
    if mode == "min" or mode == "max":
        return mode
    return "min" if any(word in metric.lower() for word in _LOWER_IS_BETTER) else "max"


class Performance:
    """Follows one run: `begin` at the start of a mode, `note` after each epoch, `summary` at last.

    Attributes:
        monitored: None when nothing is.
    """

    def __init__(self) -> None:
        self.monitored: Monitored | None = None
        self._score: float | None = None
        self._epoch: int | None = None
        self._started = time.monotonic()

    def begin(self, trainer: Any, mode: str) -> None:
        """Starts the clock of a mode; the best score of a training is kept through its test."""
        self._started = time.monotonic()
        if mode == "train":
            self.monitored = monitored(trainer)

    def note(self, trainer: Any, epoch: int) -> None:
        """Compares the newest value of the monitored metric with the best one so far."""
        if self.monitored is None or trainer.sanity_checking:
            return
        value = trainer.callback_metrics.get(self.monitored.metric)
        score = math.nan if value is None else float(value)
        if not math.isnan(score) and (self._score is None or self._improves(score, self._score)):
            self._score, self._epoch = score, epoch

    def _improves(self, score: float, best: float) -> bool:
        assert self.monitored is not None
        return score < best if self.monitored.direction == "min" else score > best

    def best(self) -> dict[str, Any]:
        """`best_score`, `best_epoch`, `monitor` and `monitor_mode`; empty without a metric."""
        if self.monitored is None:
            return {}
        named = {"monitor": self.monitored.metric, "monitor_mode": self.monitored.direction}
        if self._score is None:
            return named
        return {**named, "best_score": self._score, "best_epoch": self._epoch}

    def summary(self, trainer: Any, mode: str) -> dict[str, Any]:
        """What the W&B summary says at the end of a mode; a test's keys begin with `test_`."""
        cost = {
            "duration_seconds": round(time.monotonic() - self._started, 3),
            "samples_seen": samples_seen(trainer, mode),
        }
        if mode == "train":
            cost = {**self.best(), "epochs": trainer.current_epoch, **cost}
        else:
            cost = {f"{mode}_{key}": value for key, value in cost.items()}
        return {key: value for key, value in cost.items() if value is not None}


def samples_seen(trainer: Any, mode: str) -> int | None:
    """Samples that went through the model in this mode, on all devices; None when not known.

    Counted from batches and sizes, not by looking at each batch. A training that was resumed
    counts from its first beginning.
    """
    loaders = list(iter_loaders(getattr(trainer, LOADERS[mode], None)))
    sizes = [loader_batch_size(loader) for loader in loaders]
    if not loaders or None in sizes:
        return None
    if mode == "train":
        batches = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        seen = sum(_in_training(trainer, loader, batches) for loader in loaders)
    else:
        counts = getattr(trainer, _BATCHES[mode])
        seen = sum(_in_batches(loader, n) for loader, n in zip(loaders, _flat(counts), strict=True))
    return seen * int(trainer.world_size)


def _in_training(trainer: Any, loader: Any, batches: int) -> int:
    per_epoch = trainer.num_training_batches
    if math.isinf(per_epoch) or not per_epoch:
        return _in_batches(loader, batches)
    epochs, rest = divmod(batches, int(per_epoch))
    return epochs * _in_batches(loader, int(per_epoch)) + _in_batches(loader, rest)


def _in_batches(loader: Any, batches: float) -> int:
    """Samples in that many batches from the start: the last one of a loader may be smaller."""
    size = loader_batch_size(loader) or 0
    try:
        available = len(loader.sampler)
    except Exception:  # a stream, or a loader of the user's own
        available = None
    if math.isinf(batches):
        return available or 0
    wanted = int(batches) * size
    return wanted if available is None else min(wanted, available)


def _flat(counts: Any) -> Iterator[float]:
    """Lightning gives a number for one loader, and nested lists for several."""
    if isinstance(counts, (list, tuple)):
        for one in counts:
            yield from _flat(one)
    elif isinstance(counts, Mapping):
        yield from _flat(list(counts.values()))
    else:
        yield counts
