"""The command lines of docs/find.md, run as they stand; its Python is in test_docs_find.py."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch
from pages import DOCS, blocks
from runs_on_disk import put

from lightning_expname.cli import main

STEM = "n_heads8-n_layers2-bs64"
BASH = [block.text for block in blocks(DOCS / "find.md") if block.kind == "bash"]
LINES = [line.partition("#")[0] for line in BASH[0].splitlines()]
OLD = {"state_dict": {}, "epoch": 3, "global_step": 9, "pytorch-lightning_version": "2.0.0"}
SHOWN = {
    "ls": f"{STEM}-lr0.001",
    "find": f"{STEM}-lr0.001",
    "show": f"{STEM}-lr0.001",
    "path": f"{STEM}-epoch3.ckpt",
    "diff": "hparams.n_heads  8",
    "completion": "--columns",
}


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_does_what_it_says(
    line: str, expname_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hparams = {"n_heads": 8, "n_layers": 2}
    best = f"checkpoints/Net/Digits/{STEM}-epoch3.ckpt"
    config = {"lr": 1e-5}
    first = put(expname_root, STEM, hparams=hparams, config=config, score=0.9, best=best)
    second = put(expname_root, STEM, hparams={**hparams, "n_heads": 4}, config=config)
    (expname_root / best).touch()
    written = iter([first.run, second.run])
    line = re.sub("RUN", lambda _: next(written), line)
    assert main(shlex.split(line)[1:]) == 0
    assert SHOWN[line.split()[1]] in capsys.readouterr().out


def test_old_checkpoints_are_adopted_step_by_step(
    expname_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("old_runs").mkdir()
    torch.save(OLD, "old_runs/n_heads8-bs64-epoch3.ckpt")
    for line in "".join(BASH[1:]).splitlines():
        assert main(shlex.split(line)[1:]) == 0, line
    assert "old_runs/n_heads8-bs64-epoch3.ckpt" in capsys.readouterr().out
    assert Path("old_runs/n_heads8-bs64-epoch3.ckpt").is_file()
