"""Every end of a Lightning training, on one process and on two: one message, and the right one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from endings import TRAINING, kill_training, latency, memory_cgroup, train_until

from lightning_expname.records import read_record
from lightning_expname.testing import SlackServer
from lightning_expname.testing.slack_server import Posted

RUN = "d_model16-n_heads8-n_layers4-activation.gelu-bs16"
ALONE = [
    ("well", "finished"),
    ("exception", "failed"),
    ("memory", "failed"),
    ("pruned", None),
    ("sys.exit", "interrupted"),
    ("SIGINT", "interrupted"),
    ("SIGTERM", "interrupted"),
    ("SIGHUP", "killed"),
    ("SIGUSR1", "killed"),
    ("SIGKILL", "killed"),
    ("segfault", "killed"),
    ("os._exit", "killed"),
    ("early os._exit", "killed"),
]
TOGETHER = [  # by Lightning's own launcher
    ("well", 0, "finished"),
    ("exception", 0, "failed"),
    ("exception", 1, "failed"),
    ("exception", -1, "failed"),
    ("memory", 1, "failed"),
    ("pruned", -1, None),
    ("sys.exit", -1, "interrupted"),
    ("SIGINT", 0, "interrupted"),
    ("SIGTERM", 0, "interrupted"),
    ("SIGKILL", 0, "killed"),
    ("SIGKILL", 1, "killed"),
    ("segfault", 1, "killed"),
    ("os._exit", 1, "killed"),
]
ELSEWHERE = [
    ("torchrun", "ddp", "well", 0, "finished"),
    ("torchrun", "ddp", "exception", 1, "failed"),
    ("torchrun", "ddp", "SIGKILL", 1, "killed"),
    ("torchrun", "ddp", "SIGTERM", -1, "interrupted"),
    ("script", "ddp_spawn", "well", 0, "finished"),
    ("script", "ddp_spawn", "exception", 1, "failed"),
    ("script", "ddp_spawn", "SIGKILL", 1, "killed"),
    ("script", "ddp_fork", "os._exit", 0, "killed"),
    ("srun", "ddp", "preempted", -1, "interrupted"),
    ("two machines", "ddp", "well", 0, "finished"),
    ("two machines", "ddp", "exception", 1, "failed"),
    ("two machines", "ddp", "SIGKILL", 1, "killed"),
]


@pytest.mark.parametrize(("end", "outcome"), ALONE)
def test_alone(
    expname_root: Path, expname_slack: SlackServer, end: str, outcome: str | None
) -> None:
    _, messages = train_until(expname_slack, expname_root, end)
    check(expname_root, end, outcome, messages)


@pytest.mark.parametrize(("end", "rank", "outcome"), TOGETHER)
def test_together(
    expname_root: Path, expname_slack: SlackServer, end: str, rank: int, outcome: str | None
) -> None:
    _, messages = train_until(expname_slack, expname_root, end, str(rank), "2")
    check(expname_root, f"{end} on rank {rank}", outcome, messages)
    check_rank(rank, outcome, messages)


@pytest.mark.parametrize(("launcher", "strategy", "end", "rank", "outcome"), ELSEWHERE)
def test_under_other_launchers(
    expname_root: Path,
    expname_slack: SlackServer,
    launcher: str,
    strategy: str,
    end: str,
    rank: int,
    outcome: str,
) -> None:
    arguments = [end, str(rank), "2", "fit", strategy]
    _, messages = train_until(expname_slack, expname_root, *arguments, launcher=launcher)
    check(expname_root, f"{launcher}, {strategy}, {end} on rank {rank}", outcome, messages)
    check_rank(rank, outcome, messages)
    if launcher == "srun":
        assert (expname_root / "asked.txt").read_text().startswith("scontrol requeue ")


def test_a_training_that_the_kernel_kills_for_memory(
    expname_root: Path, expname_slack: SlackServer
) -> None:
    with memory_cgroup(900 << 20) as group:
        _, messages = train_until(expname_slack, expname_root, "OOM killer", group=group)
    check(expname_root, "OOM killer", "killed", messages)
    assert "the kernel's OOM killer struck" in messages[0].shown
    (path,) = (expname_root / "checkpoints").rglob("*.json")
    assert read_record(path).status == "killed"


def test_a_test_from_nothing_that_is_killed(expname_root: Path, expname_slack: SlackServer) -> None:
    _, messages = train_until(expname_slack, expname_root, "SIGKILL", "0", "1", "test")
    (message,) = messages
    assert "test killed: " in message.text


def test_trainings_that_are_killed_at_random_moments(
    expname_root: Path, expname_slack: SlackServer
) -> None:
    rounds = max(2, int(os.environ.get("EXPNAME_ROUNDS", "6")) // 5)
    with ThreadPoolExecutor(2) as pool:
        roots = [expname_root / f"training {seed}" for seed in range(rounds)]
        list(pool.map(kill_training, roots, range(rounds)))
    expname_slack.wait_for(rounds)
    time.sleep(2.0)  # when a second message would have come
    told = [one.text.partition(": ")[0] for one in expname_slack.messages]
    assert told == ["💀 train killed"] * rounds


def check_rank(rank: int, outcome: str | None, messages: list[Posted]) -> None:
    """Who speaks is the one that failed; of a kill, a rank that it left alone may be sooner."""
    if outcome == "failed" and rank != -1:
        assert f"*Rank* `{rank} of 2`" in messages[0].shown


def test_what_fails_in_the_process_that_starts_ranks_is_told(
    expname_root: Path, expname_slack: SlackServer
) -> None:
    program = [sys.executable, str(TRAINING.with_name("two_launches.py"))]
    ran = subprocess.run(program, cwd=expname_root, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 1 and "PicklingError" in ran.stderr, ran.stderr
    told = expname_slack.wait_for(3)
    time.sleep(5.0)  # when a further message would have come
    assert len(expname_slack.messages) == 3
    started, finished, failed = (one.text for one in told)
    assert started.startswith("▶️ train started")
    assert finished.startswith("✅ train finished")
    assert failed.startswith("❌ train failed") and "PicklingError" in failed


def check(root: Path, end: str, outcome: str | None, messages: list[Posted]) -> None:
    """One message with this outcome; how soon it came is shown by `pytest -rP`, not asserted."""
    assert [one.text.split(": ")[0][2:].strip() for one in messages] == (
        [f"train {outcome}"] if outcome else []
    ), (root / "output.txt").read_text()
    if messages:
        assert end == "early os._exit" or f": {RUN}" in messages[0].text  # before it has a name
        print(f"{end}: {outcome}, {latency(root, messages[0]):.1f} s after its end")
