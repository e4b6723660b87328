"""Every mode on every strategy, fresh and resumed, run for real on two CPU processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import APP, TORCHRUN, train
from rank_checks import SHARDED, STEPS, check_again, check_first

from lightning_expname.testing import WandbServer, find_recorded

Read = Callable[..., list[Any]]
LONG = pytest.mark.long
STRATEGIES = (
    "ddp_spawn",
    pytest.param("deepspeed", marks=LONG),
    "fsdp",
    pytest.param("model_parallel", marks=LONG),
    "ddp",
    "ddp_fork",
    pytest.param("ddp_notebook", marks=LONG),
    "auto",
)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_mode_fresh_and_from_a_checkpoint(
    expname_root: Path, expname_recorded: Read, strategy: str
) -> None:
    ran = train(expname_root, strategy)
    assert ran.returncode == 0, ran.stderr
    first = check_first(expname_root, expname_recorded(), strategy)
    resumed = train(expname_root, strategy, "again")
    assert resumed.returncode == 0, resumed.stderr
    print(resumed.stderr)  # shown when a check fails
    check_again(expname_root, expname_recorded(), strategy, first)
    assert "trains from scratch" not in resumed.stderr
    kept = list(Path(first["dirpath"]).glob("*.ckpt"))
    assert {path.is_dir() for path in kept} == {strategy in SHARDED}
    _check_synced(expname_root, first)


def _check_synced(root: Path, first: dict[str, Any]) -> None:
    """`wandb sync` makes one run of all the folders that a run has offline."""
    folders = [str(path.parent) for path in find_recorded(root)]
    with WandbServer() as server:
        online = {**os.environ, **server.environment()}
        command = [sys.executable, "-m", "wandb", "sync", *folders]
        subprocess.run(command, check=True, capture_output=True, env=online, timeout=300)
        assert len(server.runs) == 4  # and the three that are linked to it
        run = server.run(first["id"])
        assert (run.name, run.state, run.exit_code) == (first["run"], "finished", 0)
        assert len(run.series("train_loss")) == 2 * STEPS
        assert run.series("_step") == list(range(len(run.history)))
        assert server.unknown == []


def test_torchrun(expname_root: Path, expname_recorded: Read) -> None:
    ran = train(expname_root, "ddp", launcher=(*TORCHRUN, str(APP)))
    assert ran.returncode == 0, ran.stderr
    check_first(expname_root, expname_recorded(), "ddp")
