"""The final performance, in the W&B summary at the end of each mode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from flavour import EarlyStopping, ExpNameLogger, ModelCheckpoint
from lit_models import (
    KEMDy19Dataset,
    LitRegressor,
    MultiModalTransformer,
    fit,
    lit,
    loader,
    trainer,
)
from torch.utils.data import DataLoader

Read = Callable[[], list[Any]]
SCORES = (0.25, 0.75, 0.5)


class Scripted(LitRegressor):
    """Logs the scores above, one an epoch; the best is not the last."""

    def __init__(self, scores: tuple[float, ...] = SCORES, fails_at: int = 99) -> None:
        super().__init__(MultiModalTransformer(16))
        self._scores = (scores, fails_at)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        if self.current_epoch == self._scores[1]:
            raise RuntimeError("as the test asks")
        return super().training_step(batch, batch_idx)

    def validation_step(self, batch: torch.Tensor, batch_idx: int) -> None:
        self.log("val_acc", self._scores[0][self.current_epoch])

    def on_train_epoch_end(self) -> None:
        self.log("train_acc", self._scores[0][self.current_epoch])


def test_the_best_epoch_is_told_not_the_last(expname_root: Path, expname_recorded: Read) -> None:
    best = ModelCheckpoint(monitor="val_acc", mode="max")
    ran = fit(ExpNameLogger(), best, module=Scripted(), epochs=3)
    (run,) = expname_recorded()
    summary = run.summary
    assert (summary["best_score"], summary["best_epoch"]) == (0.75, 1)
    assert (summary["monitor"], summary["monitor_mode"]) == ("val_acc", "max")
    assert summary["best_checkpoint"] == ran.logger.record.best
    assert summary["last_checkpoint"] == ran.logger.record.last
    assert (summary["epochs"], summary["samples_seen"]) == (3, 3 * 32)
    assert summary["duration_seconds"] > 0
    assert summary["val_acc"] == {"max": 0.75}  # W&B's table shows the best, not the last
    assert run.series("val_acc") == list(SCORES)


def test_a_loss_is_best_when_it_is_least(expname_root: Path, expname_recorded: Read) -> None:
    fit(
        ExpNameLogger(),
        EarlyStopping("val_acc", mode="min", patience=9),
        module=Scripted(),
        epochs=3,
    )
    (run,) = expname_recorded()
    assert (run.summary["best_score"], run.summary["best_epoch"]) == (0.25, 0)
    assert run.summary["val_acc"] == {"min": 0.25}


def test_the_record_knows_the_score_without_a_checkpoint_for_it(expname_root: Path) -> None:
    ran = fit(ExpNameLogger(), EarlyStopping("val_acc", mode="max"), module=Scripted(), epochs=3)
    assert (ran.logger.record.score, ran.logger.record.monitor) == (0.75, "val_acc")


def test_a_metric_of_the_training_itself(expname_root: Path, expname_recorded: Read) -> None:
    fit(
        ExpNameLogger(),
        ModelCheckpoint(monitor="train_acc", mode="max"),
        module=Scripted(),
        epochs=3,
    )
    (run,) = expname_recorded()
    assert (run.summary["best_score"], run.summary["best_epoch"]) == (0.75, 1)


def test_nothing_monitored_is_no_best(expname_root: Path, expname_recorded: Read) -> None:
    fit(ExpNameLogger(), module=Scripted(), epochs=2)
    (run,) = expname_recorded()
    assert not {"best_score", "best_epoch", "monitor"} & set(run.summary)
    assert run.summary["val_acc"] == 0.75
    assert run.summary["samples_seen"] == 64


@pytest.mark.parametrize(
    ("arguments", "batch_size", "drop_last", "seen"),
    [
        ({}, 12, False, 2 * 32),  # 12 + 12 + 8
        ({}, 12, True, 2 * 24),
        ({"limit_train_batches": 1}, 12, False, 2 * 12),
        ({"max_steps": 4}, 12, False, 32 + 12),
    ],
)
def test_samples_are_counted(
    expname_root: Path,
    expname_recorded: Read,
    arguments: dict[str, Any],
    batch_size: int,
    drop_last: bool,
    seen: int,
) -> None:
    data = DataLoader(KEMDy19Dataset(), batch_size=batch_size, drop_last=drop_last)
    trainer(ExpNameLogger(), **arguments).fit(lit(), data)
    (run,) = expname_recorded()
    assert run.summary["samples_seen"] == seen


def test_a_failed_training_tells_how_far_it_came(
    expname_root: Path, expname_recorded: Read
) -> None:
    best = ModelCheckpoint(monitor="val_acc", mode="max")
    with pytest.raises(RuntimeError, match="as the test asks"):
        fit(ExpNameLogger(), best, module=Scripted(fails_at=2), epochs=3)
    (run,) = expname_recorded()
    assert (run.summary["best_score"], run.summary["best_epoch"]) == (0.75, 1)
    assert run.summary["duration_seconds"] > 0


def test_a_test_after_a_fit_adds_its_own(expname_root: Path, expname_recorded: Read) -> None:
    ran = fit(ExpNameLogger(), ModelCheckpoint(monitor="val_acc", mode="max"))
    ran.test(dataloaders=loader(5), verbose=False)
    (run,) = expname_recorded()
    assert run.summary["test_samples_seen"] == 32
    assert run.summary["test_duration_seconds"] > 0
    assert (run.summary["samples_seen"], run.summary["monitor"]) == (64, "val_acc")


@pytest.mark.parametrize("mode", ["validate", "test", "predict"])
def test_a_mode_alone_tells_what_it_cost(
    expname_root: Path, expname_recorded: Read, mode: str
) -> None:
    getattr(trainer(ExpNameLogger()), mode)(lit(), loader(5))
    (run,) = expname_recorded()
    assert run.summary[f"{mode}_samples_seen"] == 32
    assert run.summary[f"{mode}_duration_seconds"] > 0
