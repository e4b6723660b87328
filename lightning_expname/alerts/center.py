"""`Alerts`: tells of every end, through every channel, without Lightning."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
import threading
import time
import weakref
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from ..errors import AlertError
from ..observer import observed, warn_once
from ..redaction import scrub
from .access import slack_access
from .courier import Courier
from .message import Message
from .outcome import EVENTS, Outcome, is_consequence, mark_told, reason_of, traceback_of
from .ranks import Place, share_of
from .run_alert import alert, open_run
from .scopes import Scope, Watched
from .senders import Sender
from .throttle import Throttle
from .watchdog import Watchdog, is_supported

DEADLINE: Final = 10.0
"""Seconds by which undelivered messages hold up the end of the process at most."""

DEFAULT_EVENTS: Final = ("finished", "failed", "interrupted", "killed")
_SCRUBBED: Final = (
    "run",
    "project",
    "model",
    "dataset",
    "checkpoint",
    "url",
    "reason",
    "traceback",
)


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

    def _renew(self) -> None:
        """Nothing under way: at the beginning, in a forked child, and in a copy."""
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._scopes: list[Scope] = []
        self._count = 0
        self._throttle = Throttle(self._max_per_hour)
        self._threads: dict[str, str] = {}
        self._watchdog: Watchdog | None = None
        self._leaving: list[Watchdog] = []
        self._courier: Courier | None = None
        self._fallback: Courier | None = None
        self._probed = False
        self._exits = False

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
    def begin(self, mode: str, *, place: Place | None = None, **facts: Any) -> Scope:
        """Starts a mode; the watchdog knows of it from now on."""
        self._enter_process()
        with self._lock:
            outer = self._scopes[-1] if self._scopes else None
            self._count += 1
            place = place or _place_from_environment(mode, self._count)
            message = Message(mode, "started", rank=place.rank, world=place.world, **facts)
            scope = Scope(self._scrubbed(message), place)
            if outer is not None:
                scope.thread = outer.thread
                scope.message = scope.message.replace(within=outer.message.title)
            self._scopes.append(scope)
            self._watch_over(scope)
            if place.rank == 0:
                self._tell(scope, scope.now(seconds=None))
        return scope

    @observed
    def update(self, scope: Scope, *, record: str | None = None, **facts: Any) -> None:
        """Adds to what is known; should the process be killed, the watchdog says it."""
        if scope.pid != os.getpid():
            return
        with self._lock:
            scope.message = self._scrubbed(scope.message.replace(**facts))
            scope.record = record or scope.record
            self._inform("update", scope)

    @observed
    def end(
        self, scope: Scope, outcome: Outcome, exception: BaseException | None = None
    ) -> Message | None:
        """Tells how the mode ended; gives the message, if there is one to tell."""
        if scope.pid != os.getpid() or scope not in self._scopes:
            return None
        with self._lock:
            message = self._scrubbed(scope.now(outcome=outcome, **_said_of(exception)))
            if exception is not None:
                mark_told(exception)
            told = self._is_told(message)
            self._leave(scope, message if told else None)
            if outer := self._scopes[-1] if self._scopes else None:
                outer.tally[outcome] += 1
                self._inform("update", outer)
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
        end = time.monotonic() + seconds
        couriers = [one for one in (self._courier, self._fallback) if one is not None]
        left = [one for one in self._leaving if not one.has_ended(end - time.monotonic())]
        self._leaving = left
        return all(one.drain(end - time.monotonic()) for one in couriers) and not left

    def _is_told(self, message: Message) -> bool:
        """Events and the sweep's limit; a mode that is a part of nothing is always told."""
        if message.outcome not in self._events:
            return message.world > 1  # nobody hears it, but the ranks must agree on it
        if message.within is None and not self._is_sweep():
            return True
        return self._throttle.lets_through(message.outcome, time.monotonic())

    def _is_sweep(self) -> bool:
        return self._count > self._max_per_hour

    def _leave(self, scope: Scope, message: Message | None) -> None:
        """The end of a scope, to the watchdog or by ourselves; with the last one it leaves too."""
        self._scopes.remove(scope)
        if not self._inform("end", scope, message) and message is not None:
            self._by_ourselves(message, scope.place)
        self._to_others(message, scope.place)
        if not self._scopes and self._watchdog is not None:
            self._part()

    def _part(self) -> None:
        if self._watchdog is not None:
            self._watchdog.part()
            self._leaving = [one for one in self._leaving if not one.has_ended()]
            self._leaving.append(self._watchdog)
            self._watchdog = None

    def _tell(self, scope: Scope, message: Message) -> None:
        """A message while its scope goes on."""
        if message.outcome not in self._events or not self._is_told(message):
            return
        if not self._inform("say", scope, message):
            self._by_ourselves(message, scope.place)
        self._to_others(message, scope.place)

    def _to_others(self, message: Message | None, place: Place) -> None:
        """The user's own channels, and W&B, which only this process can reach."""
        if message is None:
            return
        if self._senders:
            self._courier = self._courier or Courier(self._senders, self._events, _complain)
            self._courier.submit(message, place, _nothing)
        if self._wandb and message.outcome in self._events:
            self._to_run(message)

    def _to_run(self, message: Message) -> None:
        run = self._run()
        if run is not None:
            with contextlib.suppress(Exception):
                if complaint := alert(run, message):
                    _complain(complaint)

    def _run(self) -> Any | None:
        """The W&B run that `run.alert` is sent through."""
        return open_run()

    def _by_ourselves(self, message: Message, place: Place) -> None:
        """Slack without a watchdog: from a thread of this process."""
        self._slack_courier().submit(message, place, _nothing)

    def _slack_courier(self) -> Courier:
        if self._fallback is None:
            with contextlib.suppress(ImportError):  # at exit, a thread could not import it any more
                import_module("slack_sdk")
            senders = self._slack.senders(self._threads, self._threads.__setitem__)
            self._fallback = Courier(senders, self._events, _complain)
        return self._fallback

    def _watch_over(self, scope: Scope) -> None:
        """Tells the watchdog of a scope, and starts one if there is none."""
        if self._wants_watchdog and self._watchdog is None:
            self._start_watchdog()
        self._inform("begin", scope)
        if not self._probed and scope.place.rank == 0 and self._slack.secrets:
            self._probed = True
            if self._watchdog is None or not self._watchdog.tell(op="probe"):
                self._slack_courier().probe()

    def _start_watchdog(self) -> None:
        try:
            self._watchdog = Watchdog(self._on_answer)
        except OSError as error:
            self._wants_watchdog = False
            _complain(f"no watchdog could be started ({error}), so a killed run tells nobody")
            return
        slack = dataclasses.asdict(self._slack)
        self._watchdog.tell(op="configure", slack=slack, events=self._events, threads=self._threads)

    def _inform(self, op: str, scope: Scope, message: Message | None = None) -> bool:
        """Tells the watchdog; False if there is none that listens."""
        if self._watchdog is None:
            return False
        place = dataclasses.asdict(scope.place)
        data: dict[str, Any] = {"op": op, "place": place}
        if op in ("begin", "update"):
            data |= {"key": scope.key, "message": scope.now().to_json(), "record": scope.record}
        else:
            data |= {"message": None if message is None else message.to_json()}
            data |= {"key": scope.key} if op == "end" else {}
        if self._watchdog.tell(**data):
            return True
        self._watchdog = None
        self._wants_watchdog = False
        _complain("the watchdog is gone, so from now on a killed run tells nobody")
        return False

    def _on_answer(self, data: dict[str, Any]) -> None:
        if "trouble" in data:
            _complain(str(data["trouble"]))
        if "thread" in data:
            self._threads[str(data["thread"])] = str(data.get("stamp", ""))

    def _tell_held(self) -> None:
        """The summary of what a sweep held back."""
        held = self._throttle.take_held()
        if held:
            message = Message("not told one by one", "summary", tally=held)
            self._by_ourselves(message, Place())
            self._to_others(message, Place())

    def _scrubbed(self, message: Message) -> Message:
        texts = {name: getattr(message, name) for name in _SCRUBBED}
        return message.replace(**{name: self._scrub(text) for name, text in texts.items() if text})

    def _scrub(self, text: str) -> str:
        for secret in self._slack.secrets:
            text = str(text).replace(secret, "<redacted>")
        return scrub(str(text))

    def _enter_process(self) -> None:
        """A forked child begins anew: threads, locks and the watchdog are its parent's."""
        if self._pid != os.getpid():
            self._renew()
        if not self._exits:
            self._exits = True
            atexit.register(_close_at_exit, weakref.ref(self))

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles carry the settings, and nothing that is under way."""
        settled = ("_slack", "_wandb", "_events", "_wants_watchdog", "_senders", "_max_per_hour")
        return {name: self.__dict__[name] for name in settled}

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


def _said_of(exception: BaseException | None) -> dict[str, Any]:
    if exception is None:
        return {}
    return {
        "reason": reason_of(exception),
        "traceback": traceback_of(exception),
        "consequence": is_consequence(exception),
    }


def _place_from_environment(mode: str, number: int) -> Place:
    """Code without Lightning under torchrun; whatever is not a number is one process."""
    try:
        world = int(os.environ.get("WORLD_SIZE", "1"))
        rank = int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or "0")
    except ValueError:
        return Place()
    if world <= 1:
        return Place()
    return Place(rank, world, share_of(mode, number, os.environ))


def _complain(what: str) -> None:
    with contextlib.suppress(Exception):  # warnings may be errors here, and threads have no caller
        warn_once(f"alerts: {what}")


def _nothing(outcome: str) -> None:
    """Nobody here needs to know what the ranks agreed on."""


def _close_at_exit(reference: weakref.ref[Alerts]) -> None:
    alerts = reference()
    if alerts is not None:
        with contextlib.suppress(Exception):
            alerts.close()
