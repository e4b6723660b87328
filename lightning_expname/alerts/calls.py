"""Where a Trainer is in its calls: what no hook says, its stack does.

By the names of Lightning's functions, seen in 2.2 to 2.6.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

from .outcome import is_of_another_process

_CALLS: Final = {"_run": "self", "_interrupt": "trainer"}
"""A call under way, and what tells callbacks of its exception: what they name the Trainer."""


def calls_under_way(trainer: Any) -> int:
    """How many calls of this Trainer (`fit`, `test`...) this thread is within.

    Its status says less: a callback may test with it while it fits, or while it tells of a failure.
    """
    names = ((frame, _CALLS.get(frame.f_code.co_name)) for frame in _stack())
    return sum(name is not None and frame.f_locals.get(name) is trainer for frame, name in names)


def _stack() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_search() -> bool:
    """Whether a search for a rate or a batch size is over, which leaves `fit` before its start.

    The Trainer takes the mode down while it handles that.
    """
    return type(sys.exc_info()[1]).__name__ == "_TunerExitException"


def is_of_teardown(exception: BaseException) -> bool:
    """Whether it came of somebody's `teardown`, which may follow ours."""
    frames = traceback.walk_tb(exception.__traceback__)
    return any(frame.f_code.co_name == "_call_teardown_hook" for frame, _ in frames)


def is_launchers_own(trainer: Any, exception: BaseException) -> bool:
    """Whether it ended the process that starts ranks (`ddp_spawn`, `ddp_fork`), and none of them.

    There were no ranks then, or there are none any more: none of them tells of it.
    """
    launcher = type(trainer.strategy.launcher).__name__
    is_failure = isinstance(exception, Exception) and not is_of_another_process(exception)
    return launcher == "_MultiProcessingLauncher" and is_failure
