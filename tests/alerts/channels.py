"""A channel of one's own, in place of Slack."""

from __future__ import annotations

from lightning_expname.alerts import Message


class Told:
    """Remembers."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def titles(self) -> list[str]:
        return [message.title for message in self.messages]

    @property
    def ends(self) -> list[str]:
        """Of modes side by side, whose order is nobody's concern."""
        return sorted(f"{message.mode} {message.outcome}" for message in self.messages)
