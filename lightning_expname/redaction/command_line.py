"""A command line without its secrets, word by word."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from .flags import (
    grade_flag,
    is_option,
    is_pair,
    is_port_or_path,
    is_strict,
    split_attached,
    without_password,
)
from .keys import Grade, is_allowed
from .text import scrub, told_word


def scrub_arguments(words: Iterable[str], allow: Collection[str] = ()) -> list[str]:
    """A command line without its secrets: `--password x`, `--api-key=x`, `slack.token=x`.

    All words behind a flag that announces a secret are values of it, until the next option or
    override (`--tokens a b --lr 0.1`).

    Args:
        words: as in `sys.argv`.
        allow: options whose values are no secrets, see `redact`.

    Example:
        >>> scrub_arguments(["train.py", "--hf-token", "abc", "n_tokens=8"])
        ['train.py', '--hf-token', '<redacted>', 'n_tokens=8']
    """
    return list(_told_words(map(str, words), allow))


def _told_words(words: Iterable[str], allow: Collection[str]) -> Iterator[str]:
    flag, values = "", 0  # the flag that is open, and how many values it had
    for word in words:
        if flag and _is_value(word, flag, values, allow):
            yield _told(word, flag, allow)
            values += 1
            continue
        flag, values = (word, 0) if word.startswith("-") and "=" not in word else ("", 0)
        yield _told_alone(word, allow)


def _is_value(word: str, flag: str, values: int, allow: Collection[str]) -> bool:
    is_first = values == 0
    if not word.startswith("-"):
        is_hidden = _grade(flag, allow) != "open"
        return is_first or (is_hidden and not is_pair(word))
    return is_first and _grade(flag, allow) != "open" and is_strict(flag) and not is_option(word)


def _told(word: str, flag: str, allow: Collection[str]) -> str:
    if _is_allowed(flag, allow):
        return word
    if is_port_or_path(flag, word):
        return scrub(word, allow)
    return told_word(without_password(flag, word), flag.lstrip("-"), grade_flag(flag), allow)


def _told_alone(word: str, allow: Collection[str]) -> str:
    name, equals, value = word.partition("=")
    if equals:
        return f"{scrub(name)}={_told(value, name, allow)}"
    return scrub(split_attached(word), allow)


def _grade(flag: str, allow: Collection[str]) -> Grade:
    return "open" if _is_allowed(flag, allow) else grade_flag(flag)


def _is_allowed(flag: str, allow: Collection[str]) -> bool:
    return is_allowed((flag.lstrip("-"),), allow)
