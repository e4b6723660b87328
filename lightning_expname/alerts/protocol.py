"""What the training process tells its watchdog: one JSON object a line, over a pipe.

`configure` first; `begin`, `update` and `end` name a mode under way by its key. At the end of the
pipe, modes that have begun and not ended were killed. The watchdog answers with `trouble`, `thread`
and, when everything told before a `flush` is delivered, `flushed`, in the same way. Channels with
their secrets go through the pipe as well: never through arguments, the environment or files, which
others can read.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .ranks import Place
from .senders import SLACK_API, Sender, SlackBot, SlackWebhook


@dataclass(frozen=True)
class SlackAccess:
    """How to reach Slack: by a bot's token and channel, or else by a webhook."""

    webhook: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    channel: str | None = None
    api_url: str = SLACK_API

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any message."""
        return tuple(secret for secret in (self.webhook, self.token) if secret)

    def senders(self, threads: Mapping[str, str], on_thread: Any) -> Sequence[Sender]:
        """The channel, ready to send; empty without one."""
        if self.token and self.channel:
            bot = SlackBot(
                self.token,
                self.channel,
                api_url=self.api_url,
                threads=threads,
                on_thread=on_thread,
            )
            return [bot]
        return [SlackWebhook(self.webhook)] if self.webhook else []


def line(**data: Any) -> bytes:
    """One object as a line."""
    return json.dumps(data, default=str).encode("ascii") + b"\n"


class Lines:
    """Puts a stream of pieces together again, line by line; a broken line is left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[dict[str, Any]]:
        """The objects that this piece completes."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for text in whole:
            try:
                data = json.loads(text)
            except ValueError:
                continue
            if isinstance(data, dict):
                yield data


def place_to_json(place: Place) -> dict[str, Any]:
    """A dict of plain values."""
    return dataclasses.asdict(place)
