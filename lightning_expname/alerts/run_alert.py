"""`run.alert`: the alarm through W&B, for runs that are open in this process."""

from __future__ import annotations

import socket
import sys
from typing import Any, Final
from urllib.parse import urlsplit

from .message import Message, to_text

REACH_SECONDS: Final = 1.0
_TITLE_MAX: Final = 63  # W&B documents "fewer than 64"
_TEXT_MAX: Final = 6000
_LEVELS: Final = {"failed": "ERROR", "killed": "ERROR", "interrupted": "WARN"}


def open_run() -> Any | None:
    """The program's W&B run, if W&B is in use and it is open."""
    return getattr(sys.modules.get("wandb"), "run", None)


def alert(run: Any, message: Message) -> str | None:
    """Puts the alarm into the run's queue; a complaint, if it was better not to.

    With an alert pending and its server away, W&B ends only after its 20 attempts, whatever
    `finish_timeout` says: 16 minutes. So an online run's server is touched first.
    """
    if not _is_reachable(run):
        return (
            "W&B cannot be reached, so no run.alert was sent: it would hold up the end of the run"
        )
    level = _LEVELS.get(message.outcome, "INFO")
    run.alert(title=message.title[:_TITLE_MAX], text=to_text(message)[-_TEXT_MAX:], level=level)
    return None


def _is_reachable(run: Any) -> bool:
    if getattr(run, "offline", False) or getattr(run, "disabled", False):
        return True
    address = urlsplit(str(run.settings.base_url))
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), REACH_SECONDS).close()
    except OSError:
        return False
    return True
