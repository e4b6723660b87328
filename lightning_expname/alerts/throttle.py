"""A sweep of a thousand trials is not a thousand messages: what is held back is counted."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping


class Throttle:
    """Lets a number of messages through in any hour, and counts the others by outcome.

    Args:
        limit: messages an hour.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sent: deque[float] = deque()
        self._held: Counter[str] = Counter()

    def lets_through(self, outcome: str, now: float) -> bool:
        """Whether one more message may go at this time, in seconds."""
        while self._sent and now - self._sent[0] >= 3600:
            self._sent.popleft()
        if len(self._sent) < self._limit:
            self._sent.append(now)
            return True
        self._held[outcome] += 1
        return False

    def take_held(self) -> Mapping[str, int]:
        """What was held back since this was asked last."""
        held, self._held = dict(self._held), Counter()
        return held
