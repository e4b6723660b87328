"""A process for each trial: of scripts that come to `tune` again, and of those that do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import optuna

from lightning_expname.tuning.journal import open_journal

_SCRIPT = """
import os
import sys
from lightning_expname import tune
def objective(trial):
    return trial.suggest_float("x", 0, 1)
if len(sys.argv) > 1 and sys.argv[1] == "once":
    import pathlib
    mark = pathlib.Path("started")
    if mark.exists():
        sys.exit(0)
    mark.touch()
name = "D" if sys.argv[1:] != ["changing"] else f"D{os.getpid()}"
tune(objective, n_trials=2, model="N", dataset=name, isolate="process", plots=False)
if sys.argv[1:] == ["twice"]:
    tune(objective, n_trials=2, model="N", dataset="E", isolate="process", plots=False)
"""


def ran(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (root / "script.py").write_text(_SCRIPT)
    command = [sys.executable, "-W", "ignore", "script.py", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=240)


def states(root: Path, data: str = "D") -> list[str]:
    storage = open_journal(root / f"hparams/N/{data}/study.journal")
    study = optuna.load_study(study_name=f"N-{data}", storage=storage)
    return [one.state.name for one in study.trials]


def test_every_trial_has_a_process(tmp_path: Path) -> None:
    ended = ran(tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert states(tmp_path) == ["COMPLETE", "COMPLETE"]


def test_a_script_that_does_not_come_to_tune_again_is_told(tmp_path: Path) -> None:
    ended = ran(tmp_path, "once")
    assert ended.returncode == 1
    assert "started the script 3 times, and no process took a trial" in ended.stderr
    assert states(tmp_path) == []


def test_a_script_may_have_a_study_after_another(tmp_path: Path) -> None:
    ended = ran(tmp_path, "twice")
    assert ended.returncode == 0, ended.stderr
    assert states(tmp_path, "D") == states(tmp_path, "E") == ["COMPLETE", "COMPLETE"]


def test_processes_do_not_start_each_other_without_an_end(tmp_path: Path) -> None:
    ended = ran(tmp_path, "changing")
    assert ended.returncode == 1
    assert "instead, which is not over" in ended.stderr
    assert len(list((tmp_path / "hparams/N").iterdir())) == 2
