"""Scratch projects that installed the wheel, and programs run in them."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SECONDS = 300
collect_ignore = ["stranger"]  # a project of its own, which test_stranger.py copies
Run = Callable[..., str]


def _is_installed() -> bool:
    """Whether this environment has the wheel's files, the plugin among them (tox); not a link."""
    files = importlib.metadata.files("lightning-expname") or []
    return any(str(file).startswith("hydra_plugins") for file in files)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """A folder with the installed wheel; None where the environment has it already."""
    if _is_installed():
        return None
    base = tmp_path_factory.mktemp("wheel")
    source = base / "source"
    shutil.copytree(ROOT / "lightning_expname", source / "lightning_expname")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    local = ["--no-deps", "--no-index"]
    wheel = [*pip, "wheel", *local, "--no-build-isolation", "-w", str(base), str(source)]
    subprocess.run(wheel, check=True, timeout=SECONDS)
    (built,) = base.glob("*.whl")
    install = [*pip, "install", *local, "--target", str(base / "site"), str(built)]
    subprocess.run(install, check=True, timeout=SECONDS)
    return base / "site"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty folder whose name is hard to quote."""
    folder = tmp_path / "scratch prøject"
    folder.mkdir()
    return folder


@pytest.fixture
def run(site: Path | None, project: Path) -> Run:
    """Runs `python ...` in the project as a user would; gives what it printed."""

    def run_python(*words: str, fails: bool = False, **environment: str) -> str:
        hidden = ("WANDB_", "PYTHONSAFEPATH", "PYTHONPATH", "HYDRA_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
        ours = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
        path = {"PYTHONPATH": str(site)} if site else {}
        ran = subprocess.run(
            [sys.executable, *words],
            cwd=project,
            env={**kept, **ours, **path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        assert (ran.returncode != 0) == fails, ran.stdout
        return ran.stdout

    return run_python
