"""Kills real trainings with SIGKILL at random moments: `python kill_trainings.py ROOT KILLS SEED`.

Everything is imported once; each training is a fork, with a W&B process of its own.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import wandb.apis.public  # W&B imports these late: once for all forks
import wandb.sdk.launch  # noqa: F401
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lit_models import lit, loader

from lightning_expname import ExpNameLogger

WAIT = 120.0  # seconds at most until a training has begun


def train(root: Path, turn: int) -> None:
    """Endless epochs of milliseconds, a checkpoint after each."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False}
    keep = ModelCheckpoint(
        monitor="val_acc" if turn % 4 else None,
        mode="max",
        save_top_k=(1, 2, -1)[turn % 3] if turn % 4 else 1,
        save_last=bool(turn % 2),
    )
    arguments: dict[str, Any] = {"accelerator": "cpu", "max_epochs": 100_000, **quiet}
    logger = ExpNameLogger(root_dir=root, offline=True)
    Trainer(logger=logger, callbacks=[keep], **arguments).fit(
        lit(4 + turn % 3, lr=0.01), loader(), loader()
    )


def kill_one(root: Path, turn: int, chance: random.Random) -> None:
    """One training, killed after its claim, or (four of five) among its checkpoints."""
    early = turn % 5 == 0
    awaited = "*.json" if early else "*.ckpt"
    before = _newest(root, awaited)
    child = os.fork()
    if child == 0:
        _silence()
        train(root, turn)
        os._exit(1)  # never reached
    end = time.monotonic() + WAIT
    while _newest(root, awaited) == before:
        if time.monotonic() > end or os.waitpid(child, os.WNOHANG)[0]:
            sys.exit(f"training {turn} never began")
        time.sleep(0.01)
    late = turn % 5 == 4  # W&B's log, which is flushed every second, has its config by then
    time.sleep(chance.uniform(0.0, 0.5) + 2.0 * late)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _newest(root: Path, pattern: str) -> int:
    """Changes with every file that is made."""
    times = [0]
    for path in (root / "checkpoints").rglob(pattern):
        with contextlib.suppress(FileNotFoundError):  # replaced by a better one
            times.append(path.stat().st_ctime_ns)
    return max(times)


def _silence() -> None:
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    warnings.filterwarnings("ignore")


def main() -> None:
    """One training after the other."""
    root, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    for turn in range(kills):
        kill_one(root, turn, chance)


if __name__ == "__main__":
    main()
