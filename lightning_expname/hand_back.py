"""From a launched process back to the one that launched it: which run has begun there.

`ddp_spawn`, `ddp_fork` and `ddp_notebook` train in processes of their own and hand back weights
and metrics, but no logger: without a word, `test` after `fit` would be another run.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
import uuid
import weakref
from pathlib import Path
from typing import Any

from .errors import RecordError
from .records import RunRecord, read_record


def is_launched(trainer: Any) -> bool:
    """Whether this process was made by the Trainer's launcher and ends with the mode.

    `_MultiProcessingLauncher` is Lightning's name for it (seen in 2.2 to 2.6).
    """
    launcher = getattr(trainer.strategy, "launcher", None)
    is_of_processes = "MultiProcessing" in type(launcher).__name__
    return is_of_processes and multiprocessing.parent_process() is not None


class HandBack:
    """A note that a launched process leaves; both sides know its place beforehand."""

    def __init__(self) -> None:
        self._path = Path(tempfile.gettempdir()) / f"expname-{uuid.uuid4().hex}"
        weakref.finalize(self, _remove, self._path, os.getpid())

    def leave(self, record: RunRecord) -> None:
        """Notes where the record lies; nothing for a record that could not be written."""
        if record.path is None:
            return
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
            with os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(str(record.path))

    def take(self) -> RunRecord | None:
        """The record that was noted, as it is now. The note stays: other ranks read it too."""
        try:
            return read_record(self._path.read_text(encoding="utf-8"))
        except (OSError, RecordError):
            return None


def _remove(path: Path, owner: int) -> None:
    """A copy of the note that a launched process inherits is not its to remove."""
    if os.getpid() == owner:
        path.unlink(missing_ok=True)
