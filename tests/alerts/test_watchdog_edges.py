"""Programs that pull away what the watchdog stands on: it still tells, and harms nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lightning_expname.alerts import Alerts
from lightning_expname.observer import ExpNameWarning, _said
from lightning_expname.testing.slack_server import SlackServer

LATER = 0.5  # seconds in which a second message would have come


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> None:
    _said.clear()


def run(program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs it to its end; `-c` puts the working directory first on its import path."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **variables},
    )


def only_message(slack: SlackServer) -> str:
    slack.wait_for(1)
    time.sleep(LATER)
    (message,) = slack.messages
    return message.text


@pytest.mark.parametrize("entry", ["None", "pathlib.Path('x')", "b'x'"])
def test_an_import_path_may_hold_what_is_no_text(expname_slack: SlackServer, entry: str) -> None:
    program = f"""
import os, pathlib, signal, sys
from lightning_expname.alerts import Alerts
sys.path.append({entry})
with Alerts().watch("train"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run(program)
    assert only_message(expname_slack).startswith("💀 train killed")


def test_whatever_keeps_a_watchdog_from_starting_harms_nobody(
    expname_slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "\0")  # a ValueError
    alerts = Alerts(wandb=False)
    with pytest.warns(ExpNameWarning, match="no watchdog could be started"), alerts.watch("train"):
        pass
    assert alerts.close(30)
    assert only_message(expname_slack) == "✅ train finished"


@pytest.mark.parametrize("how", ["sys.path", "PYTHONPATH", "a package"])
@pytest.mark.parametrize("end", ["finished", "killed"])
def test_a_folder_that_comes_to_be_first_hides_no_module(
    expname_slack: SlackServer, tmp_path: Path, how: str, end: str
) -> None:
    """Old projects put their helpers there once they have imported what they need."""
    for name in ("logging", "queue", "lightning_expname" if how == "a package" else "json"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not this one')")
    program = f"""
import os, signal, sys, time
from lightning_expname.alerts import Alerts
if {how == "PYTHONPATH"}:
    os.environ["PYTHONPATH"] = sys.argv[1]
else:
    sys.path.insert(0, sys.argv[1])
with Alerts().watch("train"):
    time.sleep(0.5)
    if {end == "killed"}:
        os.kill(os.getpid(), signal.SIGKILL)
"""
    said = run(program, str(tmp_path)).stderr
    assert only_message(expname_slack)[2:].strip().startswith(f"train {end}")
    assert said == ""
