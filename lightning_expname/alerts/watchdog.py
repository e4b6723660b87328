"""The training's end of the watchdog: starting it, telling it, and taking leave of it."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from .pipe_end import PipeEnd, pipe
from .protocol import Lines, line

_PACKAGE: Final = __name__.split(".")[0]
_WRITE_SECONDS: Final = 1.0

# Its own standard library comes first, without the working directory: the training may have put a
# folder of its own before that, once it had imported what a module there would have hidden.
_PROGRAM: Final = (
    "import sys; sys.path[:] = dict.fromkeys([*filter(None, sys.path), *sys.argv[2:]]);"
    f" from {_PACKAGE}.alerts.watchdog_process import main; main()"
)
_HIDDEN: Final = ("token", "secret", "password", "passwd", "api_key", "apikey", "webhook")

Answer = Callable[[dict[str, Any]], None]


def is_supported() -> bool:
    """Whether this system has what the watchdog needs: pipes to select on, and parents."""
    is_python = bool(sys.executable) and not getattr(sys, "frozen", False)  # a bundled app is not
    return sys.platform != "win32" and is_python


class Watchdog:
    """A running watchdog process, which belongs to the process that started it.

    Args:
        on_answer: called, in a thread, with what it says back.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, on_answer: Answer) -> None:
        # Its own session: it survives the terminal and Ctrl-C. No output: whoever reads the
        # training's output to the end would wait for it.
        inlet, self._pipe = pipe()
        answers, outlet = pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", _PROGRAM, str(os.getpid()), *_import_path()],
            stdin=inlet.number,
            stdout=outlet.number,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=os.path.abspath(os.sep),
            env=_environment(os.environ),
        )
        inlet.close()
        outlet.close()
        os.set_blocking(self._pipe.number, False)
        self._is_gone = threading.Event()
        self._listener = threading.Thread(
            target=self._listen,
            args=(answers, on_answer),
            name="expname-watchdog",
            daemon=True,
        )
        self._listener.start()

    @property
    def pid(self) -> int:
        """The watchdog's process id."""
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        """Whether it has said its last words."""
        return self._is_gone.is_set()

    def tell(self, **data: Any) -> bool:
        """Writes one line; False if the watchdog is gone, or does not listen."""
        rest = line(**data)
        end = time.monotonic() + _WRITE_SECONDS
        while rest:
            try:
                rest = rest[self._pipe.write(rest) :]
            except OSError:
                return False
            if rest and not _is_ready(self._pipe, end):
                self._process.kill()  # half a line was written: what it would say is not true
                return False
        return True

    def part(self) -> None:
        """Says that nothing more will come; it ends, when it has delivered what it has."""
        self.tell(op="leave")  # a forked child may hold the pipe open
        self._pipe.close()

    def kill(self) -> None:
        """Ends it at once, with what it has not delivered."""
        self._process.kill()
        self._pipe.close()
        self._process.wait()
        self._listener.join(1.0)

    def has_ended(self, seconds: float = 0.0) -> bool:
        """Whether it has delivered everything, waiting for it at most so long."""
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        self._is_gone.wait(1.0)  # its last words
        return True

    def _listen(self, answers: PipeEnd, on_answer: Answer) -> None:
        lines = Lines()
        with contextlib.suppress(OSError, ValueError):
            while piece := answers.read():
                for data in lines.feed(piece):
                    on_answer(data)
        answers.close()
        self._is_gone.set()
        on_answer({"gone": True})


def _is_ready(end: PipeEnd, until: float) -> bool:
    seconds = until - time.monotonic()
    poll = select.poll()  # `select` knows no file beyond the 1024th
    poll.register(end.number, select.POLLOUT)
    return seconds > 0 and bool(poll.poll(seconds * 1000))


def _import_path() -> list[str]:
    """Where this very package is, and what else this process imports from, such as slack-sdk."""
    own = str(Path(__file__).parents[2])
    others = (path for path in sys.path if isinstance(path, str))  # imports skip what is none, too
    return list(dict.fromkeys(map(os.path.abspath, [own, *others])))


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Without secrets: it needs none of them, and it outlives the training.

    And without what would come before its standard library; it is told its import path.
    """
    return {
        key: value
        for key, value in variables.items()
        if key != "PYTHONPATH" and not any(word in key.lower() for word in _HIDDEN)
    }
