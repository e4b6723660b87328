"""A user's script: tune, then train and test with what was found, under a strategy.

    python study_script.py ROOT STRATEGY STORAGE [--trials N] [--event EVENT]

STORAGE: `memory`, `journal`, or a database's URL. What every rank saw goes to ROOT/rank{n}.json.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
import warnings
from pathlib import Path
from typing import Any

from lightning_expname import SyncTrial, tune

import lightning.pytorch as pl  # isort: skip
import optuna
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

PRUNERS = {
    "none": optuna.pruners.NopPruner(),
    "median": optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0),
}


class Net(nn.Module):
    """Its width differs between trials: ranks that disagree about it cannot train together."""

    def __init__(self, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.Dropout(dropout), nn.Linear(width, 1))

    def forward(self, batch: Tensor) -> Tensor:
        output: Tensor = self.layers(batch)
        return output


class Lit(pl.LightningModule):
    """Its validation loss is what it is told, and grows a little every epoch."""

    def __init__(self, net: nn.Module, lr: float, loss: float, event: str = "") -> None:
        super().__init__()
        self.net, self.lr, self.loss, self.event = net, lr, loss, event

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return self.net(batch[0]).pow(2).mean()

    def on_train_epoch_start(self) -> None:
        if self.current_epoch == 1:
            happen(self.event, self.global_rank)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val_loss", torch.tensor(self.loss + 0.01 * self.current_epoch), sync_dist=True)

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("test_loss", self.net(batch[0]).pow(2).mean(), sync_dist=True)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


def happen(event: str, rank: int) -> None:
    if event == "all fail" or event == f"rank {rank} fails":
        raise ValueError(event)
    if event == f"rank {rank} is killed":
        os.kill(os.getpid(), signal.SIGKILL)


def loader() -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.randn(16, 4)), batch_size=4)


def trainer(options: argparse.Namespace, **kwargs: Any) -> pl.Trainer:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False}
    return pl.Trainer(
        accelerator="cpu",
        devices=2 if options.strategy != "auto" else 1,
        strategy=options.strategy,
        num_sanity_val_steps=0,
        default_root_dir=options.root,
        **{"max_epochs": 4, "logger": False, "enable_checkpointing": False, **quiet, **kwargs},
    )


def storage_of(options: argparse.Namespace) -> Any:
    if options.storage == "journal":
        return None
    if "://" in options.storage and rank() == 0:
        return optuna.storages.RDBStorage(
            options.storage, heartbeat_interval=1, grace_period=options.grace
        )
    return options.storage if rank() == 0 else "memory"


def rank() -> int:
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", 0)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("strategy")
    parser.add_argument("storage")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--event", default="", help="what happens in trial 3")
    parser.add_argument("--grace", type=int, default=120)
    parser.add_argument("--isolate", default="none")
    parser.add_argument("--pruner", default="median")
    parser.add_argument("--bench", action="store_true", help="long trials, most of them bad")
    parser.add_argument("--logged", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seen: list[dict[str, Any]] = []

    def objective(trial: SyncTrial) -> float:
        bad = trial.number % 5 > 0 if options.bench else trial.number in (2, 4)
        width = trial.suggest_int("width", 1, 64)
        lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        if not bad:  # define-by-run: a parameter that not every trial has
            trial.suggest_categorical("act", ["gelu", "relu"])
        seen.append({"number": trial.number, **trial.params})
        event = options.event if trial.number == 3 else ""
        happen(event.removeprefix("early "), rank()) if event.startswith("early") else None
        logger = trial.logger() if options.logged else False
        more = {"max_epochs": 60} if options.bench else {}
        ran = trainer(options, logger=logger, callbacks=trial.callbacks(), **more)
        loss = 10.0 if bad else 1.0 - 0.1 * trial.number
        ran.fit(Lit(Net(width), lr, loss, event), loader(), loader())
        return float(ran.callback_metrics["val_loss"])

    started = time.monotonic()
    result = tune(
        objective,
        n_trials=options.trials,
        model="Net",
        dataset="Noise",
        direction="minimize",
        monitor="val_loss",
        storage=storage_of(options),
        pruner=PRUNERS[options.pruner],
        seed=0,
        root_dir=options.root,
        catch=(ValueError,),
        isolate=options.isolate,
        logger={"offline": True},
        plots=False,
    )
    seconds = time.monotonic() - started
    trials = [
        {
            "number": one.number,
            "state": one.state.name,
            "params": one.params,
            "steps": sorted(one.intermediate_values),
            "value": one.value,
            "attrs": one.user_attrs,
        }
        for one in (result.study.trials if result.study else ())
    ]
    after = trainer(options, max_epochs=1)
    module = Lit(Net(result.best_params["width"]), result.best_params["lr"], 1.0)
    after.fit(module, loader(), loader())
    tested = after.test(module, loader(), verbose=False)
    told = {
        "best": result.best_params,
        "value": result.best_value,
        "trial": result.best_trial,
        "seen": seen,
        "trials": trials,
        "tested": tested,
        "seconds": seconds,
        "run": result.run,
    }
    (options.root / f"rank{rank()}.json").write_text(json.dumps(told))
    # As torch asks of every program: a thread of gloo's may want the interpreter's lock after its
    # end, and abort (once in some ten runs on a busy machine). Lightning does it for NCCL alone.
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
