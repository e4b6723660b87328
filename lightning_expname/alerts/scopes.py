"""What is under way: a mode from its beginning to its end."""

from __future__ import annotations

import functools
import inspect
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .message import Message, host_name
from .outcome import is_good_exit, is_told, outcome_of
from .ranks import Place

if TYPE_CHECKING:
    from .center import Alerts

Function = TypeVar("Function", bound=Callable[..., Any])


class Scope:
    """One mode under way, in the process that began it.

    Attributes:
        key: its own id.
        message: what is known so far.
        place: which rank it is on.
        record: the path of the run's record, where this process writes it.
        experiment: its W&B run, where `wandb.run` is not.
        tally: how the modes within it ended.
        pid: a forked child has a copy of this object, and must not end it.
    """

    def __init__(self, message: Message, place: Place) -> None:
        self.key = secrets.token_hex(8)
        self.message = message.replace(began=time.time(), host=host_name())
        self.place = place
        self.record: str | None = None
        self.experiment: Any = None
        self.tally: Counter[str] = Counter()
        self.pid = os.getpid()
        self.thread = message.thread or self.key

    def now(self, **changes: Any) -> Message:
        """The message with how long it took, and what the parts came to."""
        began = self.message.began or time.time()
        known = {"seconds": time.time() - began, "tally": dict(self.tally), "key": self.key}
        return self.message.replace(**{**known, "thread": self.thread, **changes})


class Watched:
    """What `alerts.watch` gives: a context manager, and a decorator.

    Example:
        >>> with alerts.watch("tune", dataset="diabetes") as watched:
        ...     study.optimize(objective)
        ...     watched.update(score=study.best_value, monitor="val_auc")
    """

    def __init__(self, alerts: Alerts, mode: str, facts: dict[str, Any]) -> None:
        Message(mode, "started", **facts)  # a misspelt name fails here, not when it ends
        self._alerts = alerts
        self._mode = mode
        self._facts = facts
        self._scope: Scope | None = None

    def update(self, **facts: Any) -> None:
        """Adds to what the message will say: `run`, `project`, `dataset`, `model`, `score`...

        `record=` is the path of the run's record, which is to tell of a kill; `experiment=` the
        W&B run that `run.alert` goes through, where it is not `wandb.run`.
        """
        if self._scope is not None:
            self._alerts.update(self._scope, **facts)

    def __enter__(self) -> Watched:
        self._scope = self._alerts.begin(self._mode, **self._facts)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        scope, self._scope = self._scope, None
        if scope is None:
            return
        if exception is None or is_good_exit(exception):
            self._alerts.end(scope, "finished")
        elif is_told(exception):
            self._alerts.drop(scope)
        else:
            self._alerts.end(scope, outcome_of(exception), exception)

    def __call__(self, function: Function) -> Function:
        """Watches each call of the function; a coroutine function is watched while it runs."""
        watch = functools.partial(Watched, self._alerts, self._mode, self._facts)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def watched_coroutine(*args: Any, **kwargs: Any) -> Any:
                with watch():
                    return await function(*args, **kwargs)

            return watched_coroutine  # type: ignore[return-value]  # functools.wraps keeps the signature

        @functools.wraps(function)
        def watched_function(*args: Any, **kwargs: Any) -> Any:
            with watch():
                return function(*args, **kwargs)

        return watched_function  # type: ignore[return-value]
