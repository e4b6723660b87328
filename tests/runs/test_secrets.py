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
import wandb
from flavour import ExpNameLogger
from lit_models import fit
from processes import environment

from lightning_expname.observer import ExpNameWarning, observed
from lightning_expname.testing import Recorded, find_recorded, read_recorded
from lightning_expname.wandb_settings import without_credentials

APP = Path(__file__).with_name("secrets_app.py")
SECRET, ALLOWED = "hunter2Xq", "x9y8z7Aa"
WORDS = ["--api-key", SECRET, f"webhook={SECRET}", "--style_token", ALLOWED, "lr=0.1"]
WORDS += ["--tokens", SECRET, SECRET, "-p", SECRET, "--port", "8080", "-u", f"me:{SECRET}"]
REMOTES = [
    f"https://{SECRET}:x-oauth-basic@github.com/me/x.git",
    f"git:{SECRET}@example.org:me/x.git",
    f"ssh://{SECRET}@example.org/me/x.git",
    f"https://example.org/me/x.git?private_token={SECRET}",
]


def git(*words: str, cwd: Path) -> None:
    who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    subprocess.run(["git", *who, *words], cwd=cwd, check=True, capture_output=True)


def repository(root: Path, remote: str) -> None:
    git("init", "-q", cwd=root)
    git("remote", "add", "origin", remote, cwd=root)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=root)


def files_of(root: Path) -> list[Path]:
    """All that was written, but git's own."""
    found = [path for path in root.rglob("*") if path.is_file()]
    return [path for path in found if ".git" not in path.relative_to(root).parts]


def holders(root: Path, secret: str = SECRET) -> list[Path]:
    """Files that hold a secret, or are named after it."""
    told = secret.encode()
    return [path for path in files_of(root) if secret in str(path) or told in path.read_bytes()]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one training, and its process, wrote."""
    root = tmp_path_factory.mktemp("secrets")
    repository(root, REMOTES[0])
    command = [sys.executable, str(APP), str(root), *WORDS]
    told = environment(SECRET=SECRET, ALLOWED=ALLOWED)
    ran = subprocess.run(command, env=told, cwd=root, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stderr
    (root / "console.txt").write_text(ran.stdout + ran.stderr)
    return root


def run_of(root: Path) -> Recorded:
    (path,) = find_recorded(root)
    return read_recorded(path, wait=5)


def test_no_file_that_was_written_holds_it(written: Path) -> None:
    kinds = {path.suffix for path in files_of(written)}
    assert {".wandb", ".json", ".ckpt", ".log", ".txt"} <= kinds
    assert holders(written) == []


def test_the_users_own_config_is_told_without_it(written: Path) -> None:
    config = run_of(written).config
    assert config["db"] == {"password": "<redacted>", "host": "here"}
    assert config["hook"] == "https://hooks.slack.com/<redacted>"
    assert (config["size"], config["here"]) == (str(2**60), "data")  # rendered as all values are


def test_what_is_no_secret_beside_it_is_told(written: Path) -> None:
    config = run_of(written).config
    assert config["wandb"] == {"key": "<redacted>"}
    assert config["env"][1] == {"name": "PORT", "value": "8080"}
    assert config["study"] == "postgresql://me:<redacted>@db/study"
    assert config["fallback"] == "${oc.env:HF_TOKEN,<redacted>}"
    assert config["headers"] == [["Authorization", "<redacted>"]]


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
    assert "--tokens '<redacted>' '<redacted>' -p '<redacted>' --port 8080 -u 'me:<re" in command


def test_what_the_user_allows_is_told(written: Path) -> None:
    run = run_of(written)
    assert run.config["style_token"] == ALLOWED
    assert f"--style_token {ALLOWED}" in run.config["environment"]["command"]
    (log,) = written.rglob("*.wandb")
    assert log.read_bytes().count(ALLOWED.encode()) >= 3  # config, command, metadata


@pytest.mark.parametrize("remote", REMOTES)
@pytest.mark.parametrize("form", ["none", "dict", "object"])
def test_the_git_remote_is_told_without_it(
    expname_root: Path, expname_recorded: Any, remote: str, form: str
) -> None:
    repository(expname_root, remote)
    settings = {"none": None, "dict": {"quiet": True}, "object": wandb.Settings(quiet=True)}[form]
    fit(ExpNameLogger(wandb_kwargs={"settings": settings}), epochs=1)
    assert holders(expname_root) == []
    (run,) = expname_recorded()
    environment_ = run.config["environment"]
    (log,) = expname_root.rglob("*.wandb")
    assert environment_["git_remote"].count("<redacted>") >= 1
    assert log.read_bytes().count(environment_["git_commit"].encode()) >= 2  # ours and W&B's
    assert log.read_bytes().count(environment_["git_remote"].encode()) >= 2


@pytest.mark.parametrize("remote", [*REMOTES, "git@github.com:me/x.git"])
def test_wandb_itself_is_told_of_a_remote_only_to_hide_something(
    expname_root: Path, remote: str
) -> None:
    repository(expname_root, remote)
    told = without_credentials({"quiet": True})
    if remote.startswith("git@"):
        assert told == {"quiet": True}
    else:
        assert "<redacted>" in told["git_remote_url"] and len(told["git_commit"]) == 40


def test_a_remote_of_the_users_own_word_is_scrubbed(
    expname_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, told = "https://me:pw@host/x", "https://<redacted>@host/x"
    assert without_credentials({"git_remote_url": given}) == {"git_remote_url": told}
    assert without_credentials(wandb.Settings(git_remote_url=given)).git_remote_url == told
    repository(expname_root, REMOTES[0])
    assert without_credentials({"disable_git": True}) == {"disable_git": True}
    monkeypatch.setenv("WANDB_GIT_REMOTE_URL", given)
    assert without_credentials(None) == {"git_remote_url": told}
    monkeypatch.setenv("WANDB_GIT_REMOTE_URL", "https://host/x")
    assert without_credentials(None) is None
    monkeypatch.delenv("WANDB_GIT_REMOTE_URL")
    monkeypatch.setenv("WANDB_DISABLE_GIT", "true")
    assert without_credentials(None) is None


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
