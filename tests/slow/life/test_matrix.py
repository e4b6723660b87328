"""Every mode on every strategy, fresh and resumed, run for real on two CPU processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import APP, TORCHRUN, check, told, train

from lightning_expname.records import read_record

Read = Callable[..., list[Any]]


@pytest.mark.parametrize("strategy", ["auto", "ddp", "ddp_spawn", "ddp_fork", "ddp_notebook"])
def test_fit_validate_test_predict_fresh_and_resumed(
    expname_root: Path, expname_recorded: Read, strategy: str
) -> None:
    ran = train(expname_root, strategy)
    assert ran.returncode == 0, ran.stderr
    check(expname_root, expname_recorded(), strategy)
    first = told(expname_root)["rank0-fit"]
    again = train(expname_root, strategy, "last")
    assert again.returncode == 0, again.stderr
    check(expname_root, expname_recorded(), strategy, times=2)
    assert told(expname_root)["rank0-fit"]["id"] == first["id"]
    (path,) = (expname_root / "checkpoints").rglob("*.json")
    record = read_record(path)
    assert (record.status, len(record.resumed)) == ("finished", 1)
    assert record.checkpoint("last").exists()


def test_torchrun(expname_root: Path, expname_recorded: Read) -> None:
    ran = train(expname_root, "ddp", launcher=(*TORCHRUN, str(APP)))
    assert ran.returncode == 0, ran.stderr
    check(expname_root, expname_recorded(), "ddp")
