"""The alarm that always comes: one message for every end, whatever the end.

Nothing here imports Lightning, torch or W&B. Names load on first use: the watchdog, which imports
this package too, is to stay small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .center import DEFAULT_EVENTS, Alerts
    from .last_words import DEADLINE
    from .message import Message, to_text
    from .outcome import Outcome, outcome_of
    from .scopes import Scope, Watched
    from .senders import RefusedError, Sender, SlackBot, SlackWebhook, UnavailableError
else:
    _HOMES = {
        "Alerts": ".center",
        "DEADLINE": ".last_words",
        "DEFAULT_EVENTS": ".center",
        "Message": ".message",
        "Outcome": ".outcome",
        "RefusedError": ".senders",
        "Scope": ".scopes",
        "Sender": ".senders",
        "SlackBot": ".senders",
        "SlackWebhook": ".senders",
        "UnavailableError": ".senders",
        "Watched": ".scopes",
        "outcome_of": ".outcome",
        "to_text": ".message",
    }

    def __getattr__(name):
        from importlib import import_module

        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name], __name__), name)
        globals()[name] = value
        return value


__all__ = [
    "DEADLINE",
    "DEFAULT_EVENTS",
    "Alerts",
    "Message",
    "Outcome",
    "RefusedError",
    "Scope",
    "Sender",
    "SlackBot",
    "SlackWebhook",
    "UnavailableError",
    "Watched",
    "outcome_of",
    "to_text",
]
