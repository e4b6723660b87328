"""No secret leaves: all that a training wrote is read back, byte by byte."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from flavour import ExpNameLogger
from lit_models import fit
from processes import environment

from lightning_expname.observer import ExpNameWarning, observed
from lightning_expname.testing import Recorded, find_recorded, read_recorded

APP = Path(__file__).with_name("secrets_app.py")
SECRET, ALLOWED = "hunter2Xq", "x9y8z7Aa"
WORDS = ["--api-key", SECRET, f"webhook={SECRET}", "--style_token", ALLOWED, "lr=0.1"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one training, and its process, wrote."""
    root = tmp_path_factory.mktemp("secrets")
    command = [sys.executable, str(APP), str(root), *WORDS]
    told = environment(SECRET=SECRET, ALLOWED=ALLOWED)
    ran = subprocess.run(command, env=told, cwd=root, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    (root / "console.txt").write_text(ran.stdout + ran.stderr)
    return root


def run_of(root: Path) -> Recorded:
    (path,) = find_recorded(root)
    return read_recorded(path, wait=5)


def test_no_file_that_was_written_holds_it(written: Path) -> None:
    files = [path for path in written.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert {".wandb", ".json", ".ckpt", ".log", ".txt"} <= kinds
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_the_users_own_config_is_told_without_it(written: Path) -> None:
    config = run_of(written).config
    assert config["db"] == {"password": "<redacted>", "host": "here"}
    assert config["hook"] == "https://hooks.slack.com/<redacted>"
    assert (config["size"], config["here"]) == (str(2**60), "data")  # rendered as all values are


def test_hyper_parameters_and_record_are_told_without_it(written: Path) -> None:
    config = run_of(written).config
    assert (config["api_key"], config["hub_token"], config["password"]) == ("<redacted>",) * 3
    (record,) = (written / "checkpoints").rglob("*.json")
    hparams = json.loads(record.read_text())["hparams"]
    assert (hparams["api_key"], hparams["retries"]) == ("<redacted>", 3)


def test_the_checkpoint_says_who_it_is_without_it(written: Path) -> None:
    (path,) = (written / "checkpoints").rglob("*.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    assert checkpoint["lightning_expname"]["run"] == run_of(written).name


def test_the_command_line_is_told_without_it(written: Path) -> None:
    (log,) = written.rglob("*.wandb")
    raw = log.read_bytes()  # W&B's own metadata
    assert b"--api-key" in raw and b"webhook=<redacted>" in raw and b"lr=0.1" in raw
    command = run_of(written).config["environment"]["command"]
    assert "--api-key '<redacted>' 'webhook=<redacted>'" in command


def test_what_the_user_allows_is_told(written: Path) -> None:
    run = run_of(written)
    assert run.config["style_token"] == ALLOWED
    assert f"--style_token {ALLOWED}" in run.config["environment"]["command"]
    (log,) = written.rglob("*.wandb")
    assert log.read_bytes().count(ALLOWED.encode()) >= 3  # config, command, metadata


def test_notes_are_told_without_it(written: Path) -> None:
    (log,) = written.rglob("*.wandb")
    assert b"pushed to https://<redacted>@example.org/x.git" in log.read_bytes()


@pytest.mark.parametrize("form", ["namespace", "file"])
def test_a_config_in_every_form_that_wandb_takes(
    expname_root: Path, expname_recorded: Any, form: str
) -> None:
    Path("mine.yaml").write_text(f"api_key: {{value: {SECRET}}}\nwidth: {{value: 3}}\n")
    namespace = argparse.Namespace(api_key=SECRET, width=3)
    config: Any = {"namespace": namespace, "file": "mine.yaml"}[form]
    fit(ExpNameLogger(wandb_kwargs={"config": config}), epochs=1)
    (run,) = expname_recorded()
    assert (run.config["api_key"], run.config["width"]) == ("<redacted>", 3)


def test_a_warning_of_somebody_elses_error_tells_none() -> None:
    @observed
    def hook() -> None:
        raise OSError(f"cannot reach https://me:{SECRET}@example.org")

    with pytest.warns(ExpNameWarning, match="https://<redacted>@example.org") as caught:
        hook()
    assert SECRET not in str(caught[0].message)
