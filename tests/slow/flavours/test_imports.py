"""No module of the package loads the flavour that it is not for."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_flavours import BOTH, run

PACKAGES = {
    "lightning.pytorch": ("lightning",),
    "pytorch_lightning": ("pytorch_lightning", "lightning_fabric"),
}
ONLY = {  # the modules that subclass Lightning's classes, or run one flavour's programs
    "lightning.pytorch": (
        *("alerting", "callbacks", "checkpoint", "lightning_cli", "logger"),
        "tuning.lightning_pruning",
    ),
    "pytorch_lightning": ("pytorch_lightning", "pytorch_lightning.lightning_cli"),
}
IMPORTING = """
import importlib, pkgutil, sys
import lightning_expname

sys.modules.update(dict.fromkeys({refused!r}))
mine = set({mine!r})
found = pkgutil.walk_packages(lightning_expname.__path__, "lightning_expname.")
names = [one.name for one in found]
assert mine < set(names), sorted(mine - set(names))
for name in names:
    if name not in {others!r} and not name.endswith("__main__") and "._hydra." not in name:
        importlib.import_module(name)
print(len(names))
"""


def names(flavour: str) -> list[str]:
    return [f"lightning_expname.{name}" for name in ONLY[flavour]]


def importing(flavour: str, mine: list[str], others: list[str], root: Path) -> str:
    """What is said of an import of all modules but `others`, where the other flavour is refused."""
    (refused,) = PACKAGES.keys() - {flavour}
    program = IMPORTING.format(refused=PACKAGES[refused], mine=mine, others=others)
    ended = run(program, root)
    return ended.stderr if ended.returncode else ""


@pytest.mark.parametrize("flavour", BOTH)
def test_every_module_of_a_flavour_does_without_the_other(flavour: str, expname_root: Path) -> None:
    (other,) = BOTH.keys() - {flavour}
    assert importing(flavour, names(flavour), names(other), expname_root) == ""


@pytest.mark.parametrize("flavour", BOTH)
def test_a_module_that_loads_the_other_is_noticed(flavour: str, expname_root: Path) -> None:
    (other,) = BOTH.keys() - {flavour}
    said = importing(flavour, names(flavour), names(other)[1:], expname_root)
    last = said.strip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: ") and other in last


def test_public_names_of_both_are_apart() -> None:
    import lightning_expname
    import lightning_expname.pytorch_lightning as ours

    for name in set(ours.__all__) - {"tune"}:
        here, there = getattr(ours, name), getattr(lightning_expname, name)
        assert here is not there and here.__name__ == there.__name__ == name
        assert {here.flavour, there.flavour} == set(BOTH)
