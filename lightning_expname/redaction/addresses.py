"""Secrets within addresses: webhooks, passwords, tokens as users, signatures, git remotes.

Every repetition is bounded, or stops at what the next match starts with: a hostile text costs time
in proportion to its length.
"""

from __future__ import annotations

import re
from typing import Final

from .words import REDACTED

_WEBHOOK: Final = re.compile(
    r"""(?i)(\bhttps?://(?:
        hooks?\.[\w.-]{1,128}/                                         # Slack, Zapier, Make
      | (?:\w{1,16}\.)?discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/
      | [\w.-]{1,128}\.webhook\.office\.com/
      | [\w.-]{1,128}/bot(?=\d{3,16}:)                                 # Telegram
    ))[^\s"'<>]+""",
    re.VERBOSE,
)
_HOOK_PATH: Final = re.compile(  # Mattermost, Rocket.Chat, Feishu, IFTTT and whoever else has hooks
    r"((?i:\bhttps?://[^\s/?#\"'<>]{1,256}/(?:[\w.-]{1,64}/){0,6}?"
    r"(?:(?:web|incoming)?[-_]?hooks?|with/key)/))"
    r"(?=[\w/-]{0,64}(?:\d|[A-Z][a-z]{0,64}[A-Z]))[^\s\"'<>]+"
)
_BOT: Final = re.compile(r"(?<![A-Za-z0-9])((?:bot)?)\d{6,12}:(?=AA)[\w-]{24,64}")
_HTTP_USER: Final = re.compile(r"(?i)(\bhttps?://)[^\s/?#\"'<>]{1,512}@")
_PASSWORD: Final = re.compile(
    r"(\b[A-Za-z][\w+.-]{1,31}://)([^\s/?#@:\"']{0,256}):((?:(?!://)[^\s\"']){1,512})@"
)
_PORT: Final = re.compile(r"\d{1,5}/")
_USER: Final = re.compile(r"(\b[A-Za-z][\w+.-]{1,31}://)([^\s/?#@:\"'<>]{1,256})@")
_PLAIN_USER: Final = re.compile(r"[A-Z]?[a-z_]{1,16}\d{0,3}(?:[._-][A-Z]?[a-z]{1,16}\d{0,3}){0,3}")
_QUERY: Final = re.compile(
    r"(?i)([?&#](?:[\w-]{0,32}(?:sig|signature|token|secret|password|passwd|api[-_]?key|jwt)"
    r"|key|code|auth|pass|pw|pwd|sas|x-amz-credential)=)[^\s&\"'<>]+"
)
_SCP: Final = re.compile(  # `user:password@host:path`, `user:password@host/path`
    r"(?<![\w/:@.+<>-])([\w.+-]{1,64}):(?!//)([^\s@\"':<>]{1,256})@(?!sha\d|md5)"
    r"(?=[\w.-]{1,128}(?::[^\s:]|/|\.[a-z]))"
)
_SCP_USER: Final = re.compile(
    r"(?<![\w/:@.+<>-])([\w.+-]{6,128})@(?=[\w.-]{1,128}:[\w~./-]{0,256}[A-Za-z/])"
)
_HOST_AND_PATH: Final = re.compile(r"[\w.-]{1,128}(?::[\w~./-]{0,256}[A-Za-z/]|/)")
_SCHEMES: Final = ("mailto", "sip", "xmpp")


def scrub_addresses(text: str) -> str:
    """A text without the secrets of the addresses in it."""
    if "://" in text:
        text = _WEBHOOK.sub(rf"\1{REDACTED}", text)
        text = _HOOK_PATH.sub(rf"\1{REDACTED}", text)
        text = _HTTP_USER.sub(rf"\1{REDACTED}@", text)
        text = _PASSWORD.sub(_without_password, text)
        text = _USER.sub(_without_user, text)
        text = _QUERY.sub(rf"\1{REDACTED}", text)
    if "@" in text:
        text = _SCP.sub(_scp_without_password, text)
        text = _SCP_USER.sub(_scp_without_user, text)
    return _BOT.sub(rf"\1{REDACTED}", text) if ":AA" in text else text


def scrub_remote(url: str) -> str:
    """A git remote without credentials, in each of git's forms.

    Example:
        >>> scrub_remote("https://me:pw@example.org/x.git"), scrub_remote("git@example.org:x.git")
        ('https://<redacted>@example.org/x.git', 'git@example.org:x.git')
    """
    return scrub_addresses(url)


def _without_password(found: re.Match[str]) -> str:
    scheme, user, password = found.groups()
    if scheme.lower().startswith("http") and _PORT.match(password):  # `host:8080/@scope`
        return found[0]
    if _PORT.match(password) and re.search(r"[?#]", password):  # `host:5432/db?mail=me@...`
        return found[0]
    return f"{scheme}{user if _is_plain_user(user) else REDACTED}:{REDACTED}@"


def _without_user(found: re.Match[str]) -> str:
    return found[0] if _is_plain_user(found[2]) else f"{found[1]}{REDACTED}@"


def _scp_without_password(found: re.Match[str]) -> str:
    user, password = found.groups()
    is_none = user.lower() in _SCHEMES or _is_plain_user(password) or password.isdecimal()
    if is_none and not _is_path(found.string, found.end()):
        return found[0]
    if password.isdecimal() and len(password) < 5:  # `epoch:3@step:10`
        return found[0]
    return f"{user if _is_plain_user(user) else REDACTED}:{REDACTED}@"


def _is_path(text: str, place: int) -> bool:
    """Whether a host and a path stand there, as in a git remote."""
    return bool(_HOST_AND_PATH.match(text, place))


def _scp_without_user(found: re.Match[str]) -> str:
    is_name = _is_plain_user(found[1]) or (found[1].isalpha() and len(found[1]) < 20)
    return found[0] if is_name else f"{REDACTED}@"


def _is_plain_user(user: str) -> bool:
    """`git`, `ec2-user`: a person's or a program's name, no token in its place."""
    return not user or bool(_PLAIN_USER.fullmatch(user))
