"""Nested values without secrets: each is judged by the keys that lead to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from .keys import (
    Grade,
    grade,
    graded,
    is_allowed,
    is_plain,
    is_short_number,
    looks_random,
    patterns,
)
from .text import scrub, told
from .words import HOLDERS, NAMING_KEYS, REDACTED

_MAX_DEPTH: Final = 64
_CODES: Final = (int, float, bytes, bytearray)  # a PIN is a number
_NAME: Final = re.compile(r"[\w.-]{1,64}")
_KEY_OF_SECRETS: Final = re.compile(r"[A-Za-z]{1,24}(?:[_.-][A-Za-z]{1,24}){0,4}[_-]?\d{0,2}")

Path = tuple[str, ...]


def redact(
    value: Any, *, key: str = "", under: Sequence[str] = (), allow: Collection[str] = ()
) -> Any:
    """The value without its secrets: nested dicts, lists and texts are rebuilt, the rest is kept.

    A text below a key that says what it is (`slack_token`, `db_password`, `api_key`, `webhook`,
    `credentials`...) becomes `<redacted>`, and so does a number under `password`; every other text
    is scrubbed, see `scrub`. An interpolation (`${oc.env:SLACK_TOKEN}`) tells no secret and stays.
    Never raises; doing it twice is doing it once.

    Args:
        value: plain values, as JSON can hold them; other objects are kept as they are.
        key: what the value stands under.
        under: the keys that this one lies below, outermost first; what they announce holds.
        allow: keys, dotted paths or patterns of them (`bos_token`, `model.token_*`) whose values
            are no secrets, whatever they look like.

    Example:
        >>> redact({"slack_token": "xoxb-1", "n_tokens": 512, "pad_token": "[PAD]"})
        {'slack_token': '<redacted>', 'n_tokens': 512, 'pad_token': '[PAD]'}
    """
    try:
        redactor = _Redactor(allow)
        path = (*under, key) if key else ()
        if any(redactor.is_allowed(path[: end + 1]) for end in range(len(path))):
            return value
        return redactor.value(value, path, _announced(path[:-1]))
    except Exception:  # an object that raises from its own methods; nothing of it may get out
        return REDACTED


def redact_key(key: str, under: Sequence[str], allow: Collection[str] = ()) -> str:
    """A key as it may be told: below `api_keys` it may be a secret itself.

    Args:
        key: the key.
        under: the keys that it lies below, outermost first.
        allow: what the user says is no secret, see `redact`.
    """
    redactor = _Redactor(allow)
    if any(redactor.is_allowed(tuple(under[: end + 1])) for end in range(len(under))):
        return key
    return str(_told_key(key, _announced(under)))


def _announced(keys: Sequence[str]) -> Grade:
    """What keys say of everything below them."""
    inherited: Grade = "open"
    for end in range(len(keys)):
        inherited = graded(keys[: end + 1], inherited)
    return inherited


class _Redactor:
    """One pass over nested values, holding the containers on its way against self-reference."""

    def __init__(self, allow: Collection[str]) -> None:
        self._allow = patterns(allow)
        self._open: set[int] = set()

    def value(self, value: Any, path: Path, inherited: Grade) -> Any:
        if self.is_allowed(path):
            return value
        own = graded(path, inherited)
        if isinstance(value, str):
            return told(value, path, own, self._allow)
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return self._container(value, path, own)
        return REDACTED if _is_code(value, own) else value

    def is_allowed(self, path: Path) -> bool:
        """By the last key, or by the whole path."""
        return bool(path) and is_allowed((path[-1], ".".join(path)), self._allow)

    def _container(self, value: Any, path: Path, own: Grade) -> Any:
        if id(value) in self._open or len(path) > _MAX_DEPTH:
            return f"<{type(value).__name__}>"
        self._open.add(id(value))
        try:
            if isinstance(value, Mapping):
                return dict(self._entries(value, path, own))
            items = self._items(value, path, own)
            return items if isinstance(value, list) else type(value)(*_as_arguments(value, items))
        finally:
            self._open.discard(id(value))

    def _entries(self, value: Mapping[Any, Any], path: Path, own: Grade) -> Iterator[Any]:
        name = _naming(value)
        taken: set[Any] = set()
        for key, item in value.items():
            shown = _told_key(key, own)
            if shown != key and shown in taken:
                shown = f"{shown}-{len(taken) + 1}"  # two secrets are two entries
            taken.add(shown)
            is_named = name and str(key).lower() in HOLDERS and str(key).lower() not in NAMING_KEYS
            above, below = ((*path, name), graded((name,), own)) if is_named else (path, own)
            yield shown, self.value(item, (*above, str(key)), below)

    def _items(self, value: Any, path: Path, own: Grade) -> list[Any]:
        if _is_secret_pair(value, is_certain=type(value) is tuple):
            return self._pair(value, path, own)
        if isinstance(value, list) and all(map(_is_pair, value)):
            return [self._maybe_pair(item, path, own) for item in value]
        return [self.value(item, path, own) for item in value]

    def _maybe_pair(self, item: Any, path: Path, own: Grade) -> Any:
        if _is_secret_pair(item, is_certain=True):
            return type(item)(self._pair(item, path, own))
        return self.value(item, path, own)

    def _pair(self, pair: Any, path: Path, own: Grade) -> list[Any]:
        key, item = pair
        return [self.value(key, path, own), self.value(item, (*path, key), own)]


def _is_pair(value: Any) -> bool:
    """Whether a list or tuple may be a key and its value."""
    is_two = type(value) in (list, tuple) and len(value) == 2
    return is_two and isinstance(value[0], str) and bool(_NAME.fullmatch(value[0]))


def _is_secret_pair(value: Any, is_certain: bool) -> bool:
    """Whether the second is what the first announces; two names of columns are no pair."""
    own = grade(value[0]) if _is_pair(value) else "open"
    if own == "open" or not (is_certain or isinstance(value[1], str)):
        return False
    is_word = isinstance(value[1], str) and is_plain(value[1])
    return not is_word or (is_certain and own in ("text", "secret"))


def _naming(value: Mapping[Any, Any]) -> str:
    """What an entry such as `{"name": "API_KEY", "value": ...}` says that its value is."""
    for key in NAMING_KEYS:
        name = value.get(key)
        if isinstance(name, str) and _NAME.fullmatch(name) and grade(name) != "open":
            return name
    return ""


def _told_key(key: Any, own: Grade) -> Any:
    """Below a secret, what is no name of anything may be the secret itself."""
    if not isinstance(key, str):
        is_bytes = isinstance(key, (bytes, bytearray))
        return REDACTED if _is_code(key, own) and (is_bytes or not is_short_number(key)) else key
    if own == "open" or key.startswith(REDACTED):
        return scrub(key)
    is_secret = looks_random(key) if own == "token" else not _KEY_OF_SECRETS.fullmatch(key)
    return REDACTED if is_secret else scrub(key)


def _is_code(value: Any, own: Grade) -> bool:
    """Whether a number or bytes is hidden."""
    if isinstance(value, bool) or not isinstance(value, _CODES):
        return False
    if own == "code":
        return isinstance(value, (bytes, bytearray)) or not is_short_number(value)
    return own == "secret"


def _as_arguments(value: Any, items: list[Any]) -> list[Any]:
    """What the container's type is built from: a named tuple takes its items one by one."""
    return items if hasattr(value, "_fields") else [items]
