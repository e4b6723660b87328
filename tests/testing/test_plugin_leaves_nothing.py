"""What stays behind after tests that use the fixtures, in projects of their own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import wandb
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader

from lightning_expname import ExpNameLogger
from lightning_expname.alerts import Alerts
from lightning_expname.testing import SlackServer, WandbServer


class Tiny(LightningModule):
    def __init__(self, depth: int = 2) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        loss: torch.Tensor = self.layer(batch).square().mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(logger: ExpNameLogger) -> None:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(logger=logger, max_epochs=1, log_every_n_steps=1, accelerator="cpu", **quiet)
    trainer.fit(Tiny(), DataLoader(torch.ones(8, 4), batch_size=4))


PATCHED = """
    import os, pathlib

    def seen():
        return dict(os.environ), os.getcwd()

    START = seen()

    def test_patches_before(monkeypatch, tmp_path, expname_root):
        monkeypatch.setenv("WANDB_MODE", "online")
        monkeypatch.setenv("WANDB_PROJECT", "q")
        monkeypatch.chdir(tmp_path)

    def test_patches_of_the_server(monkeypatch, expname_wandb):
        monkeypatch.setenv("WANDB_BASE_URL", "http://x")
        monkeypatch.setenv("WANDB_API_KEY", "q")

    def test_slack_before(expname_slack, monkeypatch, expname_root):
        assert "mine" not in os.environ["SLACK_WEBHOOK_URL"]
        monkeypatch.setenv("SLACK_WEBHOOK_URL", "x")

    def test_slack_is_hidden(expname_root):
        assert not [key for key in os.environ if key.startswith("SLACK_")]

    def teardown_function():
        environment, directory = seen()
        assert directory == START[1]
        for values in (environment, START[0]):
            values.pop("PYTEST_CURRENT_TEST", None)
        assert environment == START[0]
"""


def test_a_patch_of_the_same_test_brings_nothing_back(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "http://127.0.0.1:9/mine")
    pytester.makepyfile(PATCHED + "\n    def test_afterwards(): teardown_function()\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=5)


def test_the_logger_finds_the_server(
    expname_logger: ExpNameLogger, expname_wandb: WandbServer
) -> None:
    train(expname_logger)
    assert [run.name for run in expname_wandb.runs.values()] == ["depth2-bs4-lr0.1"]


def test_the_server_finds_the_logger(
    expname_wandb: WandbServer, expname_logger: ExpNameLogger
) -> None:
    train(expname_logger)
    assert [run.name for run in expname_wandb.runs.values()] == ["depth2-bs4-lr0.1"]


@pytest.fixture
def as_before() -> Iterator[None]:
    """Set up before `expname_root`, and so finished after it."""
    before = (sys.excepthook, sys.exit)
    yield
    assert (sys.excepthook, sys.exit) == before
    assert wandb.run is None


def test_a_run_is_unhooked_afterwards(as_before: None, expname_root: Path) -> None:
    hook = sys.excepthook
    wandb.init(project="p").finish()
    assert sys.excepthook is not hook


def test_a_run_torn_down_by_the_test_is_gone_afterwards(
    as_before: None, expname_root: Path
) -> None:
    run = wandb.init(project="p")
    wandb.teardown()
    assert wandb.run is run


@pytest.fixture
def no_more_processes() -> Iterator[None]:
    """Set up before `expname_slack`, and so finished after it."""
    before = _children()
    yield
    assert _children() <= before


@pytest.mark.parametrize("mode", ["hang", "500", "429", "stopped"])
def test_an_unwell_slack_leaves_no_watchdog(
    mode: str, no_more_processes: None, expname_slack: SlackServer
) -> None:
    if mode == "stopped":
        expname_slack.stop()
    else:
        expname_slack.mode = mode
    alerts = Alerts(wandb=False)
    with alerts.watch("work"):
        pass
    assert _has_a_watchdog(seconds=10)


def _has_a_watchdog(seconds: float) -> bool:
    """A process that has just been started has no command line for a moment."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any("watchdog" in Path(f"/proc/{one}/cmdline").read_text() for one in _children()):
            return True
        time.sleep(0.01)
    return False


def _children() -> set[str]:
    path = Path(f"/proc/{os.getpid()}/task")
    return {child for task in path.iterdir() for child in (task / "children").read_text().split()}
