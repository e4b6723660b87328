"""What docs/tuning.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
import yaml
from lit_models import LitRegressor, loader
from torch import nn

from lightning_expname.tuning.space import Space

TEXT = (Path(__file__).parents[2] / "docs/tuning.md").read_text(encoding="utf-8")


class Net(nn.Module):
    def __init__(self, depth: int, act: str) -> None:
        super().__init__()
        self.net = nn.Sequential(*(nn.Linear(4, 4) for _ in range(depth)), nn.Linear(4, 1))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.net(batch)
        return output


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_example_runs(expname_root: Path, expname_recorded: Any) -> None:
    names: dict[str, Any] = {"Net": Net, "LitNet": LitRegressor}
    names |= {"train_loader": loader(), "val_loader": loader()}
    example, _ = blocks("python")
    exec(compile(example, "docs/tuning.md", "exec"), names)
    assert names["result"].record.checkpoint("best").is_file()
    *trials, study = expname_recorded()
    assert [one.name[:14] for one in trials] == [f"trial{i:03d}-depth" for i in range(3)]
    assert (study.name, study.group) == ("study-Net-Digits", "Net-Digits")


def test_the_example_of_tabular_data_runs(expname_root: Path, expname_recorded: Any) -> None:
    names: dict[str, Any] = {}
    _, example = blocks("python")
    exec(compile(example, "docs/tuning.md", "exec"), names)
    assert names["result"].record.checkpoint("best").is_dir()
    *trials, study = expname_recorded()
    assert [one.name[:18] for one in trials] == [f"trial{i:03d}-max_depth" for i in range(3)]
    assert study.name == "study-tree-wine-all_features"


def test_the_search_space_is_valid() -> None:
    (example,) = blocks("yaml")
    space = Space.parse(yaml.safe_load(example)["search_space"])
    assert list(space.axes) == ["n_heads", "n_layers", "optimizer.lr"]
