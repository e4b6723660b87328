"""What must hold of the package in programs that never asked for it.

Each guard takes the directory that holds the package, runs in a process of its own, and returns
what it printed to say that something is wrong; empty when nothing is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "lightning", "wandb", "numpy")

# The copy that was asked for, not the one that is installed. It must not import it: too early.
_ORIGIN = """
import os
from importlib.util import find_spec
spec = find_spec("lightning_expname")
assert spec.origin.startswith(os.getcwd()), spec
"""

_IMPORT = f"""
import sys
sys.modules.update(dict.fromkeys({HEAVY!r}))
import lightning_expname
import lightning_expname.pytest_plugin
import lightning_expname._entry_points
points = lightning_expname._entry_points
found = points.callbacks() + points.pytorch_lightning_callbacks()
assert type(found) is list and not found, found
"""

_STRANGER = f"""
import sys
def test_of_somebody_else(request):
    assert request.config.pluginmanager.hasplugin("lightning_expname")
    assert "lightning_expname.pytest_plugin" in sys.modules
    assert not [name for name in {HEAVY!r} if name in sys.modules]
"""

_ENTRY_POINTS = """
from importlib.metadata import distribution
points = distribution("lightning-expname").entry_points
assert {point.group for point in points} == {
    "console_scripts", "lightning.pytorch.callbacks_factory", "pytest11",
    "pytorch_lightning.callbacks_factory"
}, points
for point in points:
    point.load()
"""

_ALL = """
import lightning_expname
names = lightning_expname.__all__
assert names and len(set(names)) == len(names), names
for name in names:
    getattr(lightning_expname, name)
missing = sorted(set(names) - set(dir(lightning_expname)))
assert not missing, missing
"""


def imports_nothing_heavy(home: Path) -> str:
    """Import, plugin and callback factory do without torch, lightning, wandb and numpy."""
    return _python(home, "-W", "error", "-c", _ORIGIN + _IMPORT)


def leaves_strangers_alone(home: Path, project: Path) -> str:
    """The plugin is loaded in another project's pytest run, and loads nothing heavy there."""
    (project / "test_stranger.py").write_text(_STRANGER, encoding="utf-8")
    return _python(home, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(project))


def entry_points_load(home: Path) -> str:
    """Every declared entry point can be loaded."""
    return _python(home, "-c", _ORIGIN + _ENTRY_POINTS)


def all_names_resolve(home: Path) -> str:
    """Every name of `__all__` is there."""
    return _python(home, "-c", _ORIGIN + _ALL)


def _python(home: Path, *arguments: str) -> str:
    """Runs Python where `home` comes first; its complaint, or nothing."""
    home = home.resolve()
    environment = {**os.environ, "PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONSAFEPATH", None)
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True)
    return f"{done.stdout}\n{done.stderr}" if done.returncode else ""
