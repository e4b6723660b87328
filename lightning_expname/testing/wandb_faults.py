"""Faults that a test orders from the loopback W&B server: failures, delays, refusals."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass


@dataclass
class Fault:
    """What happens to the next requests of one kind.

    Attributes:
        match: a regular expression, searched in the operation's name (`UpsertBucket`) or in
            `METHOD /path` for what is no GraphQL.
        status: the HTTP status of the answer; None only delays.
        times: how many requests it meets yet; None for all.
        delay: seconds before the answer.
        message: the error's text.
    """

    match: str
    status: int | None = 500
    times: int | None = 1
    delay: float = 0.0
    message: str = "ordered by the test"


class Faults:
    """The faults that are still to happen; the first that fits a request is used."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []
        self._lock = threading.Lock()

    def order(self, fault: Fault) -> None:
        """Adds a fault behind those already ordered."""
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        """Forgets all faults."""
        with self._lock:
            self._ordered.clear()

    def meet(self, request: str) -> Fault | None:
        """The fault of a request, counted down; None when there is none."""
        with self._lock:
            for fault in self._ordered:
                if fault.times != 0 and re.search(fault.match, request):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None
