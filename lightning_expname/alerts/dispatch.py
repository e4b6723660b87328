"""Who carries a message: the watchdog to Slack, this process to the user's own channels."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ..observer import warn_once
from ..redaction import REDACTED, scrub
from .courier import Courier
from .message import Message
from .out_of_memory import memory_kills
from .protocol import SlackAccess
from .ranks import Place
from .scopes import Scope
from .senders import Sender
from .watchdog import Watchdog


class Dispatch:
    """Everything that is under way to a channel, in one process.

    Args:
        slack: how to reach Slack.
        senders: the user's own channels.
        events: the outcomes that are told.
        watchdog: whether a watchdog is wanted.
    """

    def __init__(
        self, slack: SlackAccess, senders: Sequence[Sender], events: Sequence[str], watchdog: bool
    ) -> None:
        self._slack = slack
        self._senders = senders
        self._events = tuple(events)
        self._wants_watchdog = watchdog
        self._watchdog: Watchdog | None = None
        self._leaving: list[Watchdog] = []
        self._own: Courier | None = None
        self._direct: Courier | None = None
        self._threads: dict[str, str] = {}
        self._probed = False
        self._told = self._flushed = 0
        self._is_idle = True
        self._changed = threading.Condition()  # the watchdog answers in a thread of its own

    def watch_over(self, scope: Scope) -> None:
        """Tells the watchdog of a scope, and starts one if there is none."""
        with self._changed:
            self._is_idle = False
            if self._wants_watchdog and self._watchdog is None:
                self._start_watchdog()
        self._open_lanes()
        self.update(scope, op="begin")
        if not self._probed and scope.place.rank == 0 and self._slack.secrets:
            self._probed = True
            if self._watchdog is None or not self._watchdog.tell(op="probe"):
                self._slack_courier().probe()

    def update(self, scope: Scope, *, op: str = "update") -> None:
        """What the watchdog will say, should the process be killed now."""
        self._inform(
            op=op,
            key=scope.key,
            message=scope.now().to_json(),
            place=dataclasses.asdict(scope.place),
            record=scope.record,
            outer=scope.outer and scope.outer.key,
            memory_kills=memory_kills(),  # read here: the watchdog may still be starting
        )

    def end(self, scope: Scope, message: Message | None) -> None:
        """The scope is over; None tells nothing of it."""
        place = dataclasses.asdict(scope.place)
        said = None if message is None else message.to_json()
        heard = self._inform(op="end", key=scope.key, message=said, place=place)
        if message is not None:
            self._carry(message, scope.place, to_slack=not heard)

    def say(self, message: Message, place: Place) -> None:
        """A message that ends nothing."""
        said, where = message.to_json(), dataclasses.asdict(place)
        self._carry(message, place, to_slack=not self._inform(op="say", message=said, place=where))

    def _carry(self, message: Message, place: Place, *, to_slack: bool) -> None:
        """From threads of this process: the user's channels, and Slack without a watchdog."""
        if to_slack:
            self._slack_courier().submit(message, place, _nothing)
        if self._senders:
            share = f"{place.share}-own" if place.share else None  # the watchdog claims as well
            self._own_courier().submit(message, dataclasses.replace(place, share=share), _nothing)

    def part(self) -> None:
        """No scope is open: the watchdog leaves as soon as it has delivered everything.

        Until then it carries what comes: the messages of two watchdogs could overtake each other.
        """
        self._is_idle = True
        self._flush()

    def close(self, seconds: float) -> bool:
        """Waits until everything is delivered, at most so long; then whether it is."""
        end = time.monotonic() + seconds
        is_flushed = self._wait_for_watchdog(end)
        self._leaving = [one for one in self._leaving if not one.has_ended(end - time.monotonic())]
        couriers = [one for one in (self._own, self._direct) if one is not None]
        drained = [one.drain(end - time.monotonic()) for one in couriers]
        return is_flushed and all(drained) and not self._leaving

    def abandon(self) -> None:
        """Drops what is undelivered."""
        with self._changed:
            watchdogs = [*self._leaving, *filter(None, [self._watchdog])]
            self._leaving, self._watchdog = [], None
        for watchdog in watchdogs:
            watchdog.kill()
        for courier in filter(None, [self._own, self._direct]):
            courier.abandon()

    def _flush(self) -> int:
        """Asks the watchdog to answer when it has delivered everything."""
        with self._changed:
            number = self._told + 1  # what `_inform` makes of it
            self._inform(op="flush", number=number)
            return number

    def _wait_for_watchdog(self, end: float) -> bool:
        with self._changed:
            watchdog, number = self._watchdog, self._flush()
            if watchdog is None:
                return True
            seconds = max(0.0, end - time.monotonic())
            self._changed.wait_for(lambda: self._flushed >= number or watchdog.is_gone, seconds)
            return self._flushed >= number

    def _on_flushed(self, number: int) -> None:
        """Lets the watchdog go, unless something was told since."""
        with self._changed:
            self._flushed = max(self._flushed, number)
            if self._is_idle and number == self._told and self._watchdog is not None:
                self._watchdog.part()
                still = [one for one in self._leaving if not (one.is_gone and one.has_ended())]
                self._leaving = [*still, self._watchdog]
                self._watchdog = None
            self._changed.notify_all()

    def _start_watchdog(self) -> None:
        try:
            self._watchdog = Watchdog(self._on_answer)
        except Exception as error:  # no process, no thread; a path that no process can be given
            self._wants_watchdog = False
            complain(f"no watchdog could be started ({error}), so a killed run tells nobody")
            return
        slack = dataclasses.asdict(self._slack)
        self._inform(op="configure", slack=slack, events=self._events, threads=self._threads)

    def _inform(self, **data: Any) -> bool:
        """Tells the watchdog; False if there is none that listens."""
        with self._changed:
            if self._watchdog is None:
                return False
            self._told += 1
            if self._watchdog.tell(**data):
                return True
            self._watchdog.part()
            self._leaving.append(self._watchdog)
            self._watchdog = None
            self._wants_watchdog = False
        complain("the watchdog is gone, so from now on a killed run tells nobody")
        return False

    def _open_lanes(self) -> None:
        """What this process brings itself has its threads before the program's end."""
        if self._senders:
            self._own_courier().open()
        if self._watchdog is None and self._slack.secrets:
            self._slack_courier().open()

    def _own_courier(self) -> Courier:
        self._own = self._own or Courier(self._senders, self._events, self._complain_of_others)
        return self._own

    def _slack_courier(self) -> Courier:
        if self._direct is None:
            with contextlib.suppress(ImportError):  # at exit, a thread could not import it any more
                import_module("slack_sdk")
            senders = self._slack.senders(self._threads, self._threads.__setitem__)
            self._direct = Courier(senders, self._events, self._complain)
        return self._direct

    def _on_answer(self, data: dict[str, Any]) -> None:
        if "trouble" in data:
            self._complain(str(data["trouble"]))
        if "thread" in data:
            self._threads[str(data["thread"])] = str(data.get("stamp", ""))
        if "flushed" in data:
            self._on_flushed(int(data["flushed"]))
        if "gone" in data:
            with self._changed:
                self._changed.notify_all()

    def _complain(self, what: str) -> None:
        """What a client says of a failure may hold the address, which is a secret."""
        for secret in self._slack.secrets:
            what = what.replace(secret, REDACTED)
        complain(what)

    def _complain_of_others(self, what: str) -> None:
        """The error of anybody's channel may hold secrets that are not known here."""
        self._complain(scrub(what))


def complain(what: str) -> None:
    """Says it once, and harms nobody."""
    with contextlib.suppress(Exception):  # warnings may be errors here, and threads have no caller
        warn_once(f"alerts: {what}")


def _nothing(outcome: str) -> None:
    """Nobody here needs to know what the ranks agreed on."""
