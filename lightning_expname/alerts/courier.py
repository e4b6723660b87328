"""`Courier`: brings messages to channels from threads of its own, and never raises.

It works in the process that trains (for the user's own channels) and in the watchdog (for Slack).
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from .message import Message
from .ranks import Place, wins
from .senders import Probing, Sender, UnavailableError

RETRY_AFTER_MAX: Final = 30.0
"""Seconds: how long a channel that says "later" is left alone at most."""

PATIENCE: Final = 600.0
"""Seconds after which a message that nobody takes is given up."""

_BACK_OFF: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

Trouble = Callable[[str], None]
"""Told in one line what could not be done, and what to do."""


class Courier:
    """Takes messages at once, and delivers them in order, channel by channel.

    Args:
        senders: the channels; one that hangs does not hold up another.
        events: the outcomes that are told; all others are only claimed.
        trouble: told of what went wrong.
    """

    def __init__(self, senders: Sequence[Sender], events: Sequence[str], trouble: Trouble) -> None:
        self._lanes = [_Lane(sender, trouble) for sender in senders]
        self._events = {*events, "summary"}
        self._pending: list[threading.Thread] = []

    def submit(self, message: Message, place: Place, on_claim: Callable[[str], None]) -> None:
        """Tells the message, unless another rank tells of the same end.

        Args:
            message: what to say.
            place: which rank says it, and how it agrees with the others.
            on_claim: told the outcome that was agreed on, whoever speaks.
        """
        self._pending = [thread for thread in self._pending if thread.is_alive()]
        if place.speaks_alone(message) and not self._pending:
            on_claim(message.outcome)
            self._tell(message)
            return
        earlier = list(self._pending)
        thread = in_background(
            lambda: self._agree(message, place, on_claim, earlier), "expname-claim"
        )
        if thread is None:
            self._agree(message, place, on_claim, earlier)
        else:
            self._pending.append(thread)

    def _agree(
        self,
        message: Message,
        place: Place,
        on_claim: Callable[[str], None],
        earlier: Sequence[threading.Thread],
    ) -> None:
        alone = place.speaks_alone(message)
        won, outcome = (True, message.outcome) if alone else wins(message, place)
        on_claim(outcome)
        for thread in earlier:  # what was said before is told before
            thread.join()
        if won:
            self._tell(message)

    def _tell(self, message: Message) -> None:
        if message.outcome in self._events:
            for lane in self._lanes:
                lane.put(message)

    def open(self) -> None:
        """Starts the channels' threads, which the end of the program could not do any more."""
        for lane in self._lanes:
            lane.open()

    def probe(self) -> None:
        """Asks each channel, in the background, whether it is set up well."""
        for lane in self._lanes:
            lane.put(None)

    def abandon(self) -> None:
        """Gives up what is undelivered; nothing is taken any more."""
        for lane in self._lanes:
            lane.abandon()

    def drain(self, seconds: float) -> bool:
        """Waits until everything is delivered or given up; False when time ran out."""
        end = time.monotonic() + seconds
        for thread in self._pending:
            thread.join(max(0.0, end - time.monotonic()))
        is_agreed = not any(thread.is_alive() for thread in self._pending)
        return is_agreed and all(lane.drain(end) for lane in self._lanes)


class _Lane:
    """One channel, its queue and its thread, which starts with the first message at the latest."""

    def __init__(self, sender: Sender, trouble: Trouble) -> None:
        self._sender = sender
        self._trouble = trouble
        self._queue: queue.Queue[Message | None] = queue.Queue()
        self._idle = threading.Event()
        self._given_up = threading.Event()
        self._lock = threading.Lock()
        self._open = 0
        self._thread: threading.Thread | None = None
        self._idle.set()

    def open(self) -> bool:
        with self._lock:
            self._thread = self._thread or in_background(self._work, "expname-alerts")
            return self._thread is not None

    def put(self, message: Message | None) -> None:
        if not self.open():
            self._try(message, patience=0.0)  # once: the program waits for it
            return
        with self._lock:
            self._open += 1
            self._idle.clear()
            self._queue.put(message)

    def abandon(self) -> None:
        self._given_up.set()
        self._queue.put(None)  # it may be waiting for one

    def drain(self, end: float) -> bool:
        return self._idle.wait(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while not self._given_up.is_set():
            self._try(self._queue.get(), patience=PATIENCE)
            with self._lock:
                self._open -= 1
                if self._open == 0:
                    self._idle.set()

    def _try(self, message: Message | None, *, patience: float) -> None:
        try:
            self._deliver(message, patience)
        except BaseException as error:  # the thread must live on: a sender is anybody's code
            with contextlib.suppress(Exception):  # its errors are, too
                self._complain(error)

    def _deliver(self, message: Message | None, patience: float) -> None:
        if message is None:
            if not self._given_up.is_set() and isinstance(self._sender, Probing):
                self._sender.probe()
            return
        end = time.monotonic() + patience
        attempt = 0
        while True:
            try:
                self._sender.send(message)
                return
            except UnavailableError as error:
                pause = _pause(attempt, error.retry_after)
                if time.monotonic() + pause > end:
                    raise
            if self._given_up.wait(pause):
                return
            attempt += 1

    def _complain(self, error: BaseException) -> None:
        what = type(self._sender).__name__
        later = "; alerts are tried again" if isinstance(error, UnavailableError) else ""
        said = str(error) if isinstance(error, Exception) else repr(error)
        self._trouble(f"{what}: {said}{later}")


def in_background(work: Callable[[], object], name: str) -> threading.Thread | None:
    """A daemon thread at work; None where the interpreter is about to end.

    From Python 3.12 on no thread can be started there, `atexit` included; before, one would be
    waited for that never runs, where the last objects are destroyed.
    """
    if sys.is_finalizing():
        return None
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread


def _pause(attempt: int, asked: float | None) -> float:
    """Seconds until the next attempt: longer each time, or what the channel asks, within limits."""
    own = _BACK_OFF[min(attempt, len(_BACK_OFF) - 1)]
    return min(max(own, asked or 0.0), RETRY_AFTER_MAX)
