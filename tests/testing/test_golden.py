"""Golden names of a user's own models, and the logger that comes as a fixture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lightning_expname import ExpNameLogger, NamePolicy
from lightning_expname.pytest_plugin import ReadRecorded
from lightning_expname.testing import assert_same_names, names_of
from lightning_expname.testing.golden import WRITE

import torch  # isort: skip
from lightning.pytorch import LightningModule, Trainer
from torch import nn
from torch.utils.data import DataLoader


class Net(nn.Module):
    def __init__(self, depth: int = 1, act: str = "relu", dropout: float = 0.1) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)


class LitNet(LightningModule):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def training_step(self, batch, batch_idx):
        return self.model.layer(batch).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.001)


def _names(**arguments):
    return names_of(LitNet(Net(**arguments)), dataset="Digits", batch_size=8, lr=1e-3)


def test_names_are_those_of_a_training(
    expname_logger: ExpNameLogger, expname_recorded: ReadRecorded
) -> None:
    trainer = Trainer(logger=expname_logger, max_epochs=1, enable_progress_bar=False)
    trainer.fit(LitNet(Net(depth=2)), DataLoader(torch.zeros(8, 1), batch_size=8))
    assert expname_logger.names == names_of(LitNet(Net(2)), batch_size=8, lr=0.001)
    assert expname_logger.record.checkpoint("last").exists()
    (run,) = expname_recorded()
    assert (run.name, run.config["dropout"]) == ("depth2-act.relu-bs8-lr0.001", 0.1)


def test_a_file_is_written_once_and_then_held_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = tmp_path / "golden" / "names.json"
    with pytest.raises(AssertionError, match=f"no .*names.json.*{WRITE}=1"):
        assert_same_names(golden, {"small": _names()})
    monkeypatch.setenv(WRITE, "1")
    assert_same_names(golden, {"small": _names()})
    monkeypatch.delenv(WRITE)
    assert_same_names(golden, {"small": _names()})
    with pytest.raises(AssertionError, match=r"small: run was .*\(-depth=1 \+depth=3\)"):
        assert_same_names(golden, {"small": _names(depth=3)})


def test_cases_come_and_go_loudly() -> None:
    names = _names()
    assert_same_names({"a": names}, {"a": names})
    with pytest.raises(AssertionError, match="a: is gone"):
        assert_same_names({"a": names}, {})
    with pytest.raises(AssertionError, match="b: is new"):
        assert_same_names({"a": names}, {"a": names, "b": names})


def test_types_are_told_apart() -> None:
    before, after = _names(act="x1"), replace(_names(act="x1"), run="depth1-act1-bs8-lr0.001")
    with pytest.raises(AssertionError, match=r"-act='x1' \+act=1"):
        assert_same_names({"a": before}, {"a": after})


def test_a_policy_is_that_of_the_logger() -> None:
    policy = NamePolicy(run="{stem}")
    named = names_of(Net(depth=2), dataset="d", batch_size=4, policy=policy)
    assert named == names_of(Net(depth=2), dataset="d", batch_size=4, policy={"run": "{stem}"})
    assert named.run == "depth2-act.relu-bs4"


def test_a_file_that_holds_no_names_is_said(tmp_path: Path) -> None:
    wrong = tmp_path / "names.json"
    wrong.write_text("[]")
    with pytest.raises(AssertionError, match="holds no names"):
        assert_same_names(wrong, {})


IN_A_ROOT = """
    from lightning_expname.testing import assert_same_names

    def test_names(expname_root):
        assert_same_names("names.json", {"small": {"run": "depth2"}})
"""


def test_a_relative_file_lies_beside_the_project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(IN_A_ROOT)
    monkeypatch.setenv(WRITE, "1")
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert (pytester.path / "names.json").is_file()
    monkeypatch.delenv(WRITE)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_two_calls_of_one_file_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "names.json"
    monkeypatch.setenv(WRITE, "1")
    assert_same_names(file, {"a": _names()})
    assert_same_names(file, {"b": _names()})
    monkeypatch.delenv(WRITE)
    advice = f"a: is new\nIf this is wanted, run pytest once with {WRITE}=1, and commit {file}"
    with pytest.raises(AssertionError) as told:
        assert_same_names(file, {"a": _names()})
    assert "b: is gone (one call of assert_same_names tells all cases of a file)" in str(told.value)
    assert str(told.value).endswith(advice)
