"""From everything to everything, of trainings killed at random moments: never a wrong answer.

What is right is told by torch.load, W&B's own log and Lightning's own state, not by our readers.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_expname import RunRecord, find_runs, resolve_run
from lightning_expname.testing import find_recorded, read_recorded


@dataclass(frozen=True)
class Truth:
    """One run's files by what torch reads in them: path to content without weights."""

    files: dict[Path, dict[str, Any]]

    @property
    def last(self) -> set[Path]:
        newest = max(one["global_step"] for one in self.files.values())
        return {path for path, one in self.files.items() if one["global_step"] == newest}

    @property
    def best(self) -> str:
        content = self.files[min(self.last)]
        (state,) = (one for one in content["callbacks"].values() if "best_model_path" in one)
        return Path(state["best_model_path"]).name


def truths(tree: Path) -> dict[str, Truth]:
    """By the run's id."""
    files: dict[str, dict[Path, dict[str, Any]]] = defaultdict(dict)
    for path in tree.rglob("*.ckpt"):
        content = torch.load(path, weights_only=True)
        del content["state_dict"]
        files[content["lightning_expname"]["id"]][path] = content
    return {run_id: Truth(found) for run_id, found in files.items()}


def check(tree: Path, expected: dict[str, Truth]) -> int:
    """Every way, of every run; gives how many questions were asked."""
    runs = {run.id: run for run in find_runs(root=tree)}
    assert len(runs) == len(list(tree.rglob("*bs16*.json")))
    assert expected.keys() <= runs.keys(), "a checkpoint without a run"
    asked = 0
    for run in runs.values():
        references = (run.run, run.stem, run.id, run.path, run.record, *urls(run))
        for reference in (one for one in references if (tree / one).exists() or one != run.record):
            assert resolve_run(reference, tree) == run, reference
            asked += 1
        truth = expected.get(run.id)
        listed = {file.path for file in run.checkpoints()}
        assert listed == (set(truth.files) if truth else set())
        if truth:
            asked += check_files(tree, run, truth)
        assert run.status == "killed"
    return asked


def urls(run: RunRecord) -> tuple[str, ...]:
    return (
        f"https://wandb.example/me/{run.project}/runs/{run.id}/overview",
        f"me/{run.project}/{run.id}",
    )


def check_files(tree: Path, run: RunRecord, truth: Truth) -> int:
    for path in truth.files:
        assert resolve_run(path, tree) == run
    assert run.checkpoint("last") in truth.last
    assert run.checkpoint("best").name == truth.best
    return len(truth.files) + 2


def trees(root: Path) -> list[Path]:
    return sorted(root.glob("tree*"))


def test_every_way_of_every_killed_run(killed_tree: Path) -> None:
    asked, runs, files = 0, 0, 0
    for tree in trees(killed_tree):
        expected = truths(tree)
        asked += check(tree, expected)
        runs += len(find_runs(root=tree))
        files += sum(len(truth.files) for truth in expected.values())
    print(f"\n{runs} killed trainings, {files} checkpoints: {asked} questions, 0 wrong")


def test_without_the_index(killed_tree: Path) -> None:
    for tree in trees(killed_tree):
        shutil.rmtree(tree / ".expname", ignore_errors=True)
        assert check(tree, truths(tree))


def test_from_what_wandb_recorded(killed_tree: Path) -> None:
    """The config in W&B's log leads to the record; a run killed too early for a log has none."""
    told = 0
    for tree in trees(killed_tree):
        for log in find_recorded(tree):
            config = read_recorded(log).config.get("expname")
            if config:
                run = resolve_run(config["id"], tree)
                assert (run.record, run.run) == (config["record"], config["run"])
                assert resolve_run(log.parent, tree) == run
                told += 1
    assert told


@pytest.mark.parametrize("part", [".", "checkpoints", "checkpoints/MultiModalTransformer"])
def test_after_a_move_of_all_or_of_a_part(killed_tree: Path, tmp_path: Path, part: str) -> None:
    for tree in trees(killed_tree):
        copied = tmp_path / tree.name
        shutil.copytree(tree, copied)  # keeps the times of files
        moved = tmp_path / "elsewhere" / tree.name
        moved.parent.mkdir(exist_ok=True)
        shutil.move(copied / part, moved)
        shutil.rmtree(copied, ignore_errors=True)
        assert check(moved, truths(moved))
