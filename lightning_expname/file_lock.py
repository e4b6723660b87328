"""A lock that dies with its process: a `kill -9` leaves none behind.

POSIX record locks (`fcntl.lockf`) belong to a process, are given back by the kernel when it ends
however it ends, are not inherited by forked children, and hold between the machines of an NFS.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_threads: Final[dict[str, threading.RLock]] = {}  # record locks do not part a process's threads
_held: Final[dict[str, int]] = {}


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits for the lock that the file stands for; a process may take it twice.

    Example:
        >>> with locked(home / "ask"):
        ...     trial = study.ask()
    """
    key = str(path.absolute())
    with _threads.setdefault(key, threading.RLock()):
        if _held.get(key) == os.getpid():
            yield  # closing a second file of it would give the lock up
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            hold(file)
            _held[key] = os.getpid()
            try:
                yield
            finally:
                del _held[key]


def hold(file: IO[str]) -> None:
    """Waits for the lock of an open file, which ends with the file or the process."""
    if fcntl is not None:
        fcntl.lockf(file, fcntl.LOCK_EX)
