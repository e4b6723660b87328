"""The public surface, the version and the callback factory."""

from __future__ import annotations

import ast
import sys
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

import pytest

import lightning_expname
from lightning_expname._entry_points import callbacks, pytorch_lightning_callbacks

FLAVOUR = "lightning_expname.shells.flavour"


def test_the_type_checker_and_python_see_the_same_names() -> None:
    tree = ast.parse(Path(lightning_expname.__file__).read_text(encoding="utf-8"))
    (fork,) = (node for node in tree.body if isinstance(node, ast.If))
    homes = {
        alias.name: f".{node.module}"
        for node in fork.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert vars(lightning_expname)["_HOMES"] == homes
    assert sorted(lightning_expname.__all__) == sorted(homes)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'lightning_expname' has no attribute 'ExpNameLoger'"):
        vars(lightning_expname)["__getattr__"]("ExpNameLoger")


def test_a_name_is_looked_up_once() -> None:
    assert lightning_expname.NamePolicy is vars(lightning_expname)["NamePolicy"]


def test_the_distribution_says_what_the_package_says() -> None:
    metadata = distribution("lightning-expname").metadata
    assert metadata["Version"] == lightning_expname.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Author-email"] is None
    assert {"all", "dev", "hydra", "ml", "slack", "test", "tune"} <= set(
        metadata.get_all("Provides-Extra", [])
    )


def test_the_package_is_typed() -> None:
    assert Path(lightning_expname.__file__).with_name("py.typed").is_file()


def test_without_the_loggers_module_there_are_no_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, FLAVOUR, raising=False)
    assert callbacks() == []


def broken(flavour: str) -> list[object]:
    raise RuntimeError("not our Trainer's fault")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lambda flavour: [flavour], ["lightning.pytorch"]),
        (lambda _: [], []),
        (lambda _: None, []),
        (broken, []),
        (None, []),
    ],
)
def test_the_factory_never_raises(
    monkeypatch: pytest.MonkeyPatch, found: object, expected: list[object]
) -> None:
    module = ModuleType(FLAVOUR)
    vars(module)["live_callbacks"] = found
    monkeypatch.setitem(sys.modules, FLAVOUR, module)
    assert callbacks() == expected


def test_each_flavour_asks_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(FLAVOUR)
    vars(module)["live_callbacks"] = lambda flavour: [flavour]
    monkeypatch.setitem(sys.modules, FLAVOUR, module)
    assert (callbacks(), pytorch_lightning_callbacks()) == (
        ["lightning.pytorch"],
        ["pytorch_lightning"],
    )


def test_a_half_imported_logger_has_no_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, FLAVOUR, ModuleType(FLAVOUR))
    assert callbacks() == []
