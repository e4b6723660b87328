"""Looking up what W&B knows: by its own client, of a server on the loopback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flavour import (
    ExpNameLogger,
    LookupFailedError,
    QueryError,
    RunRecord,
    find_runs,
    resolve_run,
)
from lit_models import fit, lit

from lightning_expname.cli import main
from lightning_expname.testing import WandbServer

QUERIES = [
    (),
    ("d_model=8",),
    ("d_model=8.0",),
    ("d_model>4", "activation=ge*"),
    ("lr<1e-4",),
    ("trainer.max_epochs=2",),
    ("status=finished", "dropout=0.1"),
    ("kemdy",),
    ("missing=1",),
]


@pytest.fixture(autouse=True)
def server(expname_wandb: WandbServer) -> Iterator[WandbServer]:
    """Nothing may be asked that the server does not know."""
    yield expname_wandb
    assert expname_wandb.unknown == []


@pytest.fixture
def records(expname_root: Path) -> list[RunRecord]:
    """Two trainings, online."""
    made = []
    for size, lr in ((4, 1e-3), (8, 1e-5)):
        logger = ExpNameLogger(root_dir=expname_root)
        fit(logger, module=lit(size, lr=lr))
        logger.experiment.finish()
        assert logger.record is not None
        made.append(logger.record)
    return made


def test_the_server_answers_what_the_disk_answers(
    server: WandbServer, records: list[RunRecord]
) -> None:
    source = f"wandb:{server.entity}/{records[0].project}"
    root = records[0].root
    for query in QUERIES:
        here = find_runs(*query, root=root)
        there = find_runs(*query, root=root / "nowhere", source=source)
        assert [one.id for one in there] == [one.id for one in here], query
        for one, other in zip(there, here, strict=True):
            keys = ("run", "stem", "project", "model", "dataset", "record", "status", "digest")
            assert [getattr(one, key) for key in keys] == [getattr(other, key) for key in keys]
            assert one.url and server.url in one.url
    best = find_runs(source=source, sort="-lr", limit=1)
    assert [one.id for one in best] == [records[0].id]


def test_a_run_of_another_machine(
    server: WandbServer, records: list[RunRecord], tmp_path: Path
) -> None:
    """Found here if its record is here, else host and path are told."""
    run = records[1]
    reference = f"{server.entity}/{run.project}/{run.id}"
    assert resolve_run(reference, run.root).id == run.id
    copied = tmp_path / "synced"
    shutil.copytree(run.root / "checkpoints", copied / "checkpoints")
    assert resolve_run(reference, copied).checkpoint("last").is_relative_to(copied)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LookupFailedError) as told:
        resolve_run(reference, tmp_path / "empty")
    host = run.config["environment"]["host"]
    assert f"made on {host}" in str(told.value) and run.record in str(told.value)


def test_the_command_line_asks_the_server(
    server: WandbServer, records: list[RunRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"wandb:{server.entity}/{records[0].project}"
    assert main(["find", "d_model=8", "--source", source, "--json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == [records[1].id]
    assert main(["find", "d_model=9", "--source", source]) == 1


def test_what_cannot_be_asked_is_said(server: WandbServer, records: list[RunRecord]) -> None:
    with pytest.raises(LookupFailedError, match="could not be asked"):
        find_runs(source=f"wandb:{server.entity}/no-such-project")
    with pytest.raises(LookupFailedError, match="could not be asked"):
        resolve_run(f"{server.entity}/{records[0].project}/absent00", records[0].root)
    with pytest.raises(QueryError, match="wandb:entity/project"):
        find_runs(source="wandb:alone")
