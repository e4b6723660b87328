"""The best parameters on disk are the study's own, also when a resumed study has nothing left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lightning_expname import SyncTrial, TuneResult, tune
from lightning_expname.tuning import lead


def study(name: str, sign: int = 1) -> TuneResult:
    def objective(trial: SyncTrial) -> float:
        trial.suggest_float("x", 0, 1)
        return sign * trial.number

    return tune(
        objective,
        n_trials=2,
        model="N",
        dataset="D",
        study_name=name,
        logger=False,
        plots=False,
        progress=False,
    )


def on_disk(result: TuneResult) -> Any:
    return json.loads(result.path.read_text())


def test_what_a_worker_killed_after_its_last_trial_left_is_made_good(
    expname_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = lead.write_outcome

    def killed(tally: Any, *rest: Any) -> None:
        if len(tally.study.trials) == 2:
            raise KeyboardInterrupt
        write(tally, *rest)

    monkeypatch.setattr(lead, "write_outcome", killed)
    with pytest.raises(KeyboardInterrupt):
        study("A")
    result = study("A")
    assert result.best_trial == 1
    assert on_disk(result) == result.best_params


def test_a_study_that_is_over_takes_its_file_back_from_another(expname_root: Path) -> None:
    study("A")
    study("B", -1)
    result = study("A")
    assert on_disk(result) == result.best_params


def test_a_value_changed_by_hand_stays(expname_root: Path) -> None:
    result = study("A")
    result.path.write_text('{"x": 0.5}')
    assert on_disk(study("A")) == {"x": 0.5}
