"""The kernel's OOM killer, where a memory cgroup can be made; else the skip says so."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from endings import join, memory_cgroup

from lightning_expname.testing.slack_server import SlackServer

PROGRAM = Path(__file__).with_name("plain_ends.py")


def test_the_oom_killer_is_told_by_its_name(expname_slack: SlackServer) -> None:
    with memory_cgroup(100 << 20) as group:
        # While the kernel frees what it killed, it may kill a second process that asks for memory:
        # the watchdog does while it starts, and never again.
        command = [sys.executable, str(PROGRAM), "OOM killer", "1.5"]
        code = subprocess.call(command, preexec_fn=lambda: join(group), timeout=60)
        (message,) = expname_slack.wait_for(1)
    assert code == -signal.SIGKILL
    assert "train killed: d_model64-bs32" in message.text
    assert "probably for memory: the kernel's OOM killer struck" in message.shown
    assert len(expname_slack.messages) == 1
