"""Runs of a W&B sweep: its project, its run id and its values are W&B's own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from flavour import ExpNameCheckpoint, ExpNameLogger
from lit_models import fit, lit

from lightning_expname.records import read_record

Start = Callable[..., None]
STEM = "d_model24-n_heads8-n_layers4-activation.gelu-bs16"


@pytest.fixture
def swept(expname_wandb: Any, expname_root: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Does what W&B's agent does before it starts a run: variables, and a file with the values."""

    def start(run_id: str, **values: Any) -> None:
        path = expname_root / f"config-{run_id}.yaml"
        path.write_text(yaml.safe_dump({key: {"value": value} for key, value in values.items()}))
        told = {"SWEEP_ID": "sweep7", "RUN_ID": run_id, "PROJECT": "search"}
        for key, value in {**told, "SWEEP_PARAM_PATH": str(path)}.items():
            monkeypatch.setenv(f"WANDB_{key}", value)
        if "wandb" in sys.modules:
            sys.modules["wandb"].teardown()

    return start


def test_a_run_of_a_sweep_is_named_and_stays_the_sweeps(
    expname_wandb: Any, expname_root: Path, swept: Start
) -> None:
    for run_id, width in (("r1", 24), ("r2", 32)):
        swept(run_id, d_model=width, dropout=0.3)
        logger = ExpNameLogger(project="ignored")
        fit(logger, ExpNameCheckpoint(), module=lit(width, dropout=0.3))
        logger.close_run()
        assert logger.record is not None and logger.record.path is not None
        record, run = read_record(logger.record.path), expname_wandb.run(f"search/{run_id}")
        assert (record.id, record.project, record.status) == (run_id, "search", "finished")
        assert (run.name, run.sweep, run.state) == (record.run, "sweep7", "finished")
        assert (run.config["d_model"], run.config["dropout"]) == (width, 0.3)
        assert run.config["expname"]["stem"] == record.stem
    assert len(expname_wandb.runs) == 2
    assert expname_wandb.unknown == []


def test_a_swept_value_that_the_program_ignores_stays_locked(
    expname_wandb: Any, expname_root: Path, swept: Start
) -> None:
    swept("r1", dropout=0.5)
    logger = ExpNameLogger()
    fit(logger, module=lit(24, dropout=0.1))
    logger.close_run()
    run = expname_wandb.run("search/r1")
    assert (run.config["dropout"], run.config["d_model"]) == (0.5, 24)
    assert logger.record is not None
    assert (logger.record.hparams["dropout"], logger.record.stem) == (0.1, STEM)
    assert (run.name, len(run.series("train_loss"))) == (f"{STEM}-lr1e-05", 4)


def test_a_function_that_opens_the_sweeps_run_itself(
    expname_wandb: Any, expname_root: Path, swept: Start
) -> None:
    import wandb

    swept("r1", d_model=24)
    with wandb.init() as own:
        logger = ExpNameLogger()
        with pytest.warns(UserWarning, match="already in progress"):
            fit(logger, module=lit(own.config.d_model))
        assert wandb.run is own
    run = expname_wandb.run("search/r1")
    assert logger.record is not None
    assert (logger.record.id, logger.record.project, logger.record.stem) == ("r1", "search", STEM)
    assert (run.state, run.sweep, len(run.series("train_loss"))) == ("finished", "sweep7", 4)
    assert run.config["expname"]["stem"] == STEM
