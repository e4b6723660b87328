"""A stranger's project, with only the wheel installed, tests itself with every fixture."""

from __future__ import annotations

import shutil
from pathlib import Path

import conftest
import pytest

HERE = Path(__file__).parent / "stranger"
EMPTY = """
import sys

def pytest_sessionfinish(session):
    assert session.config.pluginmanager.hasplugin("lightning_expname")
    heavy = [name for name in ("torch", "lightning", "wandb", "numpy") if name in sys.modules]
    print("origin", sys.modules["lightning_expname"].__file__)
    print("heavy", heavy)
"""


@pytest.fixture
def stranger(project: Path) -> Path:
    """A copy of the stranger's project."""
    shutil.copytree(HERE, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__py*"))
    return project


def files(folder: Path) -> list[str]:
    everything = (path for path in folder.rglob("*") if path.is_file())
    found = (path for path in everything if "__pycache__" not in path.parts)
    return sorted(path.relative_to(folder).as_posix() for path in found)


@pytest.mark.parametrize("workers", [["-s"], ["-n", "2"]], ids=["alone", "xdist"])
def test_every_fixture_works_and_leaves_nothing(
    workers: list[str], stranger: Path, run: conftest.Run, tmp_path: Path
) -> None:
    before = files(stranger)
    printed = run("-m", "pytest", *workers, f"--basetemp={tmp_path / 'base temp'}")
    assert "6 passed" in printed
    assert "wandb:" not in printed  # quiet
    assert files(stranger) == before


def test_a_renamed_hyper_parameter_fails_readably(stranger: Path, run: conftest.Run) -> None:
    digits = stranger / "digits.py"
    digits.write_text(digits.read_text().replace("n_heads", "heads"))
    printed = run("-m", "pytest", "test_names.py::test_names_stay", fails=True)
    was, now = "d_model8-n_heads2-bs64-lr0.001", "d_model8-heads2-bs64-lr0.001"
    assert f"small: run was '{was}', is '{now}' (-n_heads=2 +heads=2)" in printed
    assert "wide: stem was 'd_model64-n_heads2-bs64'" in printed
    run("-m", "pytest", "test_names.py::test_names_stay", EXPNAME_WRITE_NAMES="1")
    run("-m", "pytest", "test_names.py::test_names_stay")


def test_an_empty_run_loads_nothing_heavy(project: Path, run: conftest.Run) -> None:
    (project / "conftest.py").write_text(EMPTY)
    (project / "test_nothing.py").write_text("def test_nothing(): pass\n")
    printed = run("-m", "pytest", "-q", "-s", "-p", "no:cacheprovider")
    assert "heavy []" in printed
    root = Path(__file__).parents[3]
    assert str(root / "lightning_expname") not in printed  # the wheel's, not the checkout's
