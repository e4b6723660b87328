"""`result_reports/{project}-{mode}.csv`: one line a training or test, to be read by people."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..facts import Facts
from ..naming import place
from ..records import RunRecord
from .tables import shown, table_row

FOLDER: Final = "result_reports"


def append_report(
    root: Path, record: RunRecord, facts: Facts, metrics: Mapping[str, float], rows: int
) -> Path:
    """Adds a line, and the header to a new file.

    Lines of other metrics (another `scoring`) go to a file of their own, so that every file is
    one table. A line is appended in one write: two processes do not tear each other's.

    Raises:
        OSError: the disk refuses.
    """
    line = _line(record, facts, metrics, rows)
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    path = _file_for(root / FOLDER / f"{place(record.project)}-{record.mode}", shown(line))
    _append(path, table_row(line.values()), table_row(line))
    return path


def _line(
    record: RunRecord, facts: Facts, metrics: Mapping[str, float], rows: int
) -> dict[str, Any]:
    return {
        "created": record.created,
        "model": record.model,
        "dataset": record.dataset,
        "features": facts.fields.get("features"),
        "num_folds": facts.fields.get("num_folds"),
        "run": record.run,
        "id": record.id,
        "rows": rows,
        **metrics,
    }


def _file_for(stem: Path, columns: list[str]) -> Path:
    """The first file of this name that is new or has these columns."""
    ordinal = 1
    while True:
        tail = "" if ordinal == 1 else f"-r{ordinal}"
        path = stem.with_name(f"{stem.name}{tail}.csv")
        if not path.exists() or _header(path) in (columns, []):
            return path
        ordinal += 1


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file), [])


def _append(path: Path, line: str, header: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        is_new = os.fstat(descriptor).st_size == 0
        os.write(
            descriptor, ((header if is_new else "") + line).encode("utf-8", "backslashreplace")
        )
    finally:
        os.close(descriptor)
