"""A benchmark's figures: printed as they come, and kept for `run_all.py` where it asks for them."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

FILE = "EXPNAME_BENCH_ROWS"
"""The environment variable that names the file which figures are added to, one JSON a line."""


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: is measured, and of what.
        figure: the median of paired rounds, unless `note` says otherwise.
        unit: `x` for a ratio, else `ms`, `s`, `MB`, `/s`, `/h`.
        most, least: the goal, on one side; None where there is none.
        note: what it is held against, or how it was measured.
    """

    what: str
    figure: float
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        if self.most is not None:
            return self.figure <= self.most
        return None if self.least is None else self.figure >= self.least

    @property
    def said(self) -> str:
        """The figure with its unit: a ratio with three decimals, others with three digits."""
        if self.unit == "x":
            return f"x{self.figure:.3f}"
        decimals = 0 if abs(self.figure) >= 100 else 1 if abs(self.figure) >= 10 else 2
        return f"{self.figure:,.{decimals}f} {self.unit}".replace(",", " ")

    @property
    def goal(self) -> str:
        """The goal in words, and whether it is met."""
        if self.met is None:
            return ""
        sign, value = ("≤", self.most) if self.most is not None else ("≥", self.least)
        return f"{sign} {value:g}{'' if self.met else ' MISSED'}"


def tell(
    what: str,
    figure: float,
    unit: str,
    *,
    most: float | None = None,
    least: float | None = None,
    note: str = "",
) -> Row:
    """Prints a figure, and keeps it where `run_all.py` said."""
    row = Row(what, figure, unit, most, least, note)
    print(f"{row.what:58s} {row.said:>12s}   {row.goal:14s} {row.note}".rstrip(), flush=True)
    if FILE in os.environ:
        with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(row)) + "\n")
    return row


def sizes(**defaults: int) -> list[int]:
    """How many of what to measure, as the command line says; `--help` tells what may be said.

    Example:
        >>> rounds, steps = sizes(rounds=7, steps=2000)
    """
    about = sys.modules["__main__"].__doc__
    raw = argparse.RawDescriptionHelpFormatter
    reader = argparse.ArgumentParser(description=about, formatter_class=raw)
    for name, default in defaults.items():
        reader.add_argument(
            name, nargs="?", type=int, default=default, help=f"{default} if left out"
        )
    return [getattr(reader.parse_args(), name) for name in defaults]
