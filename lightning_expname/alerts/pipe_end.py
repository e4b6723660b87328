"""The ends of the watchdog's pipes, in a program that may close what it has not opened.

To become a daemon, it closes all file descriptors (`os.closerange`), and their numbers then go to
files of its own. A Python file object would write into those, and close them at last.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Final

_FIRST: Final = 3  # below it are stdin, stdout and stderr


class PipeEnd:
    """One end of a pipe, which is closed when nobody uses it any more.

    Args:
        number: its file descriptor; what it stands for later is no concern of ours.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._file = _file_at(number)

    def write(self, data: bytes) -> int:
        """How many bytes the pipe took; 0 if it is full, and does not block.

        Raises:
            OSError: it is broken, or closed.
        """
        self._check()
        with contextlib.suppress(BlockingIOError):
            return os.write(self.number, data)
        return 0

    def read(self) -> bytes:
        """What is in the pipe, once there is something; empty at its end.

        Raises:
            OSError: it is closed.
        """
        self._check()
        return os.read(self.number, 4096)

    def close(self) -> None:
        """Closes it, if it is still there."""
        with contextlib.suppress(OSError):
            self._check()
            os.close(self.number)
        self.number = -1

    __del__ = close

    def _check(self) -> None:
        if _file_at(self.number) != self._file:
            raise OSError(errno.EBADF, "the program has closed the watchdog's pipe")


def _file_at(number: int) -> tuple[int, int, int]:
    found = os.fstat(number)
    return found.st_dev, found.st_ino, stat.S_IFMT(found.st_mode)


def pipe() -> tuple[PipeEnd, PipeEnd]:
    """An end to read and one to write, which no program that is started inherits.

    Raises:
        OSError: too many files are open.
    """
    reading, writing = os.pipe()
    return PipeEnd(_lifted(reading)), PipeEnd(_lifted(writing))


def _lifted(number: int) -> int:
    """Where stdin, stdout and stderr are closed, native code still writes to their numbers."""
    if number >= _FIRST:
        return number
    from fcntl import F_DUPFD_CLOEXEC, fcntl  # here: Windows has none

    try:
        return fcntl(number, F_DUPFD_CLOEXEC, _FIRST)
    finally:
        os.close(number)
