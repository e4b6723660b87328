"""LightningCLI in projects that installed the wheel: ranks, resume, the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import conftest
import pytest
import yaml

from lightning_expname.testing import WandbServer, find_recorded

DOCS = Path(__file__).parents[3] / "docs" / "lightning-cli.md"
STEM = "checkpoints/Net/Digits/width8-depth2-act.gelu-bs8"


@pytest.fixture
def app(project: Path) -> Path:
    """The application of the docs."""
    for _, content in re.findall(r"^```(python|yaml)\n(.*?)^```$", DOCS.read_text(), re.M | re.S):
        (project / content.removeprefix("# ").partition("\n")[0]).write_text(content)
    return project


def test_two_ranks_save_one_config(app: Path, run: conftest.Run) -> None:
    words = ["--trainer.strategy=ddp", "--trainer.devices=2", "--trainer.max_epochs=1"]
    for _ in range(2):
        run("train.py", "fit", "--config", "config.yaml", *words)
    saved = sorted(path.relative_to(app).as_posix() for path in app.glob("checkpoints/**/*.yaml"))
    assert saved == [f"{STEM}-r2.config.yaml", f"{STEM}.config.yaml"]
    assert len(find_recorded(app)) == 2
    config = yaml.safe_load((app / saved[0]).read_text())
    assert str(config["trainer"]["devices"]) == "2"


def test_online_it_is_named_and_configured(app: Path, run: conftest.Run) -> None:
    with WandbServer() as server:
        run(
            "train.py",
            "fit",
            "--config",
            "config.yaml",
            "--trainer.logger.offline=false",
            **server.environment(),
        )
        (served,) = server.runs.values()
        assert (served.name, served.project) == (
            "width8-depth2-act.gelu-bs8-lr0.01",
            "Net-Digits",
        )
        assert served.state == "finished"
        assert served.config["main"]["model"]["net"]["init_args"]["width"] == 8
        assert served.config["dropout"] == 0.1
        assert server.unknown == []
    record = json.loads((app / f"{STEM}.json").read_text())
    assert record["id"] == served.id


def test_a_wrong_argument_is_refused_by_name(app: Path, run: conftest.Run) -> None:
    words = ["fit", "--config", "config.yaml", "--trainer.logger.datset=x"]
    assert "datset" in run("train.py", *words, fails=True)
    bad = ["fit", "--config", "config.yaml", "--trainer.logger.include=[widht]"]
    failed = run("train.py", *bad, fails=True)
    assert "widht" in failed and "width" in failed
