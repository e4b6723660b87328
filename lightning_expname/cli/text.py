"""Text for a terminal: nothing that a value contains may steer it."""

from __future__ import annotations

from collections.abc import Iterable


def printable(text: str) -> str:
    """One line of text: control characters and line ends are shown as escapes.

    Example:
        >>> printable("a\\x1b[31mb")
        'a\\\\x1b[31mb'
    """
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def aligned(rows: Iterable[tuple[str, str]]) -> str:
    """Rows of a label and a text, the texts below each other."""
    pairs = [(printable(label), text) for label, text in rows]
    width = max((len(label) for label, _ in pairs), default=0)
    return "\n".join(f"{label:<{width}}  {printable(text)}" for label, text in pairs)
