"""Programs that pull away what the watchdog stands on: it still tells, and harms nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import slack_sdk

import lightning_expname
from lightning_expname.alerts import Alerts
from lightning_expname.observer import ExpNameWarning, _said
from lightning_expname.records import RunRecord, read_record, write_record
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


@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_package_that_is_upgraded_meanwhile(
    expname_slack: SlackServer, tmp_path: Path, rank: str
) -> None:
    """`pip install --upgrade` removes its folder; slack-sdk is only half in place again."""
    for package in (lightning_expname, slack_sdk):
        folder = Path(str(package.__file__)).parent
        shutil.copytree(folder, tmp_path / folder.name)
    record = a_record(tmp_path)
    program = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[1])
from lightning_expname.alerts import Alerts
with Alerts().watch("train") as watched:
    watched.update(record=sys.argv[2])
    time.sleep(2.0)
    for name in ("lightning_expname", "slack_sdk"):
        os.rename(f"{sys.argv[1]}/{name}", f"{sys.argv[1]}/{name}-old")
    open(f"{sys.argv[1]}/slack_sdk.py", "w").write("raise ImportError")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run(program, str(tmp_path), str(record), TMPDIR=str(tmp_path), **rank_of_two(rank))
    said = only_message(expname_slack)
    assert said.startswith("💀 train killed")
    assert "best.ckpt" in expname_slack.messages[0].shown
    assert read_record(record).status == "killed"


def test_a_watchdog_imports_nothing_heavy() -> None:
    program = """
import sys
from lightning_expname.alerts import watchdog_process
watchdog_process._import_client()
print({"slack_sdk", "torch", "lightning", "wandb", "numpy", "matplotlib"} & {*sys.modules})
"""
    assert run(program).stdout == "{'slack_sdk'}\n"


def a_record(root: Path) -> Path:
    path = root / "runs" / "record.json"
    names = {"project": "p", "run": "r", "stem": "r", "model": "m", "dataset": "d"}
    write_record(RunRecord("1", **names, record="runs/record.json", best="best.ckpt", path=path))
    return path


def rank_of_two(rank: str) -> dict[str, str]:
    """Rank 0 asks Slack at the start whether it is well."""
    return {"WORLD_SIZE": "2", "RANK": rank, "MASTER_PORT": "1"}


def test_files_that_took_the_place_of_the_pipes_are_left_alone(
    expname_slack: SlackServer, tmp_path: Path
) -> None:
    """A program that becomes a daemon closes what it did not open."""
    program = """
import gc, os, sys, time
from pathlib import Path
from lightning_expname.alerts import Alerts
alerts = Alerts()
with alerts.watch("train") as watched:
    time.sleep(0.5)
    os.closerange(3, 256)
    numbers = [os.open(f"{sys.argv[1]}/{n}", os.O_RDWR | os.O_CREAT) for n in range(16)]
    watched.update(score=0.9)
alerts.close(30)
del alerts, watched
gc.collect()
for number in numbers:
    os.write(number, b"the user's")
"""
    done = run(program, str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    assert {path.read_text() for path in tmp_path.iterdir()} == {"the user's"}
    assert any("train finished" in one.text for one in expname_slack.wait_for(2))


def test_no_pipe_has_the_number_of_a_closed_output(expname_slack: SlackServer) -> None:
    """Native code writes there all the same."""
    program = """
import contextlib, os
from lightning_expname.alerts import Alerts
with Alerts().watch("train"):
    for number in (0, 1, 2):
        with contextlib.suppress(OSError):
            os.write(number, b"progress 99%")
"""
    command = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, program]
    assert subprocess.run(command, timeout=60).returncode == 0
    assert only_message(expname_slack) == "✅ train finished"
