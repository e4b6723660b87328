"""A study tells its end once, and none of its trials'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lightning_expname import ExpNameAlerts, tune
from lightning_expname.testing.slack_server import SlackServer


def study(objective: Any, **kwargs: Any) -> None:
    alerts = ExpNameAlerts(wandb=False, watchdog=False)
    options: dict[str, Any] = {"logger": False, "progress": False, "plots": False, **kwargs}
    try:
        tune(objective, n_trials=3, model="Net", dataset="Digits", alerts=alerts, **options)
    finally:
        assert alerts.close(60)


def test_a_finished_study_is_one_message(expname_root: Path, expname_slack: SlackServer) -> None:
    def objective(trial: Any) -> float:
        if trial.number == 1:
            raise ValueError("one trial's own")
        return float(trial.number)

    study(objective, catch=(ValueError,))
    (message,) = expname_slack.messages
    assert "tune finished: Net-Digits" in message.text


def test_a_failed_study_is_one_message(expname_root: Path, expname_slack: SlackServer) -> None:
    def objective(trial: Any) -> float:
        raise ValueError("out of ideas")

    with pytest.raises(ValueError, match="out of ideas"):
        study(objective)
    (message,) = expname_slack.messages
    assert "out of ideas" in message.text
    assert "tune failed: Net-Digits" in message.text
