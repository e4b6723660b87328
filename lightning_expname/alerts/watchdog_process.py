"""The watchdog: a small process that outlives the training by the time it takes to say so.

It delivers what the training tells it to Slack, so that the training never waits for the network.
When the training is gone without a word (SIGKILL, out of memory, a segfault, `os._exit`), it says
that, and notes it in the run's record. It imports nothing heavy, and everything at its start: when
the training is gone, the package's folder may be gone too, by an upgrade.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from ..records import read_record, write_record
from .courier import PATIENCE, Courier
from .message import Message
from .out_of_memory import killed_for_memory
from .protocol import Lines, SlackAccess, line
from .ranks import Place

POLL_SECONDS: Final = 0.25
_FLUSH_SECONDS: Final = 0.05
_NICENESS: Final = 5
_IGNORED: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP")


@dataclass
class _Open:
    """A mode under way: what is to be said if its process is killed now."""

    message: Message
    place: Place
    record: str | None
    outer: str | None


class Watchdog:
    """Reads what the training says until it ends, and then tells of what was left open."""

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._open: dict[str, _Open] = {}
        self._courier: Courier | None = None
        self._flush_number: int | None = None
        self._kills = 0
        self._may_leave = False
        self._out = threading.Lock()

    def run(self) -> None:
        """Returns when the training is gone and everything is told, or has been tried long enough.

        A forked child of the training may hold the pipe open: so the parent's end counts as well.
        """
        lines = Lines()
        os.set_blocking(0, False)
        gone = False
        while not (gone or self._may_leave):
            is_asked = self._flush_number is not None
            select.select([0], [], [], _FLUSH_SECONDS if is_asked else POLL_SECONDS)
            gone = os.getppid() != self._parent  # before reading: nothing is written after it
            while piece := _read():
                for data in lines.feed(piece):
                    self._hear(data)
            gone = gone or piece == b""
            self._answer_flush()
        self._tell_of_killed()
        if self._courier is not None:
            self._courier.drain(PATIENCE)

    def _hear(self, data: dict[str, Any]) -> None:
        with contextlib.suppress(KeyError, TypeError, ValueError):  # a newer or a broken speaker
            getattr(self, f"_{data.pop('op')}")(**data)

    def _configure(self, slack: dict[str, Any], events: list[str], threads: dict[str, str]) -> None:
        senders = SlackAccess(**slack).senders(threads, self._on_thread)
        self._courier = Courier(senders, events, self._on_trouble)
        if senders:
            _import_client()

    def _probe(self) -> None:
        if self._courier is not None:
            self._courier.probe()

    def _begin(
        self,
        key: str,
        message: dict[str, Any],
        place: dict[str, Any],
        record: str | None,
        outer: str | None,
        memory_kills: int,
    ) -> None:
        self._kills = memory_kills
        self._open[key] = _Open(Message.from_json(message), Place(**place), record, outer)

    _update = _begin

    def _say(self, message: dict[str, Any], place: dict[str, Any]) -> None:
        self._submit(Message.from_json(message), Place(**place), None)

    def _end(self, key: str, message: dict[str, Any] | None, place: dict[str, Any]) -> None:
        self._open.pop(key, None)
        if message is not None:
            self._say(message, place)

    def _flush(self, number: int) -> None:
        self._flush_number = number

    def _leave(self) -> None:
        self._may_leave = True

    def _answer_flush(self) -> None:
        number, courier = self._flush_number, self._courier
        if number is not None and (courier is None or courier.drain(0.0)):
            self._flush_number = None
            self._answer(flushed=number)

    def _submit(self, message: Message, place: Place, record: str | None) -> None:
        def note(outcome: str) -> None:
            if record is not None:
                _close_record(record, outcome)

        if self._courier is not None:
            self._courier.submit(message, place, note)
        else:
            note(message.outcome)

    def _tell_of_killed(self) -> None:
        """One message for one process: of the innermost mode, with what it was a part of."""
        if not self._open:
            return
        *others, last = self._open.values()
        outer = self._open.get(last.outer or "")
        message = last.message.replace(
            outcome="killed",
            seconds=time.time() - (last.message.began or time.time()),
            reason=_reason(self._parent, killed_for_memory(self._kills)),
            within=outer.message.part_of if outer else last.message.within,
            tally=outer.message.tally if outer else last.message.tally,
        )
        for one in others:
            if one.record is not None:
                _close_record(one.record, "killed")
        self._submit(_with_newest(message, last.record), last.place, last.record)

    def _on_trouble(self, what: str) -> None:
        self._answer(trouble=what)

    def _on_thread(self, key: str, stamp: str) -> None:
        self._answer(thread=key, stamp=stamp)

    def _answer(self, **data: str | int) -> None:
        with self._out, contextlib.suppress(OSError):  # nobody listens any more
            os.write(1, line(**data))


def _import_client() -> None:
    """80 ms, before a channel's thread imports it too: of two, one would see half of it."""
    with contextlib.suppress(Exception):  # whoever sends by it says what is amiss
        import_module("slack_sdk")


def _read() -> bytes | None:
    """What is in the pipe; None when there is nothing now, empty at its end."""
    try:
        return os.read(0, 65536)
    except BlockingIOError:
        return None


def _reason(pid: int, for_memory: bool) -> str:
    if for_memory:
        return f"process {pid} was killed, probably for memory: the kernel's OOM killer struck"
    return f"process {pid} ended without a word: killed, out of memory, a segfault or os._exit"


def _with_newest(message: Message, path: str | None) -> Message:
    """The checkpoint and score that the record knows: it is written at every save."""
    with contextlib.suppress(Exception):  # the record is no reason to say nothing
        record = read_record(path) if path is not None else None
        if record is not None and (saved := record.best or record.last):
            score = record.score if record.score is not None else message.score
            return message.replace(
                checkpoint=str(record.root / saved),
                score=score,
                monitor=record.monitor or message.monitor,
            )
    return message


def _close_record(path: str, outcome: str) -> None:
    """Notes the end in the run's record, if nobody else has; the record is no reason to fail."""
    with contextlib.suppress(Exception):
        record = read_record(path)
        if record.status == "running":
            now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
            write_record(record.replace(status=outcome, finished=now))


def main() -> None:
    """Entry of the process; its parent is the training, which comes first."""
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    Watchdog(int(sys.argv[1])).run()
