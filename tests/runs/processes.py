"""Trainings on two processes, and what every rank of them was told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

APP = Path(__file__).with_name("ranks_app.py")
COMMAND = (sys.executable, str(APP))
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


def environment(**more: str) -> dict[str, str]:
    """Ours, with the applications' own modules: PYTHONSAFEPATH hides a script's folder."""
    path = os.pathsep.join(filter(None, (str(APP.parent), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **more}


def train(
    root: Path, strategy: str, *rest: str, launcher: tuple[str, ...] = COMMAND, **more: str
) -> subprocess.CompletedProcess[str]:
    """One start of the application, in bounded time."""
    for path in root.glob("rank*-*.json"):  # what an earlier start was told
        path.unlink()
    return subprocess.run(
        [*launcher, str(root), strategy, *rest],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=900,  # two processes for each mode, on a busy machine
    )
