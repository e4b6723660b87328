"""Hydra applications in projects that installed the wheel: names, folders, config, launchers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import conftest
import pytest
import yaml

from lightning_expname.testing import find_recorded, read_recorded

DOCS = Path(__file__).parents[3] / "docs" / "hydra.md"
STEM = "width8-depth2-act.gelu-bs8"


@pytest.fixture
def app(project: Path) -> Path:
    """The application of the docs, with secrets and a dead interpolation in its config."""
    for _, content in re.findall(r"^```(python|yaml)\n(.*?)^```$", DOCS.read_text(), re.M | re.S):
        path = project / content.removeprefix("# ").partition("\n")[0]
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    main = project / "conf" / "main.yaml"
    extra = {
        "slack_token": "xoxb-1234-hunter2",
        "secret_of_the_shell": "${oc.env:MY_SECRET}",
        "by_way_of": "${secret_of_the_shell}",
        "dead": "${nowhere.at.all}",
        "width": "${model.net.width}",
    }
    main.write_text(main.read_text() + yaml.safe_dump(extra))
    return project


def records(project: Path) -> list[dict[str, Any]]:
    found = sorted((project / "checkpoints").rglob("*.json"))
    return [json.loads(path.read_text()) for path in found]


def overrides(project: Path) -> dict[str, list[str]]:
    """The job's folder and what Hydra says it was started with."""
    return {
        path.parents[1].relative_to(project).as_posix(): yaml.safe_load(path.read_text())
        for path in project.rglob(".hydra/overrides.yaml")
    }


def test_one_job(app: Path, run: conftest.Run) -> None:
    printed = run("train.py", MY_SECRET="hunter2")
    assert f"trained {STEM}-lr0.001" in printed
    assert list(overrides(app)) == ["outputs/Net-Digits/width8-bs8"]
    (record,) = records(app)
    assert record["hparams"]["dropout"] == 0.1  # captured, though built before the logger
    (recorded,) = map(read_recorded, find_recorded(app))
    assert (recorded.name, recorded.project) == (f"{STEM}-lr0.001", "Net-Digits")
    main = recorded.config["main"]
    assert main == record["config"]["main"]
    assert main["model"]["net"] == {"_target_": "net.Net", "width": 8, "dropout": 0.1}
    assert (main["width"], main["model"]["lr"]) == (8, 0.001)
    assert main["dead"] == "${nowhere.at.all}"
    assert main["slack_token"] == "<redacted>"
    assert "hydra" not in main
    for path in [*app.rglob("*.wandb"), *app.rglob("*.json"), *app.rglob("*.ckpt")]:
        assert b"hunter2" not in path.read_bytes(), path


@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_a_sweep_over_floats_overwrites_nothing(
    launcher: str, app: Path, run: conftest.Run
) -> None:
    run("train.py", "-m", "model.net.dropout=0.1,0.2,0.3", f"hydra/launcher={launcher}")
    jobs = overrides(app)
    assert len(jobs) == 3
    assert all(folder.startswith("multirun/Net-Digits/width8-bs8-") for folder in jobs)
    assert sorted(jobs.values()) == [[f"model.net.dropout={rate}"] for rate in (0.1, 0.2, 0.3)]
    assert sorted(record["stem"] for record in records(app)) == [STEM, f"{STEM}-r2", f"{STEM}-r3"]
    rates = {record["id"]: record["hparams"]["dropout"] for record in records(app)}
    assert sorted(rates.values()) == [0.1, 0.2, 0.3]
    mains = {record["id"]: record["config"]["main"] for record in records(app)}
    assert {key: main["model"]["net"]["dropout"] for key, main in mains.items()} == rates


def test_two_ranks_agree_in_a_sweep(app: Path, run: conftest.Run) -> None:
    sweep = ["-m", "model.net.dropout=0.1,0.2"]
    printed = run("train.py", *sweep, "+trainer.strategy=ddp", "+trainer.devices=2")
    runs = [f"{STEM}-lr0.001", f"{STEM}-r2-lr0.001"]
    assert sorted(re.findall(r"trained (\S+)", printed)) == sorted(runs * 2)
    assert len(overrides(app)) == 2
    assert len(find_recorded(app)) == 2


def test_a_target_and_a_rate_written_by_hand(app: Path, run: conftest.Run) -> None:
    main = app / "conf" / "main.yaml"
    text = main.read_text().replace("  - logger: expname\n", "")
    text = text.replace("  - _self_\n", "  - _self_\n  - override hydra/callbacks: expname\n")
    text = text.replace("logger:\n", "logger:\n  _target_: lightning_expname.ExpNameLogger\n")
    main.write_text(text)
    folder = "hydra.run.dir=outputs/${expname:run}"
    assert f"trained {STEM}-lr1e-05" in run("train.py", "model.lr=1e-5", folder)
    assert list(overrides(app)) == ["outputs/width8-bs8-lr1e-05"]
    assert records(app)[0]["config"]["main"]["dead"] == "${nowhere.at.all}"


def test_a_strangers_application_pays_nothing(app: Path, run: conftest.Run) -> None:
    (app / "stranger.py").write_text(
        "import sys, hydra\n"
        "@hydra.main(version_base='1.3', config_path=None)\n"
        "def main(cfg):\n"
        "    heavy = {'torch', 'lightning', 'wandb', 'numpy'} & set(sys.modules)\n"
        "    print('plugin', 'hydra_plugins.lightning_expname_plugin' in sys.modules, heavy)\n"
        "main()\n"
    )
    assert "plugin True set()" in run("stranger.py")


def test_the_group_is_shown_to_who_asks(app: Path, run: conftest.Run) -> None:
    shown = run("train.py", "--cfg", "job", "--package", "logger")
    assert "_target_: lightning_expname.ExpNameLogger" in shown
    failed = run("train.py", "logger.ofline=true", fails=True)
    assert "Key 'ofline' is not in struct" in failed
    failed = run("train.py", "hydra.run.dir=${expname:stemm}", fails=True)
    assert "known are folder, stem, run, project" in failed
