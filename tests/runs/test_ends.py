"""How a training ends, for real: what the record says, and what W&B recorded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import environment

from lightning_expname.records import RunRecord, is_alive, read_record

Read = Callable[..., list[Any]]
APP = Path(__file__).with_name("ends_app.py")


def end(root: Path, how: str, **more: str) -> tuple[int, RunRecord, str]:
    ran = subprocess.run(
        [sys.executable, str(APP), str(root), how],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=300,
    )
    (path,) = (root / "checkpoints").rglob("*.json")
    return ran.returncode, read_record(path), ran.stderr


End = tuple[str, int, str, "str | None", int]
"""How, the process's exit code, the record's status and reason, W&B's exit code."""


def agree(root: Path, read: Read, expected: End) -> RunRecord:
    """Lets a training end so, and compares its record with what W&B recorded."""
    how, code, status, ended_by, told = expected
    returned, record, errors = end(root, how)
    (run,) = read()
    assert returned == code, errors
    assert (record.status, record.ended_by) == (status, ended_by), errors
    assert (run.exit_code, run.preempting) == (told, how in ("sigterm", "sigusr1"))
    assert (run.name, run.run_id, run.project) == (record.run, record.id, record.project)
    assert record.finished is not None and record.last is not None
    assert is_alive(record.process) is False
    return record


@pytest.mark.parametrize(
    "expected",
    [
        ("success", 0, "finished", None, 0),
        ("raises", 1, "failed", "ZeroDivisionError", 1),
        ("sigterm", 0, "interrupted", "SIGTERM", 143),
    ],
)
def test_record_and_wandb_agree_on_the_end(
    expname_root: Path, expname_recorded: Read, expected: End
) -> None:
    agree(expname_root, expname_recorded, expected)


def test_a_killed_training_is_running_in_a_process_that_is_gone(
    expname_root: Path, expname_recorded: Read
) -> None:
    returned, record, _ = end(expname_root, "sigkill")
    (run,) = expname_recorded(wait=0.0)
    assert (returned, record.status, run.exit_code) == (-9, "running", None)
    assert is_alive(record.process) is False


def test_checkpoints_are_uploaded_after_a_failure_too(
    expname_root: Path, expname_recorded: Read
) -> None:
    _, record, errors = end(expname_root, "raises", LOG_MODEL="1")
    (run,) = expname_recorded()
    assert record.status == "failed", errors
    assert [artifact["type"] for artifact in run.artifacts] == ["model"]
