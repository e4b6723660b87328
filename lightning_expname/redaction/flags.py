"""What a command line's flag announces: `--api-key`, and the short ones that programs share."""

from __future__ import annotations

import re
from typing import Final

from .keys import Grade, grade, is_token, looks_random, words
from .words import REDACTED, SWITCHES

_PASSWORD_FLAG: Final = "-p"
_LOGINS: Final = frozenset({"-u", "--user", "--proxy-user", "--login", "--userpwd"})
_PORT_OR_PATH: Final = re.compile(
    r"\d{1,6}|\d\.\d{1,6}|[\d.]{0,15}:?\d{1,5}:\d{1,5}"
    r"|(?:~|\.{0,2})/.*|no:[a-z_]{1,32}|[a-z_]{1,32}(?:\.[a-z_]{1,32}){1,6}"  # pytest's plugins
)
_LOGIN: Final = re.compile(r"([^\s:/\"'<>]{1,64}):(?!//)([^\s\"'<>]{1,256})")
_LONG_OPTION: Final = re.compile(r"--(?:[A-Za-z][\w.-]*(?:=.*)?)?", re.DOTALL)
_PAIR: Final = re.compile(r"[+~]{0,2}[A-Za-z_][\w./@-]*=(?:[^=]|$)")


def grade_flag(flag: str) -> Grade:
    """How much of a secret a flag announces; `-p` may be a password, or a port.

    Args:
        flag: with its dashes.
    """
    return "code" if flag == _PASSWORD_FLAG else grade(flag.lstrip("-"))


def is_strict(flag: str) -> bool:
    """Whether a secret follows for certain, so that `-x` behind it is none of the flags."""
    graded, said = grade_flag(flag), words(flag)
    is_bare = bool(said) and is_token(said[-1]) and SWITCHES.isdisjoint(said)
    return graded in ("code", "text", "secret") or (graded == "token" and is_bare)


def is_option(word: str) -> bool:
    """`--lr`, `--lr=1`, and `--` alone."""
    return bool(_LONG_OPTION.fullmatch(word))


def is_pair(word: str) -> bool:
    """`lr=0.1`, `+model.dim=3`: an override, and no value of the flag before it."""
    return bool(_PAIR.match(word))


def is_port_or_path(flag: str, value: str) -> bool:
    """What `-p` is followed by where it is no password: `8080`, `8080:80`, `/data`."""
    return flag == _PASSWORD_FLAG and bool(_PORT_OR_PATH.fullmatch(value))


def is_login(flag: str) -> bool:
    """Whether a user and a password may follow: `-u me:password`."""
    return flag in _LOGINS


def without_password(flag: str, value: str) -> str:
    """`user:password` behind `-u` and `--user` as `user:<redacted>`; `1000:1000` stays."""
    found = _LOGIN.fullmatch(value) if is_login(flag) else None
    if found is None or (found[1].isdecimal() and found[2].isdecimal()):
        return value
    return f"{found[1]}:{REDACTED}"


def split_attached(word: str) -> str:
    """`-pSECRET` and `-uuser:SECRET` without the secret; other words as they are."""
    flag, value = word[:2], word[2:]
    if flag == _PASSWORD_FLAG and looks_random(value):
        return f"{flag}{REDACTED}"
    return f"{flag}{without_password(flag, value)}" if flag == "-u" else word
