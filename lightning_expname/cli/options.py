"""Options that several verbs have, and what they say of a run's status."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..records import RunRecord, is_alive


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


def status_of(record: RunRecord) -> str:
    """The status; a run whose process died without a word is told so."""
    if record.status == "running" and is_alive(record.process) is False:
        return "killed"
    return record.status
