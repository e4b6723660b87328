"""How much of a secret a key announces, and which values are none whatever it announces."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, Literal

from .words import (
    AFTER_OPEN_TOKEN,
    BEFORE_DOUBTFUL_KEY,
    BEFORE_NO_CODE,
    BEFORE_OPEN_TOKEN,
    BESIDE_A_TOKEN,
    CODE_WORDS,
    COUNTS,
    HOLDERS,
    PAIRED,
    SECRET_ENDS,
    SECRET_PAIRS,
    SECRET_WORDS,
    SERVICES,
    SWITCHES,
)

Grade = Literal["open", "token", "code", "text", "secret"]
"""How a key is treated: `open` not at all; `token` texts that are no plain word; `code` texts and
long numbers; `text` any text below it; `secret` numbers as well, because the key itself ends in a
word for a secret."""

RANK: Final[dict[Grade, int]] = {"open": 0, "token": 1, "code": 2, "text": 3, "secret": 4}

_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_PLAIN_WORD: Final = re.compile(r"[A-Za-z]{1,12}(?:_[a-z]{1,12}){0,2}")
_SPECIAL_TOKEN: Final = re.compile(r"\[[^\[\]\s]{1,24}\]|<[^<>\s]{1,24}>|</?s>")
_AMOUNT: Final = re.compile(r"\d{1,3}(?:[_,]\d{3}){1,3}|\d{1,4}(?:\.\d{1,3})?[kKMBT]?")
_NO_TEXT: Final = ("none", "null", "true", "false", "")
_DENSE: Final = re.compile(r"[\w+/=.~-]{8,512}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BETWEEN: Final = re.compile(r"[-_./=+~]")
_CLASS_NAME: Final = re.compile(r"[A-Za-z]+(?:[1-4][dD])?[A-Za-z]*(?:V?\d{1,3})?")


def grade(key: str) -> Grade:
    """How much of a secret a key announces.

    Example:
        >>> grade("n_tokens"), grade("hf_token"), grade("webhook_url"), grade("password")
        ('open', 'token', 'text', 'secret')
    """
    return _grade(key[-512:])


def grade_at(path: Sequence[str]) -> Grade:
    """What the last key of a path announces; `key` below `wandb` is `wandb_key`."""
    if not path:
        return "open"
    own = grade(path[-1])
    is_short = own == "open" and len(path) > 1 and path[-1].lower() in PAIRED
    return grade(f"{path[-2]}_{path[-1]}") if is_short else own


def graded(path: Sequence[str], inherited: Grade) -> Grade:
    """What holds for a value: what its key says, or those above it, whichever is more."""
    own = grade_at(path)
    if inherited == "token" and own == "open" and words(path[-1])[-1:] and _is_beside(path[-1]):
        return "open"
    return higher(own, inherited)


def higher(one: Grade, other: Grade) -> Grade:
    """The one of two that hides more."""
    return one if RANK[one] >= RANK[other] else other


def speaking(path: Sequence[str]) -> str:
    """The key that says most of a value: that above `value` and the like."""
    keys = [key for key in path if key.lower() not in HOLDERS] or list(path)
    return keys[-1] if keys else ""


def is_doubtful(path: Sequence[str]) -> bool:
    """Whether what lies there may be a secret although its key is open: if it looks random."""
    key = words(path[-1]) if path else ()
    if key[-1:] == ("key",):
        above = {word for one in path[:-1] for word in words(one)[-1:]}
        before = key[-2:-1] or tuple(word for one in path[-2:-1] for word in words(one)[-1:])
        return not (BEFORE_DOUBTFUL_KEY.isdisjoint(before) and SERVICES.isdisjoint(above))
    return any(is_token(word) for word in key)


def is_harmless(text: str, key: str) -> bool:
    """`[PAD]`, an amount, and below `token_...` a plain word (`token_fusion="mean"`)."""
    if _SPECIAL_TOKEN.fullmatch(text) or _AMOUNT.fullmatch(text) or is_no_text(text):
        return True
    said = words(key)
    is_last = bool(said) and is_token(said[-1]) and SWITCHES.isdisjoint(said[-2:-1])
    return not is_last and is_plain(text)


def is_plain(text: str) -> bool:
    """A word or two of letters alone."""
    return bool(_PLAIN_WORD.fullmatch(text))


def is_no_text(text: str) -> bool:
    """`null` and `true`, as they stand in files and on command lines."""
    return text.lower() in _NO_TEXT


def is_short_number(number: float) -> bool:
    """Too short to be anybody's code: `pass=3`, `pin=17`, `pw=0.5`."""
    return isinstance(number, float) or abs(number) < 100


def looks_random(text: str) -> bool:
    """Letters of both sizes mixed with digits, or long and with digits; no name of a class.

    Example:
        >>> looks_random("x9Y8z7w6"), looks_random("bert-base-v2"), looks_random("Conv2dMixer")
        (True, False, False)
    """
    if not _DENSE.fullmatch(text):
        return False
    return bool(_UUID.fullmatch(text)) or any(map(_is_random, _BETWEEN.split(text)))


def _is_random(piece: str) -> bool:
    digits = sum(char.isdigit() for char in piece)
    if digits == 0 or digits == len(piece) or _CLASS_NAME.fullmatch(piece):
        return False
    is_mixed = piece.lower() != piece and piece.upper() != piece
    return (len(piece) >= 8 and is_mixed) or (len(piece) >= 16 and digits >= 4)


def is_allowed(names: Iterable[str], allow: Collection[str]) -> bool:
    """By a name as it is, or by the last part of a dotted one."""
    if not allow:
        return False
    spoken = {part.lower() for name in names for part in (name, name.rpartition(".")[2])}
    return any(fnmatchcase(name, one.lower()) for one in patterns(allow) for name in spoken)


def patterns(not_secret: Iterable[str] | None) -> tuple[str, ...]:
    """What a user says is no secret, as a tuple: one text is one pattern, not its letters."""
    return (not_secret,) if isinstance(not_secret, str) else tuple(not_secret or ())


def words(key: str) -> tuple[str, ...]:
    """The words of a key, however they are joined: `apiKey`, `API_KEY`, `api-key`."""
    return tuple(word.lower() for word in _WORDS.findall(key))


def is_token(word: str) -> bool:
    """`token`, `tokens`, `mytoken`."""
    return word.endswith(("token", "tokens"))


def _is_beside(key: str) -> bool:
    return words(key)[-1] in BESIDE_A_TOKEN


@functools.lru_cache(maxsize=8192)
def _grade(key: str) -> Grade:
    said = words(key)
    if said[-2:] == ("not", "secret"):  # our own option: it names keys, and saved configs hold it
        return "open"
    pairs = tuple(itertools.pairwise(said))
    if any(map(_is_secret_word, said)) or not SECRET_PAIRS.isdisjoint(pairs):
        is_last = _is_secret_word(said[-1]) or not SECRET_PAIRS.isdisjoint(pairs[-1:])
        return "secret" if is_last else "text"
    if said[-1:] == ("auth",):
        return "text"
    if not CODE_WORDS.isdisjoint(said[-1:]) and BEFORE_NO_CODE.isdisjoint(said[-2:-1]):
        return "code"
    return "token" if any(_is_secret_token(said, i) for i in range(len(said))) else "open"


def _is_secret_word(word: str) -> bool:
    return word in SECRET_WORDS or word.endswith(SECRET_ENDS)


def _is_secret_token(said: tuple[str, ...], place: int) -> bool:
    if not is_token(said[place]):
        return False
    before, after = said[max(0, place - 1) : place], said[place + 1 : place + 2]
    is_known = not BEFORE_OPEN_TOKEN.isdisjoint(before) or not AFTER_OPEN_TOKEN.isdisjoint(after)
    return not is_known and said[0] not in COUNTS
