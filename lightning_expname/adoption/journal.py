"""The journal of renames: written before each move, so that each can be taken back.

`.expname-renames.jsonl` in the root, one JSON object a line: a `run` with what its record said of
its files, then its `move`s, then its `done`. It is no cache: without it nothing can be undone.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..errors import RecordError
from ..records.location import check_inside

FILE: Final = ".expname-renames.jsonl"
_VERSION: Final = 1


@dataclass
class Renaming:
    """One run's part of the journal.

    Attributes:
        run: `record`, and the `places`, `best` and `last` that it had.
        moves: `from` and `to`, relative to the root; `link` of a symbolic link; `mtime`, `size`.
        done: whether it came to its end.
    """

    run: dict[str, Any]
    moves: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False

    def entries(self) -> list[dict[str, Any]]:
        """As lines of the journal."""
        return [self.run, *self.moves, *([{"done": True}] if self.done else [])]


class Journal:
    """The journal of one root."""

    def __init__(self, root: Path) -> None:
        self.path = root / FILE

    def add(self, **entry: Any) -> None:
        """Writes a line; it is on disk before this returns."""
        with self.path.open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(_line(entry))
            file.flush()
            os.fsync(file.fileno())

    def renamings(self) -> list[Renaming]:
        """What was renamed and not taken back, the oldest first.

        Raises:
            RecordError: it is no journal of ours, or leads out of the root.
        """
        found: list[Renaming] = []
        for entry in self._entries():
            if "record" in entry:
                found.append(Renaming(entry))
            elif "to" in entry and found:
                found[-1].moves.append(entry)
            elif "done" in entry and found:
                found[-1].done = True
        return found

    def keep(self, renamings: Iterable[Renaming]) -> None:
        """Replaces it by what is left; removes it when nothing is."""
        lines = [_line(entry) for one in renamings for entry in one.entries()]
        if not lines:
            self.path.unlink(missing_ok=True)
            return
        staged = self.path.with_name(f".{uuid.uuid4().hex}.tmp")
        staged.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
        os.replace(staged, self.path)

    def _entries(self) -> list[dict[str, Any]]:
        if not self.path.is_file():
            return []
        text = self.path.read_text(encoding="utf-8", errors="surrogateescape")
        lines = text.split("\n")[:-1]  # a line without its end was torn: its move never began
        return [self._checked(line) for line in lines]

    def _checked(self, line: str) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            raise RecordError(f"{self.path}: not a journal of renames: {line[:60]!r}")
        if entry.get("version", _VERSION) != _VERSION:
            raise RecordError(f"{self.path}: of another version; upgrade lightning_expname")
        paths = [str(entry.get(key, "")) for key in ("record", "from", "to")]
        check_inside(paths, self.path)
        if any(os.path.isabs(path) for path in paths):
            raise RecordError(f"{self.path}: it leads out of its root: {line[:60]!r}")
        return entry


def _line(entry: dict[str, Any]) -> str:
    return json.dumps({"version": _VERSION, **entry}, ensure_ascii=False) + "\n"
