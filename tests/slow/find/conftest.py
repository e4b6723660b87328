"""A tree of trainings that were killed, made once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WORKERS = 2
KILLS = max(WORKERS, int(os.environ.get("EXPNAME_ROUNDS", "200")))


@pytest.fixture(scope="session")
def killed_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trainings of equal and of other configurations, two at a time in trees of their own."""
    root = tmp_path_factory.mktemp("killed")
    path = os.pathsep.join([str(HERE.parents[1] / "runs"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "WANDB_SILENT": "true"}
    trees = [root / f"tree{n}" for n in range(WORKERS)]
    script = str(HERE / "kill_trainings.py")
    made = [
        subprocess.Popen(
            [sys.executable, script, str(tree), str((KILLS + n) // WORKERS), str(n)],
            env=environment,
            cwd=tree.mkdir() or tree,
        )
        for n, tree in enumerate(trees)
    ]
    try:
        assert [one.wait(300 + 5 * KILLS) for one in made] == [0] * WORKERS
    finally:
        for one in made:
            one.kill()
    return root
