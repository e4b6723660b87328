"""The end of the process: what is undelivered is waited for, and what is open is told.

`atexit` runs when a program ends; a child of `multiprocessing` ends without it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
from typing import Final, Protocol

from .outcome import uncaught

DEADLINE: Final = 10.0
"""Seconds by which undelivered messages hold up the end of the process at most."""


class Holding(Protocol):
    """`Alerts`, as far as the end of the process knows it."""

    @property
    def pid(self) -> int:
        """The process in which it works."""

    def close(self, seconds: float = DEADLINE) -> bool:
        """Waits until everything is delivered, at most so long."""

    def end_open(self, exception: BaseException | None) -> None:
        """Tells how what is still open ends."""

    def abandon(self) -> None:
        """Drops what is open and undelivered."""


_ends: dict[int, float] = {}  # by process, as a forked child has its parent's
_unfinished: dict[Holding, int] = {}  # held until delivered: a message may outlive its `Alerts()`


def hold(alerts: Holding) -> None:
    """Lets the end of this process wait for it; a forked child has its parent's list."""
    if _unfinished.get(alerts) != os.getpid():
        _unfinished[alerts] = os.getpid()
        _close_with_child(alerts)


def unfinished() -> set[Holding]:
    """Those that the end of this process would wait for."""
    return {alerts for alerts in list(_unfinished) if alerts.pid == os.getpid()}


def release(alerts: Holding) -> None:
    """Everything is delivered."""
    _unfinished.pop(alerts, None)


def _close_with_child(alerts: Holding) -> None:
    """`ddp_spawn` and `ddp_fork` train in children of `multiprocessing`.

    Their exceptions reach no hook there: the child reports them to its parent and exits.
    """
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _close_child, args=(alerts,), exitpriority=100)


def _close_child(alerts: Holding) -> None:
    """Runs while the exception that ends the child is on its way, as `sys.exit(1)` at last."""
    exception = sys.exc_info()[1]
    if isinstance(exception, SystemExit) and exception.__context__ is not None:
        exception = exception.__context__
    _seconds_left()  # they begin now
    with contextlib.suppress(Exception):
        if alerts.pid == os.getpid():
            alerts.end_open(exception)
            alerts.close(_seconds_left())


def _seconds_left() -> float:
    """Of the one deadline of this process, which begins when this is asked first.

    The end of a child of `multiprocessing` may come by both ways.
    """
    end = _ends.setdefault(os.getpid(), time.monotonic() + DEADLINE)
    return max(0.0, end - time.monotonic())


@atexit.register
def _close_at_exit() -> None:
    """One deadline for all of them together.

    A mode may be open still: its thread was a daemon, or somebody's own callback failed before it
    was told of the exception.
    """
    _seconds_left()  # they begin now
    ours = [alerts for alerts in list(_unfinished) if alerts.pid == os.getpid()]
    for alerts in ours:
        with contextlib.suppress(Exception):
            alerts.end_open(uncaught())
    for alerts in ours:
        with contextlib.suppress(Exception):
            alerts.close(_seconds_left())
