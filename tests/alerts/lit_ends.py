"""A training that ends as it is told: `python lit_ends.py END [RANK [DEVICES [MODE [STRATEGY]]]]`.

On the given rank only; -1 is every rank.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore")
# Python's safe path, which tox sets, leaves a program's own folder out
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "runs")]

import plain_ends
from flavour import Callback, ExpNameAlerts, ExpNameLogger
from lit_models import lit, loader, trainer


class TrialPruned(Exception):
    """Called like optuna's."""


def strike(end: str) -> None:
    print(f"\nstriking at {time.monotonic()}", flush=True)
    if end == "exception":
        raise ValueError("the reason")
    if end == "pruned":
        raise TrialPruned
    if end == "sys.exit":
        sys.exit(3)
    if end == "os._exit":
        os._exit(5)
    if end == "segfault":
        import ctypes

        ctypes.string_at(0)
    if end == "memory":
        plain_ends.eat_all_memory(plain_ends.used_memory() + (100 << 20))
    if end == "OOM killer":
        plain_ends.eat_all_memory(4 << 30)  # the memory cgroup that it is in allows less
    if end == "preempted":  # what SLURM sends, with `--signal=SIGUSR1@90`
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
    if end == "from outside":
        time.sleep(60)
    if end.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, end))
        time.sleep(0.5)


class End(Callback):
    """Ends the second epoch of a fit, or the first batch of a test."""

    def __init__(self, end: str, rank: int) -> None:
        self.end, self.rank = end, rank

    def on_train_epoch_start(self, ran: Any, module: Any) -> None:
        if ran.current_epoch == 1 and self.rank in (-1, ran.global_rank):
            strike(self.end)

    def on_test_batch_end(self, ran: Any, module: Any, *rest: Any) -> None:
        if self.rank in (-1, ran.global_rank):
            strike(self.end)

    def setup(self, ran: Any, module: Any, stage: str) -> None:
        print("begun", flush=True)
        if self.end.startswith("early ") and self.rank in (-1, ran.global_rank):
            strike(self.end.removeprefix("early "))


def main(
    end: str, rank: int = 0, devices: int = 1, mode: str = "fit", strategy: str = "ddp"
) -> None:
    logger, alerts = ExpNameLogger(offline=True), ExpNameAlerts()
    machines = int(os.environ.get("GROUP_WORLD_SIZE", "1"))  # torchrun's, which calls them groups
    spread = {
        "devices": devices // machines,
        "num_nodes": machines,
        "strategy": strategy if devices > 1 else "auto",
    }
    ran = trainer(logger, alerts, End(end, rank), epochs=3, **spread)
    data = {"fit": (loader(), loader()), "test": (loader(),)}[mode]
    getattr(ran, mode)(lit(), *data)


if __name__ == "__main__":
    # Whoever started the tests may have had them ignored (nohup, `&`), and children inherit that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(sys.argv[1], *map(int, sys.argv[2:4]), *sys.argv[4:])
