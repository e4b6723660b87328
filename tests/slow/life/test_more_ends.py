"""How a training ends while W&B is online: record, W&B's own log and the server agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_ends import End, agree, end

Read = Callable[..., list[Any]]


@pytest.mark.parametrize(
    "expected",
    [
        ("success", 0, "finished", None, 0),
        ("caught", 0, "failed", "ZeroDivisionError", 1),
        ("raises_after", 1, "failed", "RuntimeError", 1),
        ("ctrl_c", 1, "interrupted", "KeyboardInterrupt", 255),
        ("exits", 7, "interrupted", "SystemExit", 7),
        ("sigterm", 0, "interrupted", "SIGTERM", 143),
        ("sigusr1", -10, "interrupted", "SIGUSR1", 138),
    ],
)
def test_the_server_agrees(
    expname_root: Path, expname_recorded: Read, expname_wandb: Any, expected: End
) -> None:
    record = agree(expname_root, expname_recorded, expected)
    (served,) = expname_wandb.runs.values()
    state = "finished" if record.status == "finished" else "failed"
    assert (served.state, served.exit_code) == (state, expected[-1])
    assert served.preempting == (expected[0] in ("sigterm", "sigusr1"))
    assert (served.name, served.id, served.project) == (record.run, record.id, record.project)
    assert served.config["expname"]["record"] == record.record
    assert expname_wandb.unknown == []


def test_a_run_killed_in_its_first_step_keeps_its_names(
    expname_root: Path, expname_wandb: Any
) -> None:
    returned, record, errors = end(expname_root, "killed_at_once")
    (served,) = expname_wandb.runs.values()
    assert returned == -9, errors
    assert (record.status, record.as_now().status, served.state) == ("running", "killed", "running")
    assert (served.name, served.id, served.project) == (record.run, record.id, record.project)
    assert (record.hparams["dropout"], record.config["batch_size"]) == (0.1, 16)


def test_a_run_killed_later_keeps_its_config_in_its_log(
    expname_root: Path, expname_recorded: Read, expname_wandb: Any
) -> None:
    returned, record, errors = end(expname_root, "killed_later")
    (served,) = expname_wandb.runs.values()
    (logged,) = expname_recorded(wait=0.0)
    assert returned == -9, errors
    assert (record.as_now().status, served.state, logged.exit_code) == ("killed", "running", None)
    for run in (served, logged):
        assert (run.name, run.project) == (record.run, record.project)
    # W&B's client sends the server changes of a config every half minute only
    assert logged.config["expname"]["record"] == record.record
    assert logged.series("train_loss")
