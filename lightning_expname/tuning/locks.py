"""Which workers of a study live: each holds a lock, which dies with its process."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Final

from ..file_lock import hold, locked

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Worker", "is_alive", "locked", "new_worker", "sweep"]

_alive: Final[set[str]] = set()  # the workers of this process; asking would give up their locks


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
        hold(self._file)
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
