"""What is waited for before the first step: `fit()` to step one beside WandbLogger, and imports.

Run `python benchmarks/bench_startup.py [rounds]`. Fits take turns within one process, W&B offline;
imports take turns as processes of their own. Differences are medians over the rounds.
"""

from __future__ import annotations

import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning_expname import ExpNameLogger

import lightning.pytorch as pl  # isort: skip
import torch
import wandb
from bench_fit import LitRegressor
from lightning.pytorch.loggers import WandbLogger
from rows import sizes, tell
from torch.utils.data import DataLoader, TensorDataset

GOAL_MS = 50.0
GOAL_PLUGIN_MS = 30.0
IMPORTS = {
    "nothing": "pass",
    "pytest": "import pytest",
    "pytest and our plugin": "import pytest, lightning_expname.pytest_plugin",
    "lightning_expname": "import lightning_expname",
    "our callback factory": "import lightning_expname._entry_points as e; e.callbacks()",
}


class _FirstStep(pl.Callback):
    at = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        self.at = self.at or time.perf_counter()


def until_first_step(make: Callable[[], Any]) -> float:
    """Milliseconds from `fit()` to the first step."""
    first = _FirstStep()
    trainer = pl.Trainer(
        logger=make(),
        callbacks=[first],
        max_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    loader = DataLoader(TensorDataset(torch.zeros(1, 4)), batch_size=1)
    start = time.perf_counter()
    trainer.fit(LitRegressor(), loader)
    wandb.finish()
    return 1000 * (first.at - start)


def fits(rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every round, for either logger."""
    found: dict[str, list[float]] = {"WandbLogger": [], "ExpNameLogger": []}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        makers: dict[str, Callable[[], Any]] = {
            "WandbLogger": lambda: WandbLogger(mode="offline", save_dir=root, project="Net-data"),
            "ExpNameLogger": lambda: ExpNameLogger(root_dir=root, dataset="data", offline=True),
        }
        for make in makers.values():
            until_first_step(make)  # warm
        for turn in range(rounds):
            for name in sorted(makers, reverse=bool(turn % 2)):
                found[name].append(until_first_step(makers[name]))
    return found


def imports(rounds: int) -> dict[str, list[float]]:
    """Milliseconds of whole processes that import one thing."""
    found: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(rounds):
        for name, code in IMPORTS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            found[name].append(1000 * (time.perf_counter() - start))
    return found


def _beyond(found: dict[str, list[float]], name: str, base: str) -> float:
    pairs = zip(found[name], found[base], strict=True)
    return statistics.median(one - other for one, other in pairs)


def main() -> None:
    """Print the extra milliseconds of each, beside their goals."""
    (rounds,) = sizes(rounds=15)
    os.environ.setdefault("WANDB_SILENT", "true")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    found = fits(rounds)
    wandb_ms = statistics.median(found["WandbLogger"])
    extra = _beyond(found, "ExpNameLogger", "WandbLogger")
    ratio = statistics.median(
        one / other for one, other in zip(found["ExpNameLogger"], found["WandbLogger"], strict=True)
    )
    note = f"beyond WandbLogger's {wandb_ms:.0f} ms (x{ratio:.3f})"
    tell("from fit() to the first step", extra, "ms", most=GOAL_MS, note=note)
    spent = imports(rounds)
    for name, base in (
        ("pytest and our plugin", "pytest"),
        ("lightning_expname", "nothing"),
        ("our callback factory", "nothing"),
    ):
        beyond = _beyond(spent, name, base)
        tell(f"import of {name}", beyond, "ms", most=GOAL_PLUGIN_MS, note=f"beyond {base}")


if __name__ == "__main__":
    main()
