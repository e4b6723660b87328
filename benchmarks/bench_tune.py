"""What `tune` costs a trial against bare Optuna, and what pruning saves under two-process ddp.

python benchmarks/bench_tune.py [--trials N] [--ddp]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend
from rows import tell

from lightning_expname import tune

STUDY = Path(__file__).parents[1] / "tests/slow/tune/study_script.py"


def objective(trial: Any) -> float:
    """Three parameters and ten reports; no work of its own."""
    x: float = trial.suggest_float("x", 0, 1)
    trial.suggest_int("n", 1, 8)
    trial.suggest_categorical("act", ["gelu", "relu"])
    for step in range(10):
        trial.report(x, step)
        trial.should_prune()
    return x


def bare(trials: int, folder: Path) -> None:
    """Optuna's own loop, with its own journal."""
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / "bare.journal")))
    optuna.create_study(storage=storage).optimize(objective, n_trials=trials)


def ours(trials: int, folder: Path) -> None:
    """The same objective under `tune`, without W&B."""
    options: dict[str, Any] = {"logger": False, "progress": False, "plots": False}
    tune(objective, n_trials=trials, model="N", dataset="D", root_dir=folder, **options)


def seconds(run: Callable[[int, Path], None], trials: int) -> float:
    """How long a fresh study takes."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run(trials, Path(folder))
        return time.perf_counter() - start


def compare(trials: int, repeats: int = 5) -> None:
    """Interleaved, so that a busy machine disturbs both alike."""
    seconds(bare, 2), seconds(ours, 2)
    pairs = [(seconds(bare, trials), seconds(ours, trials)) for _ in range(repeats)]
    one, other = (statistics.median(column) / trials for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    note = f"bare Optuna; {other * 1e3:.1f} ms against {one * 1e3:.1f} ms, objective without work"
    tell("a trial under tune()", ratio, "x", note=note)


def ddp(trials: int = 12) -> None:
    """Trials an hour of trainings of which four in five are prunable, with and without a pruner."""
    rates = {}
    for pruner in ("none", "median"):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, str(STUDY), folder, "ddp", "journal"]
            more = ["--trials", str(trials), "--bench", "--pruner", pruner]
            subprocess.run([*command, *more], check=True, capture_output=True, timeout=1200)
            told = json.loads((Path(folder) / "rank0.json").read_text())
        rates[pruner] = 3600 * trials / told["seconds"]
        pruned = sum(one["state"] == "PRUNED" for one in told["trials"])
        tell(
            f"trials under 2-process ddp, pruner {pruner}",
            rates[pruner],
            "/h",
            note=f"{pruned} of {trials} pruned",
        )
    more = rates["median"] / rates["none"]
    tell("trials an hour under 2-process ddp, pruned", more, "x", least=1.0, note="not pruned")


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--ddp", action="store_true")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    compare(options.trials)
    if options.ddp:
        ddp()


if __name__ == "__main__":
    main()
