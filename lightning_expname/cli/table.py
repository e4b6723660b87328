"""Tables for people: rich where it is installed and somebody looks, plain columns elsewhere."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from importlib.util import find_spec

from .text import printable


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints rows below their columns' titles; on a terminal long texts are folded to its width."""
    titles, *safe = [[printable(cell) for cell in row] for row in (columns, *rows)]
    if sys.stdout.isatty() and find_spec("rich") is not None:
        _rich(titles, safe)
    else:
        print(plain_table(titles, safe))


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart, nothing cut: for pipes, and terminals without rich.

    Example:
        >>> print(plain_table(["run", "score"], [["d8-bs64", "0.91"]]))
        run      score
        d8-bs64  0.91
    """
    lines = [list(columns), *map(list, rows)]
    widths = [max(_width(line[place]) for line in lines) for place in range(len(columns))]
    padded = (
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        )
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def _width(text: str) -> int:
    """Columns on a terminal: letters of Korean, Chinese and Japanese take two, accents none."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # Text: brackets in a name are no markup
    Console(highlight=False).print(table)
