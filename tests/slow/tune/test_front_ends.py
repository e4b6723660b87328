"""Tuning from Hydra, from LightningCLI, in a notebook's cell, and how its runs are found."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_expname import TuneError, load_best_params, tune
from lightning_expname.testing import find_recorded, read_recorded

HERE = Path(__file__).parent
DIGITS = HERE.parents[1] / "frontends/digits_app.py"
SECONDS = 240
SPACE = {"width": [4, 8], "lr": {"low": 1e-4, "high": 1e-1, "log": True}}
MAIN = {"mode": "train", "is_tuned": False, "width": 16, "lr": 1e-3, "epochs": 1, "n_trials": 2}

_CLI = """
from digits_app import Digits, LitDigits
from lightning.pytorch.cli import LightningCLI
LightningCLI(LitDigits, Digits)
"""

_PRUNED = """
from lightning_expname import ExpNameLogger, tune
import optuna, torch
from digits_app import Digits, LitDigits, Net
from lightning.pytorch import Trainer
class Steered(LitDigits):
    def validation_step(self, batch, batch_idx):
        self.log("val_loss", torch.tensor(float(self.number)))
def objective(trial):
    module = Steered(Net(trial.params["width"]))
    module.number = trial.number
    trainer = Trainer(logger=trial.logger(), callbacks=trial.callbacks(), max_epochs=2,
                      accelerator="cpu", enable_progress_bar=False)
    trainer.fit(module, Digits())
    return float(trainer.callback_metrics["val_loss"])
tune(objective, n_trials=2, model="Net", dataset="Digits", direction="minimize",
     monitor="val_loss", search_space={"width": [4, 8]}, logger={"offline": True}, plots=False,
     pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0))
"""

_CELL = """
from lightning_expname import load_best_params, tune

def objective(trial):
    return trial.suggest_float("x", 0, 1)

result = tune(objective, n_trials=3, model="N", dataset="D", seed=0, plots=False, progress=False)
assert load_best_params("N", "D") == result.best_params
print("best", result.best_value)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch prøject"
    folder.mkdir()
    shutil.copy(DIGITS, folder)
    shutil.copy(HERE / "front_end_app.py", folder / "train.py")
    (folder / "main.yaml").write_text(yaml.safe_dump({**MAIN, "search_space": SPACE}))
    return folder


def python(project: Path, *words: str, code: int = 0, said: str | None = None) -> str:
    quiet = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
    ran = subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env={**os.environ, **quiet, "PYTHONPATH": str(project)},
        input=said,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert ran.returncode == code, ran.stdout
    return ran.stdout


def test_hydra_tunes_and_then_trains_with_what_was_found(project: Path) -> None:
    hydra = ("train.py", "--config-dir", ".")
    python(project, *hydra, "mode=tune")
    best = load_best_params("Net", "Digits", root_dir=project)
    assert sorted(best) == ["lr", "width"]
    assert best["width"] in (4, 8)
    printed = python(project, *hydra, "is_tuned=true")
    assert f"trained with width {best['width']}" in printed
    runs = [read_recorded(path, wait=5.0) for path in find_recorded(project)]
    assert [one.job_type for one in runs[:3]] == ["tune", "tune", "study"]
    assert runs[3].config["width"] == best["width"]
    assert runs[3].config["optimizer"]["lr"] == best["lr"]


def test_hydra_is_told_of_a_parameter_that_its_config_lacks(project: Path) -> None:
    home = project / "hparams/Net/Digits/2_trials"
    home.mkdir(parents=True)
    (home / "best_params.json").write_text(json.dumps({"widht": 8}))
    printed = python(project, "train.py", "--config-dir", ".", "is_tuned=true", code=1)
    assert "the training does not know 'widht'" in printed


def test_lightning_cli_trains_with_what_was_found(project: Path) -> None:
    def objective(trial: Any) -> float:
        return float(trial.params["model"]["lr"])

    space = {"model": {"lr": SPACE["lr"], "net": {"init_args": {"width": [4]}}}}
    options: dict[str, Any] = {"root_dir": project, "progress": False, "plots": False}
    fixed = {"model": {"net": {"class_path": "digits_app.Net"}}}
    result = tune(
        objective,
        n_trials=2,
        model="Net",
        dataset="Digits",
        search_space=space,
        fixed=fixed,
        **options,
    )
    (project / "cli.py").write_text(_CLI)
    logger = {"class_path": "lightning_expname.ExpNameLogger", "init_args": {"offline": True}}
    trainer = {"accelerator": "cpu", "max_epochs": 1, "logger": logger}
    (project / "config.yaml").write_text(yaml.safe_dump({"trainer": trainer}))
    best = result.path.relative_to(project).as_posix()
    python(project, "cli.py", "fit", "--config", "config.yaml", "--config", best)
    (run,) = [read_recorded(path, wait=5.0) for path in find_recorded(project)]
    assert run.name.startswith("width4-")
    assert run.config["optimizer"]["lr"] == result.best_params["model"]["lr"]


def test_a_cell_without_a_file_tunes(project: Path) -> None:
    """As a notebook's cell: the code comes from nowhere, `__main__` has no file."""
    printed = python(project, "-", said=_CELL)
    best = json.loads((project / "hparams/N/D/3_trials/best_params.json").read_text())
    assert printed.splitlines()[-1] == f"best {best['x']}"


def test_a_cell_cannot_start_itself_again(project: Path) -> None:
    cell = _CELL.replace("seed=0", 'seed=0, isolate="process"')
    assert "there is none: this is a notebook" in " ".join(
        python(project, "-", said=cell, code=1).split()
    )


def test_pruned_runs_are_found_by_status_and_group(project: Path) -> None:
    python(project, "-", said=_PRUNED)
    find = ("-m", "lightning_expname", "find", "--json", "group=Net-Digits")
    found = json.loads(python(project, *find, "status=pruned"))
    assert [one["run"][:14] for one in found] == ["trial001-width"]
    finished = json.loads(python(project, *find, "status=finished"))
    assert [one["run"][:14] for one in finished] == ["trial000-width"]
    python(project, *find[:-1], "group=Other", "status=pruned", code=1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_shows_the_best_value_and_the_time_left(
    expname_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    tune(lambda trial: 0.25 * trial.number, n_trials=4, model="N", dataset="D", plots=False)
    last = shown.getvalue().split("\r")[-1]
    assert "N-D: 100%" in last
    assert "4/4 [" in last
    assert "<00:00" in last  # tqdm's own: elapsed<left
    assert "best=0.75, pruned=0" in last
    assert "trial/s" in last


def test_the_bar_is_silent_in_a_file(expname_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    tune(lambda trial: 0.5, n_trials=2, model="N", dataset="D", plots=False)
    assert "trial/s" not in shown.getvalue()


def test_best_parameters_refuse_what_the_training_lacks(expname_root: Path) -> None:
    result = tune(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1, model="N", dataset="D")
    with pytest.raises(TuneError, match="does not know 'x'"):
        load_best_params(result.path, allowed={"y": 1})
