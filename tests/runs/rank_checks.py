"""What must hold of runs on several ranks: what they were told, what W&B has, and the disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version
from versions import LIGHTNING

from lightning_expname.records import RunRecord, read_record

STEPS = 4  # of each fit: two epochs
SHARDED = ("fsdp", "model_parallel", "deepspeed")  # a checkpoint is a directory
IN_ONE_PROCESS = ("auto", "ddp", *SHARDED)  # all modes, on each rank
MODES = ("validate", "test", "predict")
Told = dict[str, Any]


def check_first(root: Path, runs: Sequence[Any], strategy: str) -> Told:
    """fit, validate, test, predict: one W&B run and one claim. Gives what every rank was told."""
    told = agreed(root, ("fit", *MODES), strategy)
    assert len(runs) == (1 if strategy in IN_ONE_PROCESS else 3), "predict logs nothing"
    (record,) = records(root).values()
    check_run(record, runs, told, fits=1)
    return told


def check_again(root: Path, runs: Sequence[Any], strategy: str, first: Told) -> None:
    """The fit went on as the same run, and each mode from its checkpoint is a linked run."""
    told = agreed(root, ("fit", "test"), strategy)
    found = records(root)
    record = found.pop("train")
    assert [told[key] for key in ("id", "run", "dirpath")] == [
        first[key] for key in ("id", "run", "dirpath")
    ]
    check_run(record, [run for run in runs if run.run_id == told["id"]], told, fits=2)
    assert [entry["changed"] for entry in record.resumed] == [{}]
    assert sorted(found) == sorted(MODES)
    for mode, linked in found.items():
        said = agreed(root, (f"linked-{mode}",), strategy)
        assert [run.run_id for run in runs].count(linked.id) == 1, f"not recorded: {linked}"
        (run,) = [run for run in runs if run.run_id == linked.id]
        assert said["run"] == linked.run == run.name == f"{record.run}-{mode}"
        assert (said["id"], run.job_type, run.exit_code) == (linked.id, mode, 0)
        assert (linked.origin or {})["id"] == record.id
        assert (linked.origin or {})["checkpoint"] == told["best"]
        assert linked.status == "finished"


def agreed(root: Path, modes: Sequence[str], strategy: str) -> Told:
    """What every rank was told in all of these modes: the same."""
    ranks = 1 if strategy == "auto" else 2
    paths = [root / f"rank{rank}-{mode}.json" for rank in range(ranks) for mode in modes]
    one, *others = [json.loads(path.read_text()) for path in paths]
    if Version("2.5") > LIGHTNING and strategy not in IN_ONE_PROCESS:
        for other in others:  # a launched test has a new callback, which is told of no checkpoint
            other["dirpath"] = one["dirpath"]
    assert all(other == one for other in others), [one, *others]
    assert one["version"] == one["id"]
    told: Told = one
    return told


def records(root: Path) -> dict[str, RunRecord]:
    """The record of each mode; there is one of each."""
    found = [read_record(path) for path in (root / "checkpoints").rglob("*.json")]
    assert len({record.mode for record in found}) == len(found)
    return {record.mode: record for record in found}


def check_run(record: RunRecord, runs: Sequence[Any], told: Told, *, fits: int) -> None:
    """Names and rows on W&B, and the checkpoints on disk."""
    assert {(run.run_id, run.name, run.project) for run in runs} == {
        (record.id, record.run, record.project)
    }
    assert (told["id"], told["run"]) == (record.id, record.run)
    assert [run.exit_code for run in runs] == [0] * len(runs)
    assert sum(len(run.series("train_loss")) for run in runs) == STEPS * fits
    assert any("test_acc" in run.summary for run in runs)
    assert (record.status, record.mode) == ("finished", "train")
    assert record.checkpoint("best") == Path(told["best"])
    on_disk = set(Path(told["dirpath"]).glob("*.ckpt"))
    assert {file.path for file in record.checkpoints()} == on_disk
    assert {record.checkpoint("best"), record.checkpoint("last")} <= on_disk
    assert all(path.name.startswith(f"{record.stem}-") for path in on_disk)
