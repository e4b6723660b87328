"""W&B away, refusing, or gone in the middle: the training goes on, and nothing is lost."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
from flavour import Callback, ExpNameLogger
from lit_models import fit
from packaging.version import Version
from versions import WANDB

from lightning_expname.observer import ExpNameWarning
from lightning_expname.records import read_record
from lightning_expname.testing import read_recorded

QUICK = {"settings": {"init_timeout": 3.0}}


@pytest.fixture
def hole() -> Iterator[str]:
    """Where connections are taken, and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


needs_a_second_start = pytest.mark.skipif(
    Version("0.29") > WANDB,
    reason="wandb before 0.29 starts nothing more in a process, not even offline, once a start"
    " has timed out",
)
AWAY = (pytest.param(how, marks=needs_a_second_start) for how in ("is down", "never answers"))


@pytest.mark.parametrize("how", ["refuses", *AWAY])
def test_a_server_that_is_away_makes_an_offline_run_of_the_same_name(
    expname_wandb: Any, expname_root: Path, hole: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "refuses":
        expname_wandb.refuse()
    elif how == "is down":
        expname_wandb.stop()
    else:
        monkeypatch.setenv("WANDB_BASE_URL", hole)
    logger = ExpNameLogger(wandb_kwargs=QUICK)
    with pytest.warns(ExpNameWarning, match="recorded offline.*wandb sync"):
        fit(logger)
    logger.close_run()
    (log,) = expname_root.rglob("offline-run-*/run-*.wandb")
    run = read_recorded(log, wait=10.0)
    assert logger.record is not None
    assert (run.name, run.project) == (logger.record.run, logger.record.project)
    assert run.run_id == logger.record.id == read_record(expname_root / logger.record.record).id
    assert run.exit_code == 0 and run.series("train_loss")


class Outage(Callback):
    def __init__(self, server: Any) -> None:
        self.server = server

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.current_epoch == 1:
            self.server.stop()
        if trainer.current_epoch == 3:
            time.sleep(1.0)
            self.server.start()


def test_an_outage_in_the_middle_loses_nothing(expname_wandb: Any, expname_root: Path) -> None:
    logger = ExpNameLogger()
    fit(logger, Outage(expname_wandb), epochs=5)
    logger.close_run()
    (run,) = expname_wandb.runs.values()
    assert logger.record is not None
    assert (run.name, run.state) == (logger.record.run, "finished")
    assert len([row for row in run.history if "train_loss" in row]) == 10


@pytest.mark.skipif(
    "finish_timeout" not in wandb.Settings.model_fields,
    reason="needs a wandb whose end can be bounded: 0.29 has finish_timeout, 0.23 has not",
)
def test_the_end_is_bounded_when_the_server_is_gone(expname_wandb: Any, expname_root: Path) -> None:
    logger = ExpNameLogger(finish_timeout=2.0)
    fit(logger)
    expname_wandb.stop()
    logger.experiment.alert("pending", "W&B retries this for a quarter of an hour by default")
    settings = logger.experiment.settings
    assert (settings.finish_timeout, settings.x_graphql_retry_max) == (2.0, 1)
    logger.close_run()  # a quarter of an hour without these two
    (log,) = expname_root.rglob("run-*/run-*.wandb")
    run = read_recorded(log, wait=10.0)
    assert run.exit_code == 0 and len(run.series("train_loss")) == 4
    assert logger.record is not None and logger.record.status == "finished"
