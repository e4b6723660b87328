"""What is tried again after a worker's death."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna

from lightning_expname import tune


def test_a_retry_that_dies_at_its_start_keeps_the_parameters(expname_root: Path) -> None:
    """Seen in fifty kills: the second retry had parameters of its own."""
    storage = optuna.storages.InMemoryStorage()
    options: dict[str, Any] = {"model": "N", "dataset": "D", "storage": storage, "seed": 1}
    started: list[int] = []

    def objective(trial: Any) -> float:
        started.append(trial.number)
        if len(started) == 2:
            raise KeyboardInterrupt  # a retry, before it suggested anything
        x: float = trial.suggest_float("x", 0, 1)
        if len(started) == 1:
            raise KeyboardInterrupt
        return x

    for n_ended in range(3):
        try:
            tune(objective, n_trials=1, logger=False, progress=False, plots=False, **options)
        except KeyboardInterrupt:
            assert n_ended < 2
    trials = optuna.load_study(study_name="N-D", storage=storage).trials
    assert [one.state.name for one in trials] == ["FAIL", "FAIL", "COMPLETE"]
    assert trials[1].params == {}
    assert trials[2].params == trials[0].params
