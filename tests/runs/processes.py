"""Trainings on two processes, and what every rank of them was told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

APP = Path(__file__).with_name("ranks_app.py")
COMMAND = (sys.executable, str(APP))
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


def environment(**more: str) -> dict[str, str]:
    """Ours, with the applications' own modules: PYTHONSAFEPATH hides a script's folder."""
    path = os.pathsep.join(filter(None, (str(APP.parent), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **more}


def train(
    root: Path, strategy: str, *rest: str, launcher: tuple[str, ...] = COMMAND, **more: str
) -> subprocess.CompletedProcess[str]:
    """One training, in bounded time."""
    return subprocess.run(
        [*launcher, str(root), strategy, *rest],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=300,
    )


def told(root: Path) -> dict[str, dict[str, Any]]:
    """What each rank was told in each mode, by `rank0-fit`..."""
    return {path.stem: json.loads(path.read_text()) for path in root.glob("rank*-*.json")}


def check(root: Path, runs: list[Any], strategy: str, times: int = 1) -> None:
    """One W&B run, one claim, one name and one set of paths, on all ranks and in all modes."""
    ranks = told(root)
    one, *others = ranks.values()
    modes = {"fit", "validate", "test"} | ({"predict"} if strategy in ("auto", "ddp") else set())
    assert {name.partition("-")[2] for name in ranks} == modes
    assert len(ranks) == len(modes) * (1 if strategy == "auto" else 2)
    assert all(other == one for other in others)
    assert len(list((root / "checkpoints").rglob("*.json"))) == 1
    assert {(run.run_id, run.name) for run in runs} == {(one["id"], one["run"])}
    assert [run.exit_code for run in runs] == [0] * len(runs)
    launched = strategy not in ("auto", "ddp")  # each mode is a process of its own, and a log
    assert len(runs) == times * (3 if launched else 1)
    assert any("test_acc" in run.summary for run in runs)
    assert one["version"] == one["id"] and Path(one["best"]).exists()
