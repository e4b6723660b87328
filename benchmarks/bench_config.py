"""What the config costs: everything collected and logged for a model of 10 000 modules.

Run `python benchmarks/bench_config.py [repeats]`. Measured is all that `on_train_start` does of
ours beside `wandb.init`: reading the module, loaders, optimizer, git and the command line, the
redaction, the record on disk, and W&B's own `config.update`.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.update(WANDB_SILENT="true", WANDB_MODE="offline", WANDB_CONSOLE="off")

import lightning_expname.logger  # noqa: F401  # constructors are recorded from here on

import torch  # isort: skip
from lightning.pytorch import LightningModule, Trainer
from rows import sizes, tell
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lightning_expname import ExpNameLogger

MODULES = 10_000
LIMIT_MS = 50.0


class Block(nn.Module):
    """Ten modules, itself included."""

    def __init__(self, dim: int = 2, dropout: float = 0.1, activation: str = "gelu") -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(dim, dim, bias=False) for _ in range(8)])


class Net(nn.Module):
    """As many blocks as it takes."""

    def __init__(self, n_blocks: int, dim: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(dim, dropout) for _ in range(n_blocks)])


class Samples(Dataset[Tensor]):
    """Two samples."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Tensor:
        return torch.zeros(2)


class Lit(LightningModule):
    """Trains one weight; the rest is only there to be described."""

    def __init__(self, net: nn.Module, lr: float = 0.1) -> None:
        super().__init__()
        self.net = net

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return next(self.net.parameters()).square().sum()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Timed(ExpNameLogger):
    """Takes the time of `begin_run`, and of `wandb.init` within it."""

    milliseconds = 0.0
    init = 0.0

    def begin_run(self, trainer: Trainer, module: LightningModule, mode: str) -> None:
        """As the logger's, with a clock."""
        start = time.perf_counter()
        super().begin_run(trainer, module, mode)
        self.milliseconds = 1e3 * (time.perf_counter() - start) - self.init

    def _create_run(self) -> None:
        start = time.perf_counter()
        super()._create_run()
        self.init = 1e3 * (time.perf_counter() - start)


def run(root: Path) -> Timed:
    """One training of one step."""
    logger = Timed(root_dir=root, offline=True, dataset="samples")
    trainer = Trainer(
        accelerator="cpu",
        max_steps=1,
        logger=logger,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Lit(Net(MODULES // 10)), DataLoader(Samples(), batch_size=2))
    logger.experiment.finish()
    return logger


def main() -> None:
    """Print the medians."""
    (repeats,) = sizes(repeats=7)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as root:
        runs = [run(Path(root)) for _ in range(repeats + 1)][1:]  # the first one imports
    median = statistics.median(one.milliseconds for one in runs)
    init = statistics.median(one.init for one in runs)
    fastest = min(one.milliseconds for one in runs)
    note = f"beyond wandb.init's {init:.0f} ms; least {fastest:.1f} ms"
    tell(f"config of a model of {MODULES} modules", median, "ms", most=LIMIT_MS, note=note)


if __name__ == "__main__":
    main()
