"""What a logger costs: `Trainer.fit` over 2 000 steps that log at every step, W&B offline.

Run `python benchmarks/bench_fit.py [rounds] [steps]`. All loggers take turns within one process,
so that a busy machine slows all alike; each ratio is the median over the rounds of a round's own
ratio. MLflow joins when `mlflow-skinny` and its store are installed (`pip install mlflow`).
"""

from __future__ import annotations

import gc
import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning_expname import ExpNameLogger

import lightning.pytorch as pl  # isort: skip
import torch
import wandb
from lightning.pytorch.loggers import CSVLogger, MLFlowLogger, WandbLogger
from rows import sizes, tell
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

GOAL = 1.00
WIDTH = 4


class LitRegressor(pl.LightningModule):
    """The smallest training that logs: what is measured is the logging."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.net = nn.Linear(width, 1)

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        loss: torch.Tensor = self.net(batch[0]).square().mean()
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1e-3)


def loggers(root: Path) -> dict[str, Callable[[], Any]]:
    """Name to maker; W&B writes offline."""
    found: dict[str, Callable[[], Any]] = {
        "no logger": lambda: False,
        "CSVLogger": lambda: CSVLogger(root / "csv"),
        "WandbLogger": lambda: WandbLogger(mode="offline", save_dir=root, project="Net-data"),
        "ExpNameLogger": lambda: ExpNameLogger(root_dir=root, dataset="data", offline=True),
    }
    if find_spec("mlflow") is not None:
        uri = f"sqlite:///{root}/mlflow.db"
        found["MLFlowLogger"] = lambda: MLFlowLogger("bench", tracking_uri=uri)
    return found


def seconds(make: Callable[[], Any], steps: int) -> float:
    """The time from the first to the last training step; start-up has a benchmark of its own."""
    clock = _Clock()
    trainer = pl.Trainer(
        logger=make(),
        callbacks=[clock],
        max_steps=steps,
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    data = TensorDataset(torch.zeros(steps, WIDTH))
    trainer.fit(LitRegressor(), DataLoader(data, batch_size=1))
    wandb.finish()
    return clock.seconds


class _Clock(pl.Callback):
    seconds = 0.0
    _start = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        self._start = self._start or time.perf_counter()

    def on_train_end(self, *_: Any) -> None:
        self.seconds = time.perf_counter() - self._start


def measure(rounds: int, steps: int) -> dict[str, list[float]]:
    """Seconds of every round, for each logger."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as root:
        makers = loggers(Path(root))
        for make in makers.values():
            seconds(make, 50)  # warm
        for turn in range(rounds):
            order = list(makers) if turn % 2 else list(reversed(makers))
            for name in order:
                gc.collect()
                found.setdefault(name, []).append(seconds(makers[name], steps))
    return found


def main() -> None:
    """Print one line for each logger: its ratio to WandbLogger, and its seconds."""
    rounds, steps = sizes(rounds=7, steps=2000)
    os.environ.setdefault("WANDB_SILENT", "true")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    found = measure(rounds, steps)
    for name in sorted(found, key=lambda name: statistics.median(found[name])):
        to_wandb = _ratio(found[name], found["WandbLogger"])
        goal = GOAL if name == "ExpNameLogger" else None
        median, none = statistics.median(found[name]), _ratio(found[name], found["no logger"])
        note = f"WandbLogger; x{none:.2f} of no logger; {median:.2f} s"
        tell(f"fit of {steps} logged steps: {name}", to_wandb, "x", most=goal, note=note)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


if __name__ == "__main__":
    main()
