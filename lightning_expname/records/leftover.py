"""Which of a run's checkpoints is the newest and the best, told from the files themselves.

A run that was killed between saving a file and noting it in its record, or whose `last` was
deleted, is asked here.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from .files import CheckpointFile
from .header import read_header


def newest(files: Sequence[CheckpointFile]) -> Path | None:
    """The whole file that was written last; None without one."""
    dated: list[tuple[int, int, Path]] = []
    for file in files:
        epoch = -1 if file.epoch is None else file.epoch
        with contextlib.suppress(OSError):  # deleted since it was listed
            dated.append((file.path.stat().st_mtime_ns, epoch, file.path))
    return next((path for _, _, path in sorted(dated, reverse=True) if _is_whole(path)), None)


def best(files: Sequence[CheckpointFile]) -> Path | None:
    """The best by what the newest file says of the monitored metric; None when it says nothing."""
    last = newest(files)
    told = None if last is None else best_told(read_header(last).callbacks)
    return next((file.path for file in files if file.path.name == told), None)


def best_told(callbacks: Mapping[str, Any]) -> str | None:
    """The name of the best file in the states of a checkpoint's callbacks.

    Lightning updates them before it saves (`ModelCheckpoint.state_dict`): they include the file
    that they lie in. The callback with a metric counts more than one without.
    """
    states = [one for one in callbacks.values() if isinstance(one, Mapping)]
    states = [one for one in states if one.get("best_model_path")]
    states.sort(key=lambda one: one.get("monitor") is None)
    return PurePath(str(states[0]["best_model_path"])).name if states else None


def _is_whole(path: Path) -> bool:
    """Whether a zip has its end; other formats, which are old or directories, are believed."""
    try:
        if path.is_dir():
            return True
        with path.open("rb") as file:
            start = file.read(4)
        return zipfile.is_zipfile(path) if start == b"PK\x03\x04" else True
    except OSError:
        return False
