"""A worker of a study, to be killed: `python worker.py ROOT [--hang N] [--die N]`."""

from __future__ import annotations

import argparse
import os
import signal
import time

from lightning_expname import SyncTrial, tune


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--retries", type=int, default=3)
    parser.add_argument("--hang", type=int, help="stay in this trial")
    parser.add_argument("--die", type=int, help="be killed in this point of the space")
    options = parser.parse_args()

    def objective(trial: SyncTrial) -> float:
        x = trial.suggest_float("x", 0, 1)
        print(f"in trial {trial.number}", flush=True)
        trial.report(x, 0)
        if options.die is not None and trial.number >= options.die:
            os.kill(os.getpid(), signal.SIGKILL)
        if trial.number == options.hang:
            time.sleep(300)
        time.sleep(0.01)
        return x

    tune(
        objective,
        n_trials=options.trials,
        model="N",
        dataset="D",
        seed=0,
        root_dir=options.root,
        retries=options.retries,
        progress=False,
        plots=False,
    )


if __name__ == "__main__":
    main()
