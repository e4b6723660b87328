"""Every end of a Lightning training, on one process and on two: one message, and the right one."""

from __future__ import annotations

from pathlib import Path

import pytest
from endings import latency, train_until

from lightning_expname.testing import SlackServer

ALONE = [
    ("well", "finished"),
    ("exception", "failed"),
    ("sys.exit", "interrupted"),
    ("SIGINT", "interrupted"),
    ("SIGTERM", "interrupted"),
    ("SIGKILL", "killed"),
    ("SIGUSR1", "killed"),
    ("segfault", "killed"),
    ("os._exit", "killed"),
    ("early os._exit", "killed"),
]
TOGETHER = [
    ("well", 0, "finished"),
    ("exception", 0, "failed"),
    ("exception", 1, "failed"),
    ("exception", -1, "failed"),
    ("SIGINT", 0, "interrupted"),
    ("SIGTERM", 0, "interrupted"),
    ("SIGKILL", 0, "killed"),
    ("SIGKILL", 1, "killed"),
    ("segfault", 1, "killed"),
    ("os._exit", 1, "killed"),
]


@pytest.mark.parametrize(("end", "outcome"), ALONE)
def test_alone(expname_root: Path, expname_slack: SlackServer, end: str, outcome: str) -> None:
    _, messages = train_until(expname_slack, expname_root, end)
    (message,) = messages
    assert f"train {outcome}: " in message.text
    report(expname_root, end, outcome, message)


@pytest.mark.parametrize(("end", "rank", "outcome"), TOGETHER)
def test_together(
    expname_root: Path, expname_slack: SlackServer, end: str, rank: int, outcome: str
) -> None:
    _, messages = train_until(expname_slack, expname_root, end, str(rank), "2")
    (message,) = messages
    assert f"train {outcome}: " in message.text
    report(expname_root, f"{end} on rank {rank}", outcome, message)


def report(root: Path, end: str, outcome: str, message) -> None:
    """Shown by `pytest -rP`: a speed is no assertion on a busy machine."""
    print(f"{end}: {outcome}, {latency(root, message):.1f} s after its end")


def test_a_test_from_nothing_that_is_killed(expname_root: Path, expname_slack: SlackServer) -> None:
    _, messages = train_until(expname_slack, expname_root, "SIGKILL", "0", "1", "test")
    (message,) = messages
    assert "test killed: " in message.text
