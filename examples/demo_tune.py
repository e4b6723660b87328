"""A study that names its trials, prunes them, and leads to the best one's checkpoint.

Tunes a small Transformer on scikit-learn's 1 797 scanned digits, W&B offline, on the CPU. The same
script under `strategy="ddp"` on all devices needs no other line.

    python examples/demo_tune.py [--root DIRECTORY] [--trials N] [--epochs N]
"""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from pathlib import Path

from lightning_expname import (  # before any model
    ExpNameCheckpoint,
    SyncTrial,
    TuneResult,
    load_best_params,
    tune,
)

import lightning.pytorch as pl  # isort: skip
import optuna
import torch
from demo import DigitsDataset, LitDigits, PatchTransformer
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils.data import DataLoader, Subset, random_split

SEARCH_SPACE = {
    "d_model": [16, 32],
    "n_layers": {"low": 1, "high": 2},
    "dropout": {"low": 0.0, "high": 0.5},
    "lr": {"low": 1e-4, "high": 3e-2, "log": True},
}
Parts = list[Subset[tuple[Tensor, Tensor]]]


class Study:
    """The objective: one training with a trial's parameters."""

    def __init__(self, epochs: int, parts: Parts) -> None:
        self.epochs = epochs
        self.train = DataLoader(parts[0], batch_size=64, shuffle=True)
        self.val = DataLoader(parts[1], batch_size=64)

    def __call__(self, trial: SyncTrial) -> float:
        pl.seed_everything(0, verbose=False)
        params = trial.params
        best = ExpNameCheckpoint(monitor="val_acc", mode="max")
        trainer = pl.Trainer(
            logger=trial.logger(),
            callbacks=[*trial.callbacks(), best],
            max_epochs=self.epochs,
            accelerator="cpu",
            log_every_n_steps=5,
            enable_model_summary=False,
            enable_progress_bar=False,
        )
        trainer.fit(LitDigits(network(params), lr=params["lr"]), self.train, self.val)
        return float(best.best_model_score or 0.0)


def network(params: dict[str, float]) -> PatchTransformer:
    """The model of a set of parameters."""
    width, layers = int(params["d_model"]), int(params["n_layers"])
    return PatchTransformer(width, int(params["n_heads"]), layers, params["dropout"])


def show(result: TuneResult) -> None:
    """The table of trials, best first, as Optuna stored them."""
    table = Table(
        "trial", "state", "value", "epochs", "run", title=f"study {result.study.study_name}"
    )
    trials = sorted(result.study.trials, key=lambda one: -(one.value or 0.0))
    for one in trials:
        run = one.user_attrs.get("expname:run", {}).get("run", "")
        epochs = len(one.intermediate_values)
        table.add_row(str(one.number), one.state.name, f"{one.value:.4f}", str(epochs), run)
    Console(width=112).print(table)


def test(result: TuneResult, part: Subset[tuple[Tensor, Tensor]]) -> float:
    """The accuracy of the best trial's best checkpoint, loaded through its record."""
    params = load_best_params(result.path)
    module = result.record.load(LitDigits, model=network(params))
    trainer = pl.Trainer(logger=False, accelerator="cpu", enable_checkpointing=False)
    return trainer.test(module, DataLoader(part, batch_size=64), verbose=False)[0]["test_acc"]


def main() -> None:
    """Tunes, shows, finds the best checkpoint, tests it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path("demo_tune_runs"))
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    os.environ.setdefault("WANDB_SILENT", "true")
    logging.getLogger("lightning").setLevel(logging.WARNING)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    generator = torch.Generator().manual_seed(0)
    parts = random_split(DigitsDataset(), [1203, 297, 297], generator)
    result = tune(
        Study(options.epochs, parts),
        n_trials=options.trials,
        model="PatchTransformer",
        dataset="Digits",
        search_space=SEARCH_SPACE,
        fixed={"n_heads": 4},
        monitor="val_acc",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=1),
        seed=0,
        root_dir=options.root,
        logger={"offline": True},
    )
    show(result)
    print(f"best parameters  {result.path}\n{result.path.read_text()}")
    print(f"best run         {result.record.run}")
    print(f"its checkpoint   {result.record.checkpoint('best')}")
    print(f"test accuracy    {test(result, parts[2]):.4f}")


if __name__ == "__main__":
    main()
