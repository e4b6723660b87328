"""Two processes: one run. Every mode on every strategy is in tests/slow/life."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import check, train

from lightning_expname.records import is_alive, read_record

Read = Callable[..., list[Any]]


@pytest.mark.parametrize("strategy", ["ddp_fork"])
def test_ranks_share_one_run(expname_root: Path, expname_recorded: Read, strategy: str) -> None:
    ran = train(expname_root, strategy)
    assert ran.returncode == 0, ran.stderr
    check(expname_root, expname_recorded(), strategy)


def test_a_failure_on_one_rank_ends_all(expname_root: Path, expname_recorded: Read) -> None:
    ran = train(expname_root, "ddp", FAIL_RANK="1")
    assert ran.returncode != 0
    (record,) = (read_record(path) for path in (expname_root / "checkpoints").rglob("*.json"))
    assert "one rank alone" in ran.stderr
    assert is_alive(record.process) is False
    (run,) = expname_recorded(wait=0.0)
    told = {"failed": 1, "running": None}  # rank 0 may be killed outright, before it can say so
    assert run.exit_code == told[record.status], ran.stderr
