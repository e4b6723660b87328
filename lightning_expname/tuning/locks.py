"""Locks that die with their process: a `kill -9` leaves none behind.

POSIX record locks (`fcntl.lockf`) belong to a process, are given back by the kernel when it ends
however it ends, are not inherited by forked children, and hold between the machines of an NFS.
"""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_threads: Final[dict[str, threading.RLock]] = {}  # record locks do not part a process's threads
_held: Final[dict[str, int]] = {}
_alive: Final[set[str]] = set()  # the workers of this process; asking would give up their locks


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
            _lock(file)
            _held[key] = os.getpid()
            try:
                yield
            finally:
                del _held[key]


def _lock(file: IO[str]) -> None:
    if fcntl is not None:
        fcntl.lockf(file, fcntl.LOCK_EX)


def new_worker() -> str:
    """An id that no other worker has."""
    return f"{os.getpid()}-{uuid.uuid4().hex[:12]}"


class Worker:
    """This process's sign of life: a locked file, unlocked by the kernel when the process ends."""

    def __init__(self, home: Path, id: str | None = None) -> None:
        self.id = id or new_worker()
        home.mkdir(parents=True, exist_ok=True)
        self._path = home / f"worker-{self.id}"
        self._file = self._path.open("a")
        _lock(self._file)
        _alive.add(self.id)

    def close(self) -> None:
        """Ends the sign of life."""
        self._path.unlink(missing_ok=True)
        self._file.close()
        _alive.discard(self.id)


def is_alive(home: Path, worker: str) -> bool:
    """Whether a worker's process lives; True where the system has no such locks."""
    path = home / f"worker-{worker}"
    if worker in _alive or fcntl is None:
        return True
    try:
        with path.open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except OSError:  # held
        return True


def sweep(home: Path) -> None:
    """Removes the signs of workers that are dead."""
    for path in home.glob("worker-*"):
        if not is_alive(home, path.name.removeprefix("worker-")):
            path.unlink(missing_ok=True)
