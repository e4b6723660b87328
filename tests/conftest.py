"""Nothing here but pytest's own plugin for testing plugins; ours comes by its entry point."""

from __future__ import annotations

pytest_plugins = ["pytester"]
