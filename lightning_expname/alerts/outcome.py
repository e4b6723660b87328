"""How an end is called, and what is said of the exception that caused it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from typing import Final, Literal

Outcome = Literal["started", "finished", "failed", "interrupted", "killed", "pruned", "summary"]

EVENTS: Final = ("started", "finished", "failed", "interrupted", "killed", "pruned")
"""What a user may ask to be told of."""

_TOLD: Final = "__expname_told__"
_WISHES: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)
_CANCELLED: Final = ("CancelledError", "Cancelled")  # asyncio's, which is no light import; trio's
_COMMAND_LINES: Final = ("click", "typer")  # no dependencies here
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
    a `SystemExit` whose exit code is 0; a task that is cancelled, a generator that is closed;
    click's and typer's `Exit` and `Abort`.
    """
    if "TrialPruned" in _names(exception):  # optuna's, which is no dependency here
        return "pruned"
    of_command = _is_of_command_line(exception, "Exit", "Abort")
    wished = isinstance(exception, _WISHES) or _is_cancelled(exception) or of_command
    return "interrupted" if wished else "failed"


def _names(exception: BaseException) -> list[str]:
    """Its class and those above: users derive their own, and optuna takes them for its own."""
    return [kind.__name__ for kind in type(exception).__mro__]


def _is_cancelled(exception: BaseException) -> bool:
    """Ctrl-C in `asyncio.run` reaches the coroutine as this."""
    return not isinstance(exception, Exception) and type(exception).__name__ in _CANCELLED


def _is_of_command_line(exception: BaseException, *names: str) -> bool:
    """click's and typer's errors: `ctx.exit(0)` raises an `Exit`, which is a RuntimeError."""
    return any(
        kind.__name__ in names and str(kind.__module__).split(".")[0] in _COMMAND_LINES
        for kind in type(exception).__mro__
    )


def is_good_exit(exception: BaseException) -> bool:
    """Whether this is `sys.exit(0)`, or `ctx.exit(0)`: command-line programs end well with them."""
    if _is_of_command_line(exception, "Exit"):
        return _is_good_code(getattr(exception, "exit_code", None))
    return type(exception) is SystemExit and _is_good_code(exception.code)


def _is_good_code(code: object) -> bool:
    """Arrays, which have no truth, are printed, and are no success."""
    return code is None or (isinstance(code, int) and code == 0)


def reason_of(exception: BaseException) -> str:
    """One line: the exception's type and message."""
    name = type(exception).__name__
    if name == "SIGTERMException":
        return "SIGTERM: stopped from outside, or preempted by the scheduler"
    if isinstance(exception, SystemExit):
        return f"sys.exit({exception.code!r})"
    if _is_of_command_line(exception, "Exit"):
        return f"exit({getattr(exception, 'exit_code', '')!r})"
    if isinstance(exception, GeneratorExit):
        return "GeneratorExit: whoever used the generator did not go on to its end"
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


def is_consequence(exception: BaseException, world: int) -> bool:
    """Whether a process only says that another one is gone ("connection closed by peer").

    Args:
        exception: what it says.
        world: how many processes there are; one alone has no peers, but may have started ranks.
    """
    with contextlib.suppress(Exception):  # attributes may be programs of their own, and fail
        chain = list(_chain(exception, _before))
        started = any(map(is_of_another_process, chain))
        return started or (world > 1 and any(map(_misses_a_peer, chain)))
    return False


def is_of_another_process(exception: BaseException) -> bool:
    """Whether the process that started the ranks raises it, as one of them has ended."""
    return type(exception).__name__ in _OTHERS_ENDS


def _misses_a_peer(exception: BaseException) -> bool:
    """Sockets and torch.distributed raise these types; a `KeyError: 'heartbeat'` is a failure."""
    is_from_outside = isinstance(exception, (RuntimeError, OSError, EOFError))
    return is_from_outside and bool(_CONSEQUENCE.search(reason_of(exception)))


def mark_told(exception: BaseException, audience: str, wholes: Collection[str]) -> None:
    """Remembers on the exception to whom its end has been told, and what that was a part of.

    Args:
        exception: what ended a mode.
        audience: who was told.
        wholes: the keys of the modes around it, of which the same need not be told.
    """
    with contextlib.suppress(Exception):  # an exception with slots
        told: frozenset[tuple[str, int, str]] = getattr(exception, _TOLD, frozenset())
        more = {(audience, os.getpid(), key) for key in ("", *wholes)}
        setattr(exception, _TOLD, told | more)


def is_told(exception: BaseException, audience: str, key: str) -> bool:
    """Whether this audience has been told that a part of this mode ended by it or by its cause.

    What comes from another process ended a part. What goes wrong while another failure is handled
    is news. To leave is not: Lightning raises `SystemExit(1)` while it handles a KeyboardInterrupt.
    """
    with contextlib.suppress(Exception):  # attributes may be programs of their own, and fail
        told = [one for link in _chain(exception, _cause) for one in getattr(link, _TOLD, ())]
        mine = os.getpid()
        return any(who == audience and (pid != mine or of == key) for who, pid, of in told)
    return False


def uncaught() -> BaseException | None:
    """The exception that nobody caught and that ends the program, once it has been printed."""
    exception: BaseException | None = getattr(sys, "last_value", None)
    return None if hasattr(sys, "ps1") else exception  # at a prompt it may be long past


def _before(exception: BaseException) -> BaseException | None:
    return exception.__cause__ or exception.__context__


def _cause(exception: BaseException) -> BaseException | None:
    is_leaving = isinstance(exception, (SystemExit, KeyboardInterrupt))
    is_leaving = is_leaving or _is_of_command_line(exception, "Exit", "Abort")
    return exception.__cause__ or (exception.__context__ if is_leaving else None)


def _chain(
    exception: BaseException, earlier: Callable[[BaseException], BaseException | None]
) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = exception
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = earlier(one)
