"""A study in a real kernel: tuned, the bar shown, every trial's run recorded, and found again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from lightning_expname import find_runs, load_best_params
from lightning_expname.testing import find_recorded, read_recorded

DIGITS = Path(__file__).parents[2] / "frontends/digits_app.py"
SECONDS = 240
_DEFINE = """
import sys
sys.path.insert(0, "")  # beside the notebook, also where PYTHONSAFEPATH is set
from digits_app import Digits, LitDigits, Net
from lightning.pytorch import Trainer
from lightning_expname import ExpNameCheckpoint, tune

def objective(trial):
    module = LitDigits(Net(trial.params["width"]), lr=trial.params["lr"])
    trainer = Trainer(logger=trial.logger(), callbacks=[*trial.callbacks(), ExpNameCheckpoint()],
                      max_epochs=1, accelerator="cpu", enable_progress_bar=False)
    trainer.fit(module, Digits())
    return float(trainer.callback_metrics["val_loss"])

space = {"width": [4, 8], "lr": {"low": 1e-4, "high": 1e-1, "log": True}}
options = dict(model="Net", dataset="Digits", direction="minimize", search_space=space,
               plots=False, logger={"offline": True})
"""


def executed(folder: Path, *cells: str) -> str:
    """What a notebook of these cells prints."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=where).execute()
    outputs = [one for cell in notebook.cells for one in cell.outputs]
    return "".join(one.get("text", "") for one in outputs)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(DIGITS, tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name, value in {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false"}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_a_notebook_tunes_and_finds(folder: Path) -> None:
    printed = executed(
        folder,
        _DEFINE,
        "result = tune(objective, n_trials=2, seed=0, **options)",
        "print(result.record.checkpoint('best').name)",
    )
    best = load_best_params("Net", "Digits", root_dir=folder)
    *trials, study = [read_recorded(path, wait=5.0) for path in find_recorded(folder)]
    assert [one.job_type for one in (*trials, study)] == ["tune", "tune", "study"]
    assert [one.name[:14] for one in trials] == ["trial000-width", "trial001-width"]
    (run,) = [one for one in trials if one.config["trial"]["params"] == best]
    (found,) = find_runs(f"id={run.run_id}", root=folder)
    assert found.checkpoint("best").name == printed.splitlines()[-1]


def test_a_notebook_cannot_be_started_again(folder: Path) -> None:
    again = "tune(objective, n_trials=2, isolate='process', **options)"
    with pytest.raises(CellExecutionError, match="this is a notebook"):
        executed(folder, _DEFINE, again)


def test_the_bar_shows_in_a_cell(folder: Path) -> None:
    objective: Any = "tune(lambda trial: trial.suggest_float('x', 0, 1), n_trials=3, model='N',"
    printed = executed(
        folder,
        "from lightning_expname import tune",
        f"r = {objective} dataset='D', plots=False, logger=False)",
    )
    assert "best" in printed, printed
