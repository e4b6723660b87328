"""The rarer ends of a training; the others are in tests/runs/test_ends.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_ends import End, Read, agree


@pytest.mark.parametrize(
    "expected",
    [
        ("caught", 0, "failed", "ZeroDivisionError", 1),
        ("raises_after", 1, "failed", "RuntimeError", 1),
        ("ctrl_c", 1, "interrupted", "KeyboardInterrupt", 255),
        ("exits", 7, "interrupted", "SystemExit", 7),
        ("sigusr1", -10, "interrupted", "SIGUSR1", 138),
    ],
)
def test_record_and_wandb_agree(expname_root: Path, expname_recorded: Read, expected: End) -> None:
    agree(expname_root, expname_recorded, expected)
