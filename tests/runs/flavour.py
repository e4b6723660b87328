"""What a user imports, of the flavour that `EXPNAME_FLAVOUR` names: the tests run under both."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

NAME = os.environ.get("EXPNAME_FLAVOUR", "lightning.pytorch")
OURS = {
    "lightning.pytorch": "lightning_expname",
    "pytorch_lightning": "lightning_expname.pytorch_lightning",
}[NAME]
_PLACES = (
    "callbacks",
    "loggers",
    "strategies",
    "tuner",
    "plugins",
    "plugins.environments",
    "profilers",
    "cli",
)
_PARTS = ("", *(f".{place}" for place in _PLACES))

import_module("lightning_expname.logger" if OURS == "lightning_expname" else OURS)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    for home in (OURS, "lightning_expname", *(NAME + part for part in _PARTS)):
        if hasattr(module := import_module(home), name):
            return getattr(module, name)
    raise AttributeError(f"neither ours nor {NAME} has {name!r}")
