"""How an end is called, and what is said of the exception that caused it."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Iterator
from typing import Final, Literal

Outcome = Literal["started", "finished", "failed", "interrupted", "killed", "pruned", "summary"]

EVENTS: Final = ("started", "finished", "failed", "interrupted", "killed", "pruned")
"""What a user may ask to be told of."""

_TOLD: Final = "__expname_told__"
_READ_MAX: Final = 60_000  # before secrets are removed: more than is told, so that none is cut

# What torch.multiprocessing raises in the process that started the ranks.
_OTHERS_ENDS: Final = ("ProcessRaisedException", "ProcessExitedException")

# What a rank says when another one is gone: gloo, NCCL and the rendezvous store.
_CONSEQUENCE: Final = re.compile(
    r"connection (closed|reset) by (remote )?peer|broken pipe|socket (timeout|closed)|recvvalue|"
    r"ncclRemoteError|NCCL communicator (was )?aborted|remote process (exited|has exited)|"
    r"collective operation timeout|heartbeat|failed to recv|peer closed|store.*(timed out|closed)",
    re.IGNORECASE,
)


def outcome_of(exception: BaseException) -> Literal["failed", "interrupted", "pruned"]:
    """What a mode's end is called when this exception ended it.

    `interrupted` is somebody's wish: Ctrl-C, `sys.exit`, and SIGTERM, which Lightning turns into
    a `SystemExit` whose exit code is 0.
    """
    if type(exception).__name__ == "TrialPruned":  # optuna's, which is no dependency here
        return "pruned"
    wished = isinstance(exception, (KeyboardInterrupt, SystemExit))
    return "interrupted" if wished else "failed"


def is_good_exit(exception: BaseException) -> bool:
    """Whether this is `sys.exit(0)`, with which command-line programs end well."""
    return type(exception) is SystemExit and exception.code in (None, 0, False)


def reason_of(exception: BaseException) -> str:
    """One line: the exception's type and message."""
    name = type(exception).__name__
    if name == "SIGTERMException":
        return "SIGTERM: stopped from outside, or preempted by the scheduler"
    if isinstance(exception, SystemExit):
        return f"sys.exit({exception.code!r})"
    try:
        said = str(exception)
    except Exception:  # a message may be a program of its own, and fail
        said = "(its message cannot be shown)"
    return f"{name}: {said[:_READ_MAX]}" if said else name


def traceback_of(exception: BaseException) -> str | None:
    """The end of the traceback; None where it says nothing, after Ctrl-C or `sys.exit`."""
    if outcome_of(exception) != "failed":
        return None
    try:
        lines = traceback.format_exception(type(exception), exception, exception.__traceback__)
    except Exception:
        return None
    return "".join(lines)[-_READ_MAX:]


def is_consequence(exception: BaseException) -> bool:
    """Whether a process only says that another one is gone ("connection closed by peer")."""
    return any(
        type(one).__name__ in _OTHERS_ENDS or _CONSEQUENCE.search(reason_of(one))
        for one in _chain(exception)
    )


def mark_told(exception: BaseException) -> None:
    """Remembers on the exception that its end has been told."""
    with contextlib.suppress(Exception):  # an exception with slots
        setattr(exception, _TOLD, True)


def is_told(exception: BaseException) -> bool:
    """Whether it, or what it was raised from, has been told.

    Lightning raises `SystemExit(1)` while it handles a KeyboardInterrupt.
    """
    return any(getattr(one, _TOLD, False) is True for one in _chain(exception))


def _chain(exception: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = exception
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
