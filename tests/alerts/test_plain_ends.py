"""Every end of a program without Lightning, for real: one message each, and the right one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lightning_expname.testing.slack_server import SlackServer

PROGRAM = Path(__file__).with_name("plain_ends.py")
LATER = 0.5  # seconds in which a second message would have come


def start(end: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), end, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=_hear_signals,
    )


def _hear_signals() -> None:
    """Whoever started the tests may have had them ignored (nohup, `&`); children inherit it."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def run(end: str) -> int:
    """The exit code; whoever reads the output to its end does not wait for the watchdog."""
    process = start(end)
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize(
    ("end", "code", "outcome"),
    [
        ("well", 0, "finished"),
        ("sys.exit(0)", 0, "finished"),
        ("exception", 1, "failed"),
        ("memory", 1, "failed"),
        ("sys.exit(3)", 3, "interrupted"),
        ("SIGINT", -signal.SIGINT, "interrupted"),
        ("SIGTERM", -signal.SIGTERM, "killed"),
        ("SIGHUP", -signal.SIGHUP, "killed"),
        ("SIGUSR1", -signal.SIGUSR1, "killed"),
        ("SIGKILL", -signal.SIGKILL, "killed"),
        ("segfault", -signal.SIGSEGV, "killed"),
        ("os._exit", 5, "killed"),
        ("child", -signal.SIGKILL, "killed"),
        ("child ends", 0, "finished"),
    ],
)
def test_each_end_is_told_once(
    expname_slack: SlackServer, end: str, code: int, outcome: str
) -> None:
    if end == "child":
        process = start(end)
        assert process.wait(60) == code  # its output is held open, by its child
    else:
        assert run(end) == code
    (message,) = expname_slack.wait_for(1)
    assert f"train {outcome}: d_model64-bs32" in message.text
    time.sleep(LATER)
    assert len(expname_slack.messages) == 1
    assert expname_slack.refused == []


def test_a_failure_says_why_and_keeps_secrets(expname_slack: SlackServer) -> None:
    run("exception")
    (message,) = expname_slack.wait_for(1)
    assert "`ValueError: the reason &lt;!channel&gt; with &lt;redacted&gt;`" in message.shown
    assert message.shown.endswith("with &lt;redacted&gt;```")
    assert "in fail" in message.shown
    assert "xoxb" not in str(message.body)


def test_pruned_is_silent(expname_slack: SlackServer) -> None:
    assert run("pruned") == 1
    time.sleep(LATER)
    assert expname_slack.messages == []
    assert [path for path, _ in expname_slack.requests if "/services/" in path]  # the probe alone


def kill_at_random(slack: SlackServer, seed: int) -> None:
    process = start("well", "20")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(random.Random(seed).uniform(0.0, 0.3))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)


def test_kills_at_random_moments_are_told_and_good_ends_are_not(
    expname_slack: SlackServer,
) -> None:
    rounds = int(os.environ.get("EXPNAME_ROUNDS", "6"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: kill_at_random(expname_slack, seed), range(rounds)))
        assert list(pool.map(lambda _: run("well"), range(rounds))) == [0] * rounds
    told = expname_slack.wait_for(2 * rounds)
    time.sleep(LATER)
    assert sum("train killed" in one.text for one in expname_slack.messages) == rounds
    assert sum("train finished" in one.text for one in told) == rounds
    assert len(expname_slack.messages) == 2 * rounds


def test_the_watchdog_is_small_and_ends_with_the_run(expname_slack: SlackServer) -> None:
    process = start("well", "3")
    assert process.stdout is not None
    process.stdout.readline()
    (watchdog,) = children_of(process.pid)
    time.sleep(1.0)
    status = Path(f"/proc/{watchdog}/status").read_text()
    modules = Path(f"/proc/{watchdog}/maps").read_text()
    assert "torch" not in modules
    resident = int(status.split("VmRSS:")[1].split()[0])
    assert resident < 60_000  # kB; 37 MB with Slack's client, 23 MB without
    assert os.getsid(watchdog) == watchdog
    process.communicate(timeout=60)
    expname_slack.wait_for(1)
    wait_until_gone(watchdog)


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def wait_until_gone(pid: int, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end, "the watchdog outlives the run"
        time.sleep(0.05)


def test_secrets_are_in_no_argument_and_no_environment(expname_slack: SlackServer) -> None:
    process = start("well", "2")
    assert process.stdout is not None
    process.stdout.readline()
    (watchdog,) = children_of(process.pid)
    for name in ("cmdline", "environ"):
        assert b"/services/" not in Path(f"/proc/{watchdog}/{name}").read_bytes()
    process.communicate(timeout=60)


def test_a_killed_watchdog_harms_nobody(expname_slack: SlackServer) -> None:
    process = start("well", "2")
    assert process.stdout is not None
    process.stdout.readline()
    (watchdog,) = children_of(process.pid)
    os.kill(watchdog, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == 0
    (message,) = expname_slack.wait_for(1)  # told by the process itself
    assert "train finished" in message.text
