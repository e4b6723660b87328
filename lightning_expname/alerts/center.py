"""`Alerts`: tells of every end, through every channel, without Lightning."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence, Set
from typing import Any, ClassVar, Final

from ..errors import AlertError
from ..observer import observed
from ..redaction import REDACTED, scrub
from .access import slack_access
from .dispatch import Dispatch, complain
from .last_words import DEADLINE, hold, release
from .message import Message, host_name
from .outcome import (
    EVENTS,
    Outcome,
    is_consequence,
    is_told,
    mark_told,
    outcome_of,
    reason_of,
    traceback_of,
)
from .ranks import Place, place_from_environment
from .run_alert import alert, open_run
from .scopes import Scope, Watched, innermost
from .senders import Sender
from .throttle import Throttle
from .watchdog import is_supported

DEFAULT_EVENTS: Final = ("finished", "failed", "interrupted", "killed")
_SCRUBBED: Final = (
    "mode",
    "run",
    "project",
    "model",
    "dataset",
    "monitor",
    "checkpoint",
    "url",
    "reason",
    "traceback",
    "within",
)
_TEXT_MAX: Final = 4000
_TRACEBACK_MAX: Final = 20_000
_WITHIN: Final = 10_000  # characters beside a cut, in which a secret would be cut as well


class Alerts:
    """The alarm at the end of anything: `with alerts.watch("tune"): ...`

    `ExpNameAlerts` is this and a Lightning callback; this half needs neither Lightning nor torch.
    It never raises after its construction, and never waits for a network while the work goes on.

    Args:
        slack_webhook: an incoming webhook's address; `SLACK_WEBHOOK_URL` when None.
        slack_token: a bot's token; `SLACK_BOT_TOKEN` when None. It comes before the webhook.
        slack_channel: where the bot posts; `SLACK_CHANNEL` when None.
        wandb: also `run.alert`, where a W&B run is open.
        events: of which outcomes to tell: `started`, `finished`, `failed`, `interrupted`, `killed`,
            `pruned`.
        watchdog: a small process beside this one tells of ends that nothing inside sees.
        senders: channels of your own, see `Sender`.
        slack_api_url: another Slack API, such as GovSlack's.
        max_per_hour: what a sweep sends at most; the rest is counted, and told in one summary.

    Raises:
        AlertError: `events` names an unknown outcome, or `max_per_hour` is not positive.

    Example:
        >>> alerts = Alerts(slack_webhook="https://hooks.slack.com/services/...")
        >>> @alerts.watch("predict", dataset="diabetes")
        ... def main() -> None: ...
    """

    def __init__(
        self,
        *,
        slack_webhook: str | None = None,
        slack_token: str | None = None,
        slack_channel: str | None = None,
        wandb: bool = True,
        events: Sequence[str] = DEFAULT_EVENTS,
        watchdog: bool = True,
        senders: Sequence[Sender] = (),
        slack_api_url: str | None = None,
        max_per_hour: int = 20,
    ) -> None:
        self._slack = slack_access(slack_webhook, slack_token, slack_channel, slack_api_url)
        self._wandb = wandb
        self._events = _checked(events)
        self._wants_watchdog = watchdog and is_supported()
        self._senders = tuple(senders)
        if max_per_hour < 1:
            raise AlertError(f"got max_per_hour={max_per_hour}; allowed: 1 and more")
        self._max_per_hour = max_per_hour
        self._renew()

    _passing: ClassVar[Set[str]] = frozenset(
        {"_pid", "_lock", "_scopes", "_count", "_throttle", "_dispatch"}
    )

    def _renew(self) -> None:
        """Nothing under way: at the beginning, in a forked child, and in a copy."""
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._scopes: list[Scope] = []
        self._count: Counter[str] = Counter()
        self._throttle = Throttle(self._max_per_hour)
        self._dispatch = Dispatch(self._slack, self._senders, self._events, self._wants_watchdog)

    def watch(self, mode: str, **facts: Any) -> Watched:
        """A context manager, and a decorator, around any code.

        Args:
            mode: what the message calls it: `train`, `tune`, or a word of your own.
            **facts: what is known: `run`, `project`, `dataset`, `model`, `url`, `checkpoint`...

        Raises:
            TypeError: a fact that messages do not have.

        Example:
            >>> with alerts.watch("tune", dataset="diabetes"):
            ...     tune()
        """
        return Watched(self, mode, facts)

    @observed
    def begin(
        self, mode: str, *, place: Place | None = None, starts: bool = True, **facts: Any
    ) -> Scope:
        """Starts a mode; the watchdog knows of it from now on.

        Args:
            mode: what the message calls it.
            place: which rank this process is; found in the environment when None.
            starts: whether the start is told at once, where it is told; else by `started`.
            **facts: attributes of `Message`.
        """
        self._enter_process()
        with self._lock:
            place = place or place_from_environment(f"watch {mode}", self._nth, self._audience)
            message = Message(mode, "started", rank=place.rank, world=place.world, **facts)
            scope = Scope(self._scrubbed(message), place, innermost(self._scopes))
            self._scopes.append(scope)
            self._dispatch.watch_over(scope)
            if starts:
                self.started(scope)
        return scope

    @observed
    def started(self, scope: Scope) -> None:
        """Tells that the mode has started, if starts are told."""
        with self._lock:
            message = scope.now(seconds=None)
            is_asked_for = "started" in self._events and scope.pid == os.getpid()
            if is_asked_for and scope.place.rank == 0 and self._is_told(message):
                self._dispatch.say(message, scope.place)
                self._to_run(message, scope)

    @observed
    def update(
        self, scope: Scope, *, record: str | None = None, experiment: Any = None, **facts: Any
    ) -> None:
        """Adds to what is known; should the process be killed, the watchdog says it."""
        if scope.pid != os.getpid():
            return
        with self._lock:
            scope.message = self._scrubbed(scope.message.replace(**facts))
            scope.record = record or scope.record
            scope.experiment = scope.experiment if experiment is None else experiment
            self._dispatch.update(scope)

    @observed
    def end(
        self,
        scope: Scope,
        outcome: Outcome,
        exception: BaseException | None = None,
        *,
        once: bool = False,
    ) -> Message | None:
        """Tells how the mode ended; gives the message, if there is one to tell.

        Args:
            scope: the mode.
            outcome: how it ended.
            exception: what ended it.
            once: say nothing, if the same people were told that a part of it ended by the same.
        """
        if scope.pid != os.getpid() or scope not in self._scopes:
            return None
        if once and exception is not None and is_told(exception, self._hearers, scope.key):
            self.drop(scope)
            return None
        with self._lock:
            message = self._scrubbed(scope.now(outcome=outcome, **_said_of(exception, scope)))
            told = self._is_told(message)
            if exception is not None and told:
                mark_told(exception, self._hearers, scope.around)
            self._leave(scope, message if told else None)
            if scope.outer in self._scopes:
                scope.outer.tally[outcome] += 1
                self._dispatch.update(scope.outer)
            return message if told else None

    @observed
    def drop(self, scope: Scope) -> None:
        """Ends a mode of which nothing is to be told."""
        with self._lock:
            if scope.pid == os.getpid() and scope in self._scopes:
                self._leave(scope, None)

    def close(self, seconds: float = DEADLINE) -> bool:
        """Waits until everything is delivered, at most so long; then whether it is.

        The end of the process does this by itself.
        """
        if self._pid != os.getpid():
            return True
        self._tell_held()
        is_done = self._dispatch.close(seconds)
        if is_done and not self._scopes:
            release(self)
        return is_done

    def abandon(self) -> None:
        """Drops what is open and undelivered; nothing stays behind, and nobody is told.

        For tests: a Slack that is gone for good would else be tried for ten minutes.
        """
        with self._lock:
            for scope in reversed(self._scopes):
                scope.leave()
            self._dispatch.abandon()
            self._renew()
        release(self)

    def _nth(self, mode: str) -> int:
        """Counts the modes that several processes share, by name: one rank may have others."""
        self._count[mode] += 1
        return self._count[mode]

    def _is_told(self, message: Message) -> bool:
        """Whether it was asked for, and a sweep has not said enough already.

        A whole that has parts is always told: it is the summary of them.
        """
        if message.rank != 0 and message.outcome == "finished":
            return False
        if message.outcome not in self._events:
            return message.world > 1  # nobody hears it, but the ranks must agree on it
        if message.within is None and message.tally:
            self._throttle.take_held()
            return True
        return self._throttle.lets_through(message.outcome, time.monotonic())

    def _leave(self, scope: Scope, message: Message | None) -> None:
        """The end of a scope; with the last one, the watchdog leaves too."""
        self._scopes.remove(scope)
        scope.leave()
        self._dispatch.end(scope, message)
        if not self._scopes:
            self._dispatch.part()
        if message is not None:
            self._to_run(message, scope)

    def _to_run(self, message: Message, scope: Scope) -> None:
        if not self._wandb or message.outcome not in self._events:
            return
        run = self._run() if scope.experiment is None else scope.experiment
        if run is not None:
            with contextlib.suppress(Exception):
                if complaint := alert(run, message):
                    complain(complaint)

    def _run(self) -> Any | None:
        """The W&B run that `run.alert` is sent through."""
        return open_run()

    @property
    def _audience(self) -> str:
        """Who hears of what: ranks agree with those that tell the same people of the same ends."""
        return repr((*self._slack.secrets, self._slack.channel, sorted(self._events)))

    @property
    def _hearers(self) -> str:
        """The same within this process only: whom an exception has been told to.

        It stays on the user's exception, which others pickle and report: so it is a print.
        """
        own = [id(sender) for sender in self._senders]
        known = repr((self._audience, self._wandb, own))
        return hashlib.sha256(known.encode()).hexdigest()[:16]

    def _tell_held(self) -> None:
        """The summary of what a sweep held back."""
        held = self._throttle.take_held()
        if held:
            message = Message("not told one by one", "summary", tally=held, host=host_name())
            self._dispatch.say(message, Place())

    def _scrubbed(self, message: Message) -> Message:
        """What users and modules say, as plain text and numbers, and without secrets."""
        texts = {name: getattr(message, name) for name in _SCRUBBED}
        told = {name: self._plain(name, text) for name, text in texts.items() if text is not None}
        return message.replace(**told, score=_number(message.score), curve=_points(message.curve))

    def _plain(self, name: str, value: Any) -> str:
        """Without secrets first, and then cut: a secret that is cut is not known any more."""
        if name == "traceback":
            return self._scrub(str(value)[-_TRACEBACK_MAX - _WITHIN :])[-_TRACEBACK_MAX:]
        return self._scrub(str(value)[: _TEXT_MAX + _WITHIN])[:_TEXT_MAX]

    def _scrub(self, text: str) -> str:
        for secret in self._slack.secrets:
            text = text.replace(secret, REDACTED)
        return scrub(text)

    def _enter_process(self) -> None:
        """A forked child begins anew: threads, locks and the watchdog are its parent's."""
        if self._pid != os.getpid():
            self._renew()
        hold(self)

    @property
    def pid(self) -> int:
        """The process in which it works."""
        return self._pid

    def end_open(self, exception: BaseException | None) -> None:
        """How what is still open ends, when its process ends in order but no hook was told."""
        for scope in reversed(self._scopes):
            if exception is None:
                self.update(scope, reason="its process came to an end before it did")
                self.end(scope, "interrupted")
            else:
                self.end(scope, outcome_of(exception), exception, once=True)

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles carry the settings, and nothing that is under way."""
        return {name: value for name, value in vars(self).items() if name not in self._passing}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._renew()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(events={self._events}, slack={self._slack})"


def _checked(events: Sequence[str]) -> tuple[str, ...]:
    given = (events,) if isinstance(events, str) else tuple(events)
    unknown = [event for event in given if event not in EVENTS]
    if unknown:
        raise AlertError(
            f"got the unknown events {unknown}; allowed: {', '.join(EVENTS)}. Leave events= out to"
            f" be told of {', '.join(DEFAULT_EVENTS)}"
        )
    return given


def _said_of(exception: BaseException | None, scope: Scope) -> dict[str, Any]:
    if exception is None:
        return {}
    return {
        "reason": reason_of(exception),
        "traceback": traceback_of(exception),
        "consequence": is_consequence(exception, scope.place.world),
    }


def _number(value: Any) -> float | None:
    """A score may be a tensor, or anything else."""
    try:
        return None if value is None else float(value)
    except Exception:  # a tensor of two numbers; anything's own __float__
        return None


def _points(curve: Any) -> tuple[tuple[float, float], ...]:
    try:
        return tuple((float(x), float(y)) for x, y in curve)
    except Exception:
        return ()
