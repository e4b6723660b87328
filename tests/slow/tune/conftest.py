"""Runs the script `study_script.py` as its users would, and reads what every rank saw."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("study_script.py")
LIMIT = 600.0  # ten trainings in processes of their own, on a busy machine


@dataclass
class Ran:
    code: int
    output: str
    ranks: dict[int, dict[str, Any]]


Run = Callable[..., Ran]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "study rööt"
    folder.mkdir()
    return folder


@pytest.fixture
def run(root: Path) -> Iterator[Run]:
    """Runs the script to its end; afterwards nothing of its session may be left."""
    sessions: list[int] = []

    def start(strategy: str, storage: str, *arguments: str, torchrun: bool = False) -> Ran:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
        command = [sys.executable, *(launcher if torchrun else []), str(SCRIPT)]
        quiet = {"WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false", "OMP_NUM_THREADS": "1"}
        with (root / "output.txt").open("w") as output:
            child = subprocess.Popen(
                [*command, str(root), strategy, storage, *arguments],
                stdout=output,
                stderr=output,
                env={**os.environ, **quiet},
                start_new_session=True,
            )
            sessions.append(child.pid)
            code = child.wait(LIMIT)
        await_end_of(child.pid)
        ranks = {
            int(path.stem.removeprefix("rank")): json.loads(path.read_text())
            for path in root.glob("rank*.json")
        }
        return Ran(code, (root / "output.txt").read_text(), ranks)

    yield start
    for session in sessions:
        for process in members(session):
            os.kill(process, signal.SIGKILL)


def members(session: int) -> list[int]:
    """The living processes of a session, zombies aside (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, owner = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(owner) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


def await_end_of(session: int, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while left := members(session):
        assert time.monotonic() < end, f"processes {left} were left behind"
        time.sleep(0.2)
