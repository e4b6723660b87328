"""The guards hold of the package, and each of them goes red under its own sabotage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from guards import (
    all_names_resolve,
    entry_points_load,
    imports_nothing_heavy,
    leaves_strangers_alone,
)

import lightning_expname

PACKAGE = Path(lightning_expname.__file__).parent
HOME = PACKAGE.parent
FUTURE = "from __future__ import annotations\n"


@pytest.fixture
def sabotaged(tmp_path: Path) -> Path:
    """A directory that holds a copy of the package."""
    home = tmp_path / "copy"
    shutil.copytree(PACKAGE, home / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    return home


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The directory of somebody else's tests."""
    path = tmp_path / "stranger"
    path.mkdir()
    return path


def replace(home: Path, module: str, old: str, new: str) -> None:
    path = home / PACKAGE.name / module
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_importing_loads_nothing_heavy() -> None:
    assert imports_nothing_heavy(HOME) == ""


def test_a_strangers_tests_load_nothing_heavy(project: Path) -> None:
    assert leaves_strangers_alone(HOME, project) == ""


def test_every_entry_point_loads() -> None:
    assert entry_points_load(HOME) == ""


def test_every_public_name_resolves() -> None:
    assert all_names_resolve(HOME) == ""


def test_an_untouched_copy_passes(sabotaged: Path, project: Path) -> None:
    assert imports_nothing_heavy(sabotaged) == ""
    assert leaves_strangers_alone(sabotaged, project) == ""


@pytest.mark.parametrize("heavy", ["torch", "lightning", "wandb", "numpy"])
def test_a_heavy_import_is_noticed(sabotaged: Path, heavy: str) -> None:
    replace(sabotaged, "__init__.py", FUTURE, f"{FUTURE}import {heavy}\n")
    assert f"import of {heavy} halted" in imports_nothing_heavy(sabotaged)


@pytest.mark.parametrize("module", ["pytest_plugin.py", "_entry_points.py"])
def test_a_heavy_import_below_is_noticed(sabotaged: Path, module: str) -> None:
    replace(sabotaged, module, FUTURE, f"{FUTURE}import numpy\n")
    assert "import of numpy halted" in imports_nothing_heavy(sabotaged)


def test_a_public_name_that_is_not_lazy_is_noticed(sabotaged: Path) -> None:
    replace(sabotaged, "__init__.py", "if TYPE_CHECKING:", "if not TYPE_CHECKING:")
    assert "ModuleNotFoundError" in imports_nothing_heavy(sabotaged)


def test_a_warning_of_the_import_is_noticed(sabotaged: Path) -> None:
    warning = "import warnings; warnings.warn('old', DeprecationWarning)\n"
    replace(sabotaged, "__init__.py", FUTURE, FUTURE + warning)
    assert "DeprecationWarning: old" in imports_nothing_heavy(sabotaged)


def test_a_factory_that_raises_is_noticed(sabotaged: Path) -> None:
    replace(sabotaged, "_entry_points.py", "    try:\n", "    sys.modules['nope']\n    try:\n")
    assert "KeyError" in imports_nothing_heavy(sabotaged)


def test_a_heavy_plugin_is_noticed_in_a_strangers_tests(sabotaged: Path, project: Path) -> None:
    replace(sabotaged, "pytest_plugin.py", FUTURE, f"{FUTURE}import numpy\n")
    assert "1 failed" in leaves_strangers_alone(sabotaged, project)


def test_an_entry_point_without_its_target_is_noticed(sabotaged: Path) -> None:
    replace(sabotaged, "cli/main.py", "def main(", "def man(")
    assert "cannot import name 'main'" in entry_points_load(sabotaged)


def test_a_factory_that_was_renamed_is_noticed(sabotaged: Path) -> None:
    replace(sabotaged, "_entry_points.py", "def callbacks(", "def callback(")
    assert "has no attribute 'callbacks'" in entry_points_load(sabotaged)


def test_a_public_name_without_a_home_is_noticed(sabotaged: Path) -> None:
    replace(sabotaged, "__init__.py", '        "RunRecord": ".records",\n', "")
    assert "has no attribute 'RunRecord'" in all_names_resolve(sabotaged)


def test_a_public_name_in_the_wrong_home_is_noticed(sabotaged: Path) -> None:
    replace(sabotaged, "__init__.py", '"RunRecord": ".records"', '"RunRecord": ".errors"')
    assert "has no attribute 'RunRecord'" in all_names_resolve(sabotaged)
