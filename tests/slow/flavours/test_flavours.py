"""Two flavours of Lightning: neither loads the other, and a mix says which line to change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BOTH = {
    "lightning.pytorch": "lightning_expname",
    "pytorch_lightning": "lightning_expname.pytorch_lightning",
}
CLASSES = "ExpNameAlerts, ExpNameCallback, ExpNameCheckpoint, ExpNameLogger, tune"
MODULE = """

class Lit(LightningModule):
    def __init__(self, depth: int = 2):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(2, 2) for _ in range(depth))

    def training_step(self, batch, index):
        return self.layers[0](batch).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
"""
TRAINING = f"""
import torch
from {{trainers}} import Callback, LightningModule, Trainer
from {{ours}} import {{classes}}
{MODULE}

def fit(**arguments):
    loader = torch.utils.data.DataLoader(torch.ones(4, 2), batch_size=2)
    options = dict(accelerator="cpu", max_epochs=1, enable_progress_bar=False)
    Trainer(**options, **arguments).fit(Lit(depth=3), loader)
"""
MIXES = {
    "ExpNameLogger": "fit(logger=ExpNameLogger(offline=True))",
    "ExpNameCallback": "fit(logger=False, callbacks=[ExpNameCallback()])",
    "ExpNameCheckpoint": "fit(logger=False, callbacks=[ExpNameCheckpoint()])",
    "ExpNameAlerts": "fit(logger=False, callbacks=[ExpNameAlerts(wandb=False)])",
    "tune": (
        "tune(lambda trial: fit(logger=False, callbacks=trial.callbacks()), n_trials=1,"
        " model='Lit', dataset='ones', monitor='loss', storage='memory', logger=False,"
        " progress=False, plots=False)"
    ),
}


def run(program: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "WANDB_MODE": "offline"},
        check=False,
    )


@pytest.mark.parametrize("trainers", BOTH)
def test_a_flavour_trains_without_the_other(trainers: str, expname_root: Path) -> None:
    (other,) = BOTH.keys() - {trainers}
    program = TRAINING.format(trainers=trainers, ours=BOTH[trainers], classes=CLASSES) + (
        "import sys\n"
        "logger = ExpNameLogger(dataset='ones')\n"
        "fit(logger=logger, callbacks=[ExpNameCheckpoint(), ExpNameAlerts(wandb=False)])\n"
        "assert logger.record.status == 'finished' and logger.record.checkpoint('last').exists()\n"
        f"assert {other!r} not in sys.modules\n"
        "print(logger.names.run)"
    )
    ended = run(program, expname_root)
    assert ended.returncode == 0, ended.stderr
    assert "depth3-bs2-lr0.1" in ended.stdout.splitlines()


@pytest.mark.parametrize("name", MIXES)
@pytest.mark.parametrize("trainers", BOTH)
def test_a_mix_says_what_to_change(trainers: str, name: str, expname_root: Path) -> None:
    (other,) = BOTH.keys() - {trainers}
    program = TRAINING.format(trainers=trainers, ours=BOTH[other], classes=CLASSES) + MIXES[name]
    ended = run(program, expname_root)
    last = ended.stderr.strip().splitlines()[-1]
    assert ended.returncode == 1
    assert last.startswith("lightning_expname.errors.FlavourError: "), ended.stderr
    assert f"`from {BOTH[trainers]} import {name}`" in last
    assert f"`from {other} import Trainer`" in last
    assert not list(expname_root.rglob("*.ckpt"))


def test_the_example_of_the_docs_runs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "flavours.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    check = "assert type(trainer.logger).__module__.startswith('lightning_expname.pytorch_')"
    done = subprocess.run(
        [sys.executable, "-c", f"{example}\n{check}"], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
