"""The versions at hand: a test that needs more than the oldest supported ones says which."""

from __future__ import annotations

from importlib.metadata import version

from flavour import NAME
from packaging.version import Version

LIGHTNING = Version(version(NAME.partition(".")[0]))
WANDB = Version(version("wandb"))
