"""A Journal that no crash can damage: Optuna's file format, with a lock and a tail that heal.

Optuna's own file backend (seen in 3.6 to 5.0) appends after a torn line, left by a process that
was killed or by a full disk, and from then on refuses to read the file; and it waits 30 s for the
lock of a holder that was killed. This one cuts a torn line off before it appends: its writer died
before anybody could have been told of it. The format is the same, so that `optuna-dashboard` reads
the file; other programs must not write to it meanwhile.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..observer import warn_once
from .locks import locked


class HealingJournal:
    """One JSON record a line. Pickles, for spawned processes, as its path."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._lock = lock_home(self._path) / "append"
        self._next = (0, 0)  # a record's number, and the byte it starts at
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab"):
            pass

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The records from a number on; a torn last line is no record yet."""
        number, start = self._next if self._next[0] <= log_number_from else (0, 0)
        with self._path.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                start += len(line)
                record = self._record(line)
                if record is None:
                    continue
                number += 1
                self._next = (number, start)
                if number > log_number_from:
                    yield record

    def _record(self, line: bytes) -> dict[str, Any] | None:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            warn_once(f"{self._path}: a line is no record of a journal and is passed over")
            return None
        return record

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Adds records, on disk before this returns; all of them or, on a full disk, none."""
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with locked(self._lock), self._path.open("r+b") as file:
            end = _heal(file)
            try:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise

    def __reduce__(self) -> tuple[type[HealingJournal], tuple[Path]]:
        return type(self), (self._path,)


def lock_home(journal: Path) -> Path:
    """The hidden directory, beside a journal, of its locks."""
    return journal.parent / f".{journal.name}.locks"


def _heal(file: Any) -> int:
    """Cuts off a torn last line; gives the end of the file, at which it is now."""
    end: int = file.seek(0, os.SEEK_END)
    cut = end
    while cut and (block := min(cut, 65536)):
        file.seek(cut - block)
        found = file.read(block).rfind(b"\n")
        if found >= 0:
            cut += found + 1 - block
            break
        cut -= block
    if cut != end:
        file.truncate(cut)
    return int(file.seek(cut))


def open_journal(path: Path) -> Any:
    """Optuna's JournalStorage over a journal that heals."""
    from optuna.storages import JournalStorage

    return JournalStorage(HealingJournal(path))  # type: ignore[arg-type]  # two methods suffice
