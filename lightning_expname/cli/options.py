"""Options that several verbs have."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_root(parser: argparse.ArgumentParser) -> None:
    """`--root`, the directory that `checkpoints/` lies in."""
    parser.add_argument(
        "--root", type=_directory, default=Path(), help="where checkpoints/ lies (default: here)"
    )


def _directory(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no directory")
    return path
