"""Tables for people, as CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a new file.

    Raises:
        OSError: the disk refuses.
    """
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(shown(columns))
        writer.writerows(map(shown, rows))


def table_row(values: Iterable[Any]) -> str:
    """One row as text, its end included."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(shown(values))
    return buffer.getvalue()


def shown(values: Iterable[Any]) -> list[Any]:
    """Values of a row; a text that a spreadsheet would run as a formula gets an apostrophe.

    As OWASP advises against CSV injection (https://owasp.org/www-community/attacks/CSV_Injection):
    names of columns, labels and datasets come from whoever made the data.

    >>> shown(["=SUM(A1)", "area", -1.5])
    ["'=SUM(A1)", 'area', -1.5]
    """
    return [
        f"'{one}" if isinstance(one, str) and one.startswith(_FORMULA) else one for one in values
    ]
