"""The example projects, copied out and run as their users would, from the installed wheel."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import conftest
import pytest

from lightning_expname.testing import find_recorded, read_recorded

EXAMPLES = Path(__file__).parents[3] / "examples"
FIRST = "d_model32-n_heads4-n_layers1-bs64"


@pytest.fixture
def app(request: pytest.FixtureRequest, project: Path) -> Path:
    """A copy of the example that the test names."""
    ignored = shutil.ignore_patterns("__pycache__", "outputs", "checkpoints", "save_model", "wandb")
    shutil.copytree(EXAMPLES / request.param, project, dirs_exist_ok=True, ignore=ignored)
    return project


def jobs(project: Path) -> dict[str, str]:
    """W&B's run to its job type, as W&B recorded them."""
    runs = map(read_recorded, find_recorded(project))
    return {run.name: run.job_type for run in runs if run.exit_code == 0}


@pytest.mark.parametrize("app", ["hydra_project"], indirect=True)
def test_the_hydra_project_in_every_mode(app: Path, run: conftest.Run) -> None:
    printed = run("main.py")
    assert f"trained {FIRST}-lr0.001: val_acc 0." in printed
    (checkpoint,) = re.findall(r"^checkpoint (.*)$", printed, re.MULTILINE)
    assert checkpoint.startswith(f"checkpoints/PatchTransformer/Digits/{FIRST}-epoch")
    assert (app / checkpoint).is_file()

    assert "best 0." in run("main.py", "mode=tune")
    folder = app / "hparams/PatchTransformer/Digits/3_trials"
    best = json.loads((folder / "best_params.json").read_text())
    network = best["model"]["net"]
    trained = run("main.py", "is_tuned=true")
    assert f"trained d_model{network['d_model']}-n_heads4-n_layers{network['n_layers']}" in trained

    tested = run("main.py", "mode=test", f"run={FIRST}-lr0.001")
    assert re.search(rf"tested {FIRST}-lr0.001: test_acc 0\.[5-9]", tested)
    assert "predicted 297 digits" in run("main.py", "mode=predict", f"run={checkpoint}")
    assert len((app / f"predictions/{FIRST}-lr0.001.csv").read_text().split()) == 297

    recorded = jobs(app)
    assert recorded[f"{FIRST}-lr0.001-test"] == "test"
    assert recorded[f"{FIRST}-lr0.001-predict"] == "predict"
    assert recorded["study-PatchTransformer-Digits"] == "study"
    assert "allowed: train, test, predict, tune" in run("main.py", "mode=tarin", fails=True)


@pytest.mark.parametrize("app", ["ml_project"], indirect=True)
def test_the_ml_project_in_every_mode(app: Path, run: conftest.Run) -> None:
    assert "trained all_features-num_folds5: r2 0." in run("kfold.py")
    assert (app / "save_model/lgbm/diabetes/all_features/num_folds5/fold4.txt").is_file()
    printed = run("kfold.py", "model=svr", "features=[bmi,bp,s5]")
    assert re.search(r"saved save_model/svr/diabetes/3of10features-\w{6}/num_folds5", printed)

    assert "best 0." in run("kfold.py", "mode=tune")
    folder = app / "hparams/lgbm/diabetes/all_features/4_trials"
    best = json.loads((folder / "best_params.json").read_text())
    trained = run("kfold.py", "is_tuned=true")
    (saved,) = re.findall(r"^saved (.*)$", trained, re.MULTILINE)
    assert f"[num_leaves: {best['num_leaves']}]" in (app / saved / "fold0.txt").read_text()

    name = "all_features-num_folds5"
    assert re.search(r"tested r2 0\.\d+", run("kfold.py", "mode=test", f"run={name}"))
    assert "predicted 111 values" in run("kfold.py", "mode=predict", f"run={name}")
    recorded = jobs(app)
    assert (recorded[f"{name}-test"], recorded[f"{name}-predict"]) == ("test", "predict")
