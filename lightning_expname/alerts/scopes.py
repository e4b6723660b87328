"""What is under way: a mode from its beginning to its end."""

from __future__ import annotations

import functools
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .message import Message, host_name
from .outcome import is_good_exit, outcome_of
from .ranks import Place
from .wrapping import wrapped

if TYPE_CHECKING:
    from .center import Alerts

Function = TypeVar("Function", bound=Callable[..., Any])
_newest: ContextVar[Scope | None] = ContextVar("expname_scope", default=None)
"""The mode that this thread or task began last, of any `Alerts`, ended or not."""

_of_main: set[Scope] = set()
"""What the main thread has begun and not ended, of any `Alerts`."""


class Scope:
    """One mode under way, in the process that began it.

    Attributes:
        key: its own id.
        message: what is known so far.
        place: which rank it is on.
        record: the path of the run's record, where this process writes it.
        experiment: its W&B run, where `wandb.run` is not.
        tally: how the modes within it ended.
        outer: the mode that it is a part of, while that is open.
        has_ended: whether it is over.
        before: what this thread or task had begun last.
        around: the keys of the modes, of any `Alerts`, that it is a part of.
        pid: a forked child has a copy of this object, and must not end it.
    """

    def __init__(self, message: Message, place: Place, outer: Scope | None = None) -> None:
        self.key = secrets.token_hex(8)
        self.message = message.replace(began=message.began or time.time(), host=host_name())
        self.place = place
        self.record: str | None = None
        self.experiment: Any = None
        self.tally: Counter[str] = Counter()
        self.outer = outer
        self.has_ended = False
        self.before = _still_open(_newest.get())
        self.is_main = threading.current_thread() is threading.main_thread()
        self.pid = os.getpid()
        self.thread = message.thread or self.key
        if outer is not None:
            self.thread = outer.thread
            self.message = self.message.replace(within=outer.message.part_of)
        self.around = _around(self)
        if self.is_main:
            _of_main.add(self)
        _newest.set(self)

    def now(self, **changes: Any) -> Message:
        """The message with how long it took, and what the parts came to."""
        began = self.message.began or time.time()
        known = {"seconds": time.time() - began, "tally": dict(self.tally), "key": self.key}
        return self.message.replace(**{**known, "thread": self.thread, **changes})

    def leave(self) -> None:
        """It is over: what this thread or task begins next is no part of it."""
        self.has_ended = True
        _of_main.discard(self)
        if _newest.get() is self:
            _newest.set(_still_open(self.before))


def _around(scope: Scope) -> frozenset[str]:
    """What was begun before it and is open: here, or by the main thread, whose work threads do."""
    wholes = {scope.before, scope.outer} - {None}
    if scope.before is None and not scope.is_main:
        wholes |= _of_main
    return frozenset().union(*({one.key, *one.around} for one in wholes if one is not None))


def _still_open(scope: Scope | None) -> Scope | None:
    """This one or what was begun before it: what has ended out of turn is not kept alive."""
    while scope is not None and scope.has_ended:
        scope = scope.before
    if scope is not None:
        scope.before = _still_open(scope.before)
        scope.outer = None if scope.outer is None or scope.outer.has_ended else scope.outer
    return scope


def innermost(scopes: Collection[Scope]) -> Scope | None:
    """The one of these open modes that a mode which begins here and now is a part of.

    Threads and tasks side by side are no parts of each other; the trials of a study that runs them
    in threads are parts of what the main thread is at.
    """
    one = _newest.get()
    while one is not None and one not in scopes:
        one = one.before
    if one is None and threading.current_thread() is not threading.main_thread():
        one = next((scope for scope in reversed([*scopes]) if scope.is_main), None)
    return one


class Watched:
    """What `alerts.watch` gives: a context manager, and a decorator.

    Example:
        >>> with alerts.watch("tune", dataset="diabetes") as watched:
        ...     study.optimize(objective)
        ...     watched.update(score=study.best_value, monitor="val_auc")
    """

    def __init__(self, alerts: Alerts, mode: str, facts: dict[str, Any]) -> None:
        if not isinstance(mode, str):
            raise TypeError(
                f"got {mode!r:.80}; allowed: the mode's name, as in alerts.watch('train') or, as a"
                " decorator, @alerts.watch('train')"
            )
        Message(mode, "started", rank=0, world=1, **facts)  # a misspelt name fails here, at once
        self._alerts = alerts
        self._mode = mode
        self._facts = facts
        self._scopes: list[Scope | None] = []  # entered within itself, and from several threads

    def update(self, **facts: Any) -> None:
        """Adds to what the message will say: `run`, `project`, `dataset`, `model`, `score`...

        `record=` is the path of the run's record, which is to tell of a kill; `experiment=` the
        W&B run that `run.alert` goes through, where it is not `wandb.run`.
        """
        if (scope := self._here()) is not None:
            self._alerts.update(scope, **facts)

    def _here(self) -> Scope | None:
        """The one of its modes that this thread or task is in, else the last that was begun."""
        own = innermost([scope for scope in self._scopes if scope is not None])
        return own or (self._scopes[-1] if self._scopes else None)

    def __enter__(self) -> Watched:
        self._scopes.append(self._alerts.begin(self._mode, **self._facts))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        scope = self._here()
        self._scopes.remove(scope)
        if scope is None:
            return
        if exception is None or is_good_exit(exception):
            self._alerts.end(scope, "finished")
        else:
            self._alerts.end(scope, outcome_of(exception), exception, once=True)

    def __call__(self, function: Function) -> Function:
        """Watches each call of the function; coroutines and generators while they run."""
        watch = functools.partial(Watched, self._alerts, self._mode, self._facts)
        return wrapped(function, watch)  # type: ignore[return-value]  # its signature is kept
