"""Where records lie below a root, and which folders changed since they were last looked at.

A folder's modification time changes whenever a file in it is created, replaced or deleted, and
records are only ever replaced as a whole: an unchanged folder need not be listed again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Final

HOMES: Final = ("checkpoints", "save_model", "hparams")
"""The folders below a root that hold records; where none is there, the root itself is one."""

SUFFIX: Final = ".json"


@dataclass(frozen=True)
class Listing:
    """What one folder holds.

    Attributes:
        path: relative to the root, POSIX; "." for the root.
        mtime: nanoseconds, from before it was listed.
        files: JSON file's name to (mtime, size, inode).
        folders: names of the folders in it that may hold records.
    """

    path: str
    mtime: int
    files: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


def homes(root: Path) -> tuple[str, ...]:
    """Where the search begins, relative to the root."""
    found = tuple(name for name in HOMES if (root / name).is_dir())
    return found or (".",)


def list_folder(root: Path, path: str) -> Listing | None:
    """The folder's content; None when it cannot be read or is gone.

    The folder `{stem}` beside a record `{stem}.json` holds that run's files, and no records.
    """
    where = root / path
    try:
        mtime = where.stat().st_mtime_ns
        with os.scandir(where) as entries:
            kept = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return None
    files = dict(_files(kept))
    folders = (one.name for one in kept if one.is_dir(follow_symlinks=False))
    return Listing(
        path, mtime, files, tuple(sorted(name for name in folders if name + SUFFIX not in files))
    )


def _files(entries: list[os.DirEntry[str]]) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for entry in entries:
        if entry.name.endswith(SUFFIX):
            with contextlib.suppress(OSError):  # gone since it was listed
                stat = entry.stat()
                if S_ISREG(stat.st_mode):  # whoever opens a pipe waits for ever
                    yield entry.name, (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def mtime_of(root: Path, path: str) -> int | None:
    """A folder's modification time in nanoseconds; None when it is gone."""
    try:
        return os.stat(f"{root}/{path}").st_mtime_ns
    except OSError:
        return None


def walk(root: Path, start: tuple[str, ...] | None = None) -> Iterator[Listing]:
    """Every folder that may hold records, the outer before the inner."""
    waiting = list(homes(root) if start is None else start)
    while waiting:
        listing = list_folder(root, waiting.pop())
        if listing is not None:
            yield listing
            waiting += [inner(listing.path, name) for name in reversed(listing.folders)]


def inner(path: str, name: str) -> str:
    """The path of a folder's entry."""
    return name if path == "." else f"{path}/{name}"
