"""Runs the programs that end badly, and says what was told of them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from lightning_expname.testing.slack_server import Posted, SlackServer

TRAINING = Path(__file__).with_name("lit_ends.py")
MARKER = "striking at "


def train_until(slack: SlackServer, root: Path, *arguments: str) -> tuple[int, list[Posted]]:
    """The exit code, and every message that came of it."""
    output = root / "output.txt"
    with output.open("w") as file:
        code = subprocess.call(
            [sys.executable, str(TRAINING), *arguments],
            stdout=file,
            stderr=file,
            cwd=root,
            timeout=240,
        )
    slack.wait_for(1, 60)
    time.sleep(5.0 if len(arguments) > 2 else 0.5)  # when a second message would have come
    return code, list(slack.messages)


def latency(root: Path, message: Posted) -> float:
    """Seconds from the end to its message; both clocks are the machine's."""
    lines = (root / "output.txt").read_text().splitlines()
    struck = [float(line.removeprefix(MARKER)) for line in lines if line.startswith(MARKER)]
    return message.at - min(struck)
