"""`run.alert`: the alarm through W&B, for runs that are open in this process."""

from __future__ import annotations

import queue
import socket
import sys
from typing import Any, Final
from urllib.parse import urlsplit

from .blocks import clean
from .courier import in_background
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
    run.alert(title=clean(message.title)[:_TITLE_MAX], text=_text(message), level=level)
    return None


def _text(message: Message) -> str:
    """All that is known, and then as much of the traceback's end as there is room for."""
    known = clean(to_text(message.replace(traceback=None)))[: _TEXT_MAX // 2]
    end = clean(message.traceback or "")[-(_TEXT_MAX - len(known) - 1) :]
    return f"{known}\n{end}" if end else known


def _is_reachable(run: Any) -> bool:
    if getattr(run, "offline", False) or getattr(run, "disabled", False):
        return True
    answer: queue.SimpleQueue[bool] = queue.SimpleQueue()
    # the look-up of a host's name knows no limit
    if in_background(lambda: answer.put(_touches(run.settings)), "expname-touch") is None:
        return _touches(run.settings)
    try:
        return answer.get(timeout=REACH_SECONDS)
    except queue.Empty:
        return False


def _touches(settings: Any) -> bool:
    try:
        url = _first_stop(settings)
        address = urlsplit(url if "//" in url else f"//{url}")
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), REACH_SECONDS).close()
    except (OSError, ValueError):  # a proxy's address may be any text
        return False
    return True


def _first_stop(settings: Any) -> str:
    """W&B's server, or the proxy on the way to it."""
    from urllib.request import getproxies, proxy_bypass

    url = str(settings.base_url)
    address = urlsplit(url)
    if proxy_bypass(address.hostname or ""):
        return url
    own = getattr(settings, f"{address.scheme}_proxy", None)
    return str(own or getproxies().get(address.scheme) or url)
