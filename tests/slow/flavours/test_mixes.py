"""Mixes that no argument of a Trainer makes: LightningCLI's config, and callback factories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_flavours import BOTH, CLASSES, MODULE, TRAINING, run

CLI = {
    "lightning.pytorch": "lightning_expname.lightning_cli",
    "pytorch_lightning": "lightning_expname.pytorch_lightning.lightning_cli",
}
# each as `--trainer.NAME VALUE`
NAMED = {
    "ExpNameLogger": ("logger", "{{'class_path': '{path}', 'init_args': {{'dataset': 'a'}}}}"),
    "ExpNameCheckpoint": ("callbacks", "[{{'class_path': '{path}'}}]"),
    "ExpNameAlerts": ("callbacks", "{path}"),
}
COMMAND_LINE = f"""
import torch
from {{trainers}} import LightningModule
from {{home}} import {{name}} as CommandLine
{MODULE}
    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.ones(4, 2), batch_size=2)


CommandLine(Lit, args=["fit", "--trainer.accelerator=cpu", "--trainer.max_epochs=1", *{{words!r}}])
"""


def other_than(trainers: str) -> str:
    (other,) = BOTH.keys() - {trainers}
    return other


def command_line(trainers: str, home: str, *words: str) -> str:
    name = "LightningCLI" if home.endswith(".cli") else "ExpNameCLI"
    return COMMAND_LINE.format(trainers=trainers, home=home, name=name, words=list(words))


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("trainers", BOTH)
def test_a_config_of_the_other_flavour_says_what_to_write(
    trainers: str, name: str, expname_root: Path
) -> None:
    other = other_than(trainers)
    option, value = NAMED[name]
    value = value.format(path=f"{BOTH[other]}.{name}").replace("'", '"')
    word = f"--trainer.{option}={value}"
    ended = run(command_line(trainers, f"{trainers}.cli", word), expname_root)
    assert ended.returncode == 2
    assert (
        f"{name} is for the LightningCLI of {other}, and this one is of {trainers}: write"
        f" `class_path: {BOTH[trainers]}.{name}`, or `from {other}.cli import LightningCLI`"
    ) in ended.stderr
    assert not list(expname_root.iterdir())


@pytest.mark.parametrize("trainers", BOTH)
def test_our_command_line_says_it_as_well(trainers: str, expname_root: Path) -> None:
    path = f"{BOTH[other_than(trainers)]}.ExpNameLogger"
    ended = run(command_line(trainers, CLI[trainers], f"--trainer.logger={path}"), expname_root)
    assert ended.returncode == 2
    assert f"write `class_path: {BOTH[trainers]}.ExpNameLogger`" in ended.stderr


@pytest.mark.parametrize("trainers", BOTH)
def test_our_command_line_refuses_a_module_of_the_other(trainers: str, expname_root: Path) -> None:
    other = other_than(trainers)
    ended = run(command_line(trainers, CLI[other]), expname_root)
    last = ended.stderr.strip().splitlines()[-1]
    assert f"FlavourError: this ExpNameCLI is for {other}, and Lit is of {trainers}" in last
    assert f"`from {CLI[trainers]} import ExpNameCLI`" in last


@pytest.mark.parametrize("home", [f"{name}.cli" for name in BOTH])
def test_a_config_of_the_right_flavour_trains(home: str, expname_root: Path) -> None:
    trainers = home.removesuffix(".cli")
    names = [f"--trainer.logger={BOTH[trainers]}.ExpNameLogger", "--trainer.logger.dataset=ones"]
    callback = f"--trainer.callbacks+={BOTH[trainers]}.ExpNameCheckpoint"
    ended = run(command_line(trainers, home, *names, callback), expname_root)
    assert ended.returncode == 0, ended.stderr
    (record,) = expname_root.glob("checkpoints/Lit/ones/*.json")
    assert json.loads(record.read_text())["status"] == "finished"


def distribution(root: Path, group: str, target: str) -> None:
    """Somebody's package with a callback factory, as if it were installed."""
    info = root / "somebody-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebody\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\nsome = {target}\n")


def factory(trainers: str, ours: str, then: str) -> str:
    program = TRAINING.format(trainers=trainers, ours=ours, classes=CLASSES)
    return f"import sys; sys.path.insert(0, '.')\n{program}\n{then}"


@pytest.mark.parametrize("trainers", BOTH)
def test_our_factory_in_the_other_flavours_group(trainers: str, expname_root: Path) -> None:
    other = other_than(trainers)
    ours = {"lightning.pytorch": "callbacks", "pytorch_lightning": "pytorch_lightning_callbacks"}
    target = f"lightning_expname._entry_points:{ours[other]}"
    distribution(expname_root, f"{trainers}.callbacks_factory", target)
    program = factory(trainers, BOTH[other], "alive = ExpNameLogger()\nfit(logger=False)")
    ended = run(program, expname_root)
    last = ended.stderr.strip().splitlines()[-1]
    assert f"FlavourError: ExpNameCallback is for the Trainer of {other}" in last, ended.stderr
    assert f"`from {BOTH[trainers]} import ExpNameCallback`" in last


@pytest.mark.parametrize("trainers", BOTH)
def test_a_strangers_factory_of_the_other_flavour(trainers: str, expname_root: Path) -> None:
    other = other_than(trainers)
    (expname_root / "somebody.py").write_text(
        f"def more():\n    from {BOTH[other]} import ExpNameCheckpoint\n"
        "    return [ExpNameCheckpoint()]\n"
    )
    distribution(expname_root, f"{trainers}.callbacks_factory", "somebody:more")
    ended = run(factory(trainers, BOTH[trainers], "fit(logger=False)"), expname_root)
    last = ended.stderr.strip().splitlines()[-1]
    assert f"FlavourError: ExpNameCheckpoint is for the Trainer of {other}" in last, ended.stderr
    assert f"`from {BOTH[trainers]} import ExpNameCheckpoint`" in last


def test_each_factory_serves_its_own_flavour(expname_root: Path) -> None:
    """The entry points of the installed package, under both Trainers of one process."""
    program = """
import gc
import lightning.pytorch, pytorch_lightning
import lightning_expname, lightning_expname.pytorch_lightning


def ours(package):
    trainer = package.Trainer(logger=False, accelerator="cpu", max_epochs=1)
    found = [type(one) for one in trainer.callbacks if type(one).__name__.startswith("ExpName")]
    return [(one.__module__, one.__name__) for one in found]


for flavour in (lightning_expname, lightning_expname.pytorch_lightning):
    for package in (lightning.pytorch, pytorch_lightning):
        assert ours(package) == []
    alive = flavour.ExpNameLogger()
    mine = pytorch_lightning if flavour.__name__.endswith("torch_lightning") else lightning.pytorch
    other = pytorch_lightning if mine is lightning.pytorch else lightning.pytorch
    assert ours(other) == []
    ((module, name),) = ours(mine)
    assert name == "ExpNameCallback" and getattr(flavour, name).__module__ == module
    del alive
    gc.collect()
"""
    ended = run(program, expname_root)
    assert ended.returncode == 0, ended.stderr
