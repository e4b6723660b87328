"""How a run ended, in the record's words and in W&B's exit code: the two always agree."""

from __future__ import annotations

import atexit
import os
import signal
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from .alerts.outcome import uncaught
from .records import RunRecord
from .records.record import Status

INTERRUPTED_CODE: Final = 255  # what W&B itself gives an interrupted run


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        status: the record's word.
        exit_code: what W&B is told; 0 is its "finished", everything else its "failed".
        ended_by: the exception's type or the signal's name; None for a normal end.
        preempted: whether the run is meant to go on later, on this machine or another.
    """

    status: Status
    exit_code: int
    ended_by: str | None = None
    preempted: bool = False


FINISHED: Final = Ending("finished", 0)
UNFINISHED: Final = Ending("interrupted", INTERRUPTED_CODE, "the end of the process")
REQUEUED: Final = Ending("interrupted", INTERRUPTED_CODE, "SLURM requeue", preempted=True)


_CODES: Final = {"running": 0, "finished": 0, "pruned": 0, "interrupted": INTERRUPTED_CODE}


def ending_from(status: Status) -> Ending:
    """The end that only a word is known of."""
    return Ending(status, _CODES.get(status, 1))


def ending_of(exception: BaseException) -> Ending:
    """What an exception makes of the run that it ends.

    Example:
        >>> ending_of(KeyboardInterrupt())
        Ending(status='interrupted', exit_code=255, ended_by='KeyboardInterrupt', preempted=False)
    """
    name = type(exception).__name__
    if name == "TrialPruned":  # optuna's, which is no dependency here
        return Ending("pruned", 0, name)
    if name == "SIGTERMException":  # Lightning's own SystemExit, whose code is None
        return by_signal(signal.SIGTERM)
    if isinstance(exception, SystemExit):
        return Ending("interrupted", _exit_code(exception.code), name)
    if isinstance(exception, KeyboardInterrupt):
        return Ending("interrupted", INTERRUPTED_CODE, name)
    return Ending("failed", 1, name)


def by_signal(number: int) -> Ending:
    """The end by a signal that asks for it: 128 and its number, as in a shell."""
    return Ending("interrupted", 128 + number, signal.Signals(number).name, preempted=True)


def _exit_code(code: Any) -> int:
    """Python's own reading of `sys.exit(code)`, but leaving before the end is never a success."""
    if isinstance(code, int) and code % 256:
        return code % 256
    return INTERRUPTED_CODE if code is None or code == 0 else 1


def at_process_end(record: RunRecord | None) -> Ending | None:
    """What the end of the process makes of a run that is still open; None: nothing new.

    A training that finished stays finished, unless an exception that nobody caught ended the
    program: W&B calls that run failed, and so must the record.
    """
    if exception := uncaught():
        return ending_of(exception)
    return UNFINISHED if record is not None and record.status == "running" else None


class Open(Protocol):
    """What can be told that the process ends."""

    def process_ends(self) -> None: ...


_open: weakref.WeakSet[Any] = weakref.WeakSet()


def tell_at_exit(one: Open) -> None:
    """Tells `one` when the process ends, before W&B hears of it (last registered, first told)."""
    _open.add(one)
    atexit.unregister(_tell)
    atexit.register(_tell)


def _tell() -> None:
    for one in list(_open):
        one.process_ends()


class SignalWatch:
    """Notes a signal that would end the process without a word, and then lets it.

    Lightning turns SIGTERM into an exception; SIGUSR1, which schedulers send ahead of a
    preemption, kills. A handler that somebody else set is left alone.
    """

    def __init__(self, told: Callable[[Ending], None]) -> None:
        self._told = told
        self._watches = False

    def start(self) -> None:
        """Watches from now on; does nothing outside the main thread and where the signal lacks."""
        if not hasattr(signal, "SIGUSR1") or not _in_main_thread():
            return
        if signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
            signal.signal(signal.SIGUSR1, self._heard)
            self._watches = True

    def stop(self) -> None:
        """Gives the signal back."""
        if self._watches and _in_main_thread():
            if signal.getsignal(signal.SIGUSR1) == self._heard:
                signal.signal(signal.SIGUSR1, signal.SIG_DFL)
            self._watches = False

    def _heard(self, number: int, _frame: Any) -> None:
        self.stop()
        try:
            self._told(by_signal(number))
        finally:
            os.kill(os.getpid(), number)


def _in_main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()
