"""Which way to Slack the user gave, and what is wrong with it as far as one can see."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from ..observer import warn_once
from .protocol import SlackAccess
from .senders import SLACK_API

_GAP: Final = re.compile(r"[\s\x00-\x20\x7f]")
_WORD: Final = re.compile(r"[!-~]+")
_SLACKS: Final = re.compile(r"(?:.*\.)?slack(?:-gov)?\.com")


def slack_access(
    webhook: str | None, token: str | None, channel: str | None, api_url: str | None
) -> SlackAccess:
    """Arguments before environment, a bot before a webhook; what cannot work is said once."""
    if is_open := webhook is None and token is None:
        webhook, token = _variable("SLACK_WEBHOOK_URL"), _variable("SLACK_BOT_TOKEN")
    webhook, token = (webhook or "").strip() or None, (token or "").strip() or None
    channel = (channel or "").strip() or _variable("SLACK_CHANNEL")
    api_url = _with_slash(api_url or SLACK_API)
    if is_open and channel and not (token or webhook):
        _say("a Slack channel alone is no way to it: pass slack_token= or set SLACK_BOT_TOKEN")
    if token and not _WORD.fullmatch(token):
        _say(
            "the Slack bot's token holds what no token has, a gap perhaps: it is one word,"
            " xoxb-..., and stands on your Slack app's page OAuth & Permissions"
        )
        token = None
    if token and _is_shown_to_all(api_url):
        _say(f"slack_api_url is {api_url!r}, which shows the token on the way: begin it https://")
        token = None
    if token and not channel:
        _say("a Slack bot's token needs a channel: pass slack_channel= or set SLACK_CHANNEL")
        token = None
    if webhook and not token and not _is_address(webhook):
        _say(
            "the Slack webhook is no address: it starts with https://hooks.slack.com/services/ and"
            " stands on your Slack app's page Incoming Webhooks"
        )
        webhook = None
    if webhook and not token and _is_shown_to_all(webhook):
        _say("the Slack webhook starts with http://, which shows it on the way: begin it https://")
        webhook = None
    if (webhook or token) and find_spec("slack_sdk") is None:
        _say("alerts to Slack need slack-sdk: pip install 'lightning-expname[slack]'")
        webhook = token = None
    return SlackAccess(webhook, token, channel, api_url)


def _variable(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0 and not _GAP.search(url)
        return parts.scheme in ("http", "https") and is_whole and url.isascii()
    except ValueError:
        return False


def _is_shown_to_all(url: str) -> bool:
    """Whether a secret goes to Slack as plain text; another server, in one's own house, may."""
    parts = urlsplit(url)
    return parts.scheme == "http" and bool(_SLACKS.fullmatch(parts.hostname or ""))


def _with_slash(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _say(what: str) -> None:
    warn_once(f"alerts: {what}; no message goes to Slack, the training goes on")
