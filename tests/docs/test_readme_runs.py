"""The README's Python, and its `expname` commands, run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT, blocks

from lightning_expname import ExpNameLogger, capture_init
from lightning_expname.cli import main
from lightning_expname.pytest_plugin import ReadRecorded

capture_init()

import lightning.pytorch as pl  # isort: skip
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

README = blocks(ROOT / "README.md")
PYTHON = [block.text for block in README if block.kind == "python"]
COMMANDS = "".join(block.text for block in README if block.kind == "bash")
RUN = "d_model1024-n_heads8-n_layers4-bs64-lr1e-05"
SMALL = ["d_model", "n_heads", "n_layers"]


class MultiModalTransformer(nn.Module):
    def __init__(self, d_model: int, n_heads: int, n_layers: int) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)


class LitModel(pl.LightningModule):
    def __init__(self, model: nn.Module, lr: float = 1e-5) -> None:
        super().__init__()
        self.model, self.rate = model, lr

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        loss: Tensor = self.model.layer(batch).square().mean()
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val_acc", 1 / (1 + self.training_step(batch, batch_idx)))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.rate)


def loader() -> DataLoader[Tensor]:
    return DataLoader(torch.ones(64, 4), batch_size=64)


def run(number: int, **names: Any) -> dict[str, Any]:
    """The namespace after that Python block."""
    text = PYTHON[number].replace("Trainer(", "Trainer(**short, ")
    exec(compile(text, f"README.md, Python block {number}", "exec"), names)  # our own text
    return names


def train() -> dict[str, Any]:
    """The 60-second tour, for one epoch."""
    short = {"max_epochs": 1, "enable_progress_bar": False, "accelerator": "cpu"}
    lit = LitModel(MultiModalTransformer(1024, 8, 4))
    return run(0, lit=lit, train_loader=loader(), val_loader=loader(), short=short)


def test_the_tour_and_the_way_back(
    expname_root: Path, expname_recorded: ReadRecorded, capsys: pytest.CaptureFixture[str]
) -> None:
    names = train()
    path = names["trainer"].logger.record.checkpoint("best")
    known = {"LitModel": LitModel, "MyTransformer": lambda _: MultiModalTransformer(1024, 8, 4)}
    names = run(1, **names, **known, torch=torch, path=path)
    assert (names["record"].run, names["record"].status) == (RUN, "finished")
    names = run(2)
    assert names["find_runs"]("n_heads=8", "dataset=KEM*") == [names["resolve_run"](path)]
    capsys.readouterr()
    for command in re.findall(r"expname (?:find|path) [^\n)\"]+", COMMANDS):
        assert main(shlex.split(command)[1:]) == 0
    found, best = capsys.readouterr().out.rstrip().rsplit("\n", 1)
    assert RUN in found
    assert best == str(path)
    (recorded,) = expname_recorded()
    assert (recorded.project, recorded.name) == ("MultiModalTransformer-KEMDy19", RUN)


def test_each_python_block_has_a_test() -> None:
    assert len(PYTHON) == 6  # number 3 is prompts, see tests/packaging/test_readme.py
    assert ">>>" in PYTHON[3]


def test_the_settings_are_taken(expname_root: Path) -> None:
    run(4, ExpNameLogger=ExpNameLogger)


def test_the_users_own_test_passes(expname_root: Path, expname_recorded: ReadRecorded) -> None:
    def small() -> None:
        trainer = pl.Trainer(logger=ExpNameLogger(include=SMALL), max_epochs=1)
        trainer.fit(LitModel(MultiModalTransformer(64, 4, 2), lr=1e-3), loader())

    run(5, train=small)["test_names"](expname_root, expname_recorded)
