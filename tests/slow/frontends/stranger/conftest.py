"""After every test of this project its process is as it was before."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def children() -> list[str]:
    """The programs that this process has started and that still run."""
    tasks = Path("/proc/self/task").glob("*/children")
    numbers = [number for task in tasks for number in task.read_text().split()]
    return [Path(f"/proc/{number}/cmdline").read_bytes().decode() for number in numbers]


def state() -> dict[str, object]:
    """What a test could leave behind."""
    wandb = sys.modules["wandb"]
    return {
        "directory": os.getcwd(),
        "environment": {key: os.environ[key] for key in os.environ if not key.startswith("PYTEST")},
        "files": sorted(path.name for path in HERE.rglob("*") if "__pycache__" not in path.parts),
        "children": children(),
        "threads": [one.name for one in threading.enumerate()],
        "run": wandb.run,
        "config": type(wandb.config),
    }


@pytest.fixture(scope="session")
def loaded() -> None:
    """Importing starts threads and sets variables of its own, whoever asks for it."""
    import digits  # noqa: F401
    import wandb  # noqa: F401


@pytest.fixture(autouse=True)
def leaves_nothing_behind(loaded: None):
    """First set up, so last torn down: it sees what the fixtures of the test leave."""
    before = state()
    yield
    assert state() == before
