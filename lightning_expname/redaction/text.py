"""Free text without secrets: tokens by their form, headers, `key=value` and `--flag value`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from .addresses import scrub_addresses
from .defaults import scrub_defaults
from .flags import (
    grade_flag,
    is_login,
    is_option,
    is_pair,
    is_port_or_path,
    split_attached,
    without_password,
)
from .keys import (
    Grade,
    is_allowed,
    is_doubtful,
    is_harmless,
    is_no_text,
    is_plain,
    looks_random,
    speaking,
)
from .words import REDACTED

# Every repetition below is bounded, or stops at what the next match starts with: a hostile text
# costs time in proportion to its length.
_TOKENS: Final = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      xox[a-z]-[\w-]{4,} | xapp-[\w-]{4,} | xwfp-[\w-]{4,}           # Slack
    | gh[pousr]_[A-Za-z0-9]{16,} | github_pat_\w{16,} | glpat-[\w-]{16,}
    | hf_[A-Za-z0-9]{16,} | api_org_[A-Za-z0-9]{16,}                 # Hugging Face
    | wandb_v\d_\w{16,} | local-[0-9a-f]{40}                         # W&B
    | sk-(?=[A-Za-z_-]{0,64}\d)[\w-]{16,} | [srp]k_(?:live|test)_\w{16,}
    | (?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16} | AIza[\w-]{30,}           # AWS, Google
    | pypi-[\w-]{16,} | npm_[A-Za-z0-9]{16,} | dop_v1_[0-9a-f]{16,}
    | eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?                           # JSON web tokens
    )""",
    re.VERBOSE,
)
_BEARER: Final = re.compile(
    r"\b([Bb]earer|[Bb]asic)([ \t]{1,3})(?=[\w.~+/=-]{0,64}[\d=])[\w.~+/=-]{6,}"
)
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_WANDB_KEY: Final = re.compile(
    r"(?i)(\bwandb\b[^\n<]{0,40}?|\bkey\b[ \t=:\"']{1,6})(?<![0-9a-z])[0-9a-f]{40}(?![0-9a-z])"
)
_ATTACHED: Final = re.compile(r"(?<!\S)-[pu][^\s\"'<>()\[\]{},;]{4,512}")
_HEX_KEY: Final = re.compile(r"(?:local-)?[0-9a-f]{40}")
_INTERPOLATION: Final = re.compile(r"\$\{[\w.:/]{1,200}\}")
_DOUBTFUL_MAX: Final = 600  # characters of a value that is told, and searched again
_SHORT_NUMBER: Final = re.compile(r"-?\d{1,2}|-?\d{0,6}\.\d{1,6}")

_KEY: Final = re.compile(
    r"""(?<![\w.-])(?P<dash>-{0,2})(?P<key>[A-Za-z_][\w.-]{0,199})\\{0,2}["']?
        [ \t]{0,3}[=:][ \t]{0,3}
      | (?<!\S)(?P<flag>--?[A-Za-z][\w.-]{0,199})[ \t]{1,3}(?=\S)""",
    re.VERBOSE,
)
_PLAIN: Final = r"""[^\s,;&"'{}\[\]()]"""
_NEXT_KEY: Final = r"""[A-Za-z_][\w.-]{0,64}(?:["']?[ ]?=[^\s=]|["']:|:[ \t])"""
_BARE: Final = rf"""(?:{_PLAIN}|[,;&"'{{}}\[\]()]{{1,4}}(?={_PLAIN})(?!{_NEXT_KEY}))+"""
_HEADER: Final = re.compile(
    rf"""(?i)(\b(?:authorization|cookie)["']?[ \t]{{0,3}}[:=][ \t]{{0,3}}["']{{0,4}})
        [^\s"'](?:(?:[^\n"']|["'][,;&"'{{}}\[\]()]{{0,3}}(?={_PLAIN})(?!{_NEXT_KEY}))*[^\s"'])?""",
    re.VERBOSE,
)
_VALUE: Final = re.compile(
    rf"""(?P<kept>\$\{{[\w.:/]{{1,200}}(?:,[ ]?<redacted>)?\}})
      | (?:"(?P<double>(?:[^"\\\n]|\\.)*)"
          |'(?P<single>(?:[^'\\\n]|\\.)*)'
          |[\[({{](?P<inner>[^\[\](){{}}\n]{{1,2000}})[\])}}])(?P<tail>(?=[\w$+/=-]){_BARE})?
      | (?P<bare>{_BARE})""",
    re.VERBOSE,
)
_ITEM: Final = re.compile(r"[^\s,;\"']+")
_MORE: Final = re.compile(r"[ \t]{1,3}(?=[^\s-])")


def scrub(text: str, allow: Collection[str] = ()) -> str:
    """Free text without what looks like a secret: tokens, webhooks, passwords in URLs, headers.

    Takes time in proportion to the length, whatever the text; doing it twice is doing it once.

    Args:
        text: of any length.
        allow: keys whose values are no secrets where they stand beside them, see `redact`.

    Example:
        >>> scrub("cannot reach https://me:pw@host/x?token=abc with Bearer abc123def")
        'cannot reach https://<redacted>@host/x?token=<redacted> with Bearer <redacted>'
    """
    if len(text) < 5:
        return text
    text = scrub_addresses(_TOKENS.sub(REDACTED, text))
    if "-----BEGIN" in text:
        text = _PRIVATE_KEY.sub(REDACTED, text)
    if "${" in text:
        text = scrub_defaults(text, allow)
    if " " in text or "=" in text or ":" in text:
        text = _scrub_pairs(text, allow)
    return text


def told(text: str, path: Sequence[str], graded: Grade, allow: Collection[str] = ()) -> str:
    """A text as it may be told where it stands.

    Args:
        text: the value.
        path: the keys that lead to it.
        graded: how much of a secret they announce.
        allow: see `redact`.
    """
    if graded == "open":
        is_secret = _is_wandb_key(text, path) or (is_doubtful(path) and looks_random(text))
        return REDACTED if is_secret else scrub(text, allow)
    if not text or text == REDACTED or _INTERPOLATION.fullmatch(text):
        return text
    if graded == "code":
        is_none = is_no_text(text) or bool(_SHORT_NUMBER.fullmatch(text))
    else:
        is_none = graded == "token" and is_harmless(text, speaking(path))
    return text if is_none else REDACTED


def told_word(word: str, key: str, graded: Grade, allow: Collection[str] = ()) -> str:
    """A word of a text as it may be told: `--max-auth-tokens 5` tells no secret."""
    is_number = word.isascii() and word.isdecimal() and len(word) < 64
    if is_number and graded in ("open", "token", "text"):
        return word
    return told(word, (key,), graded, allow)


def _is_wandb_key(text: str, path: Sequence[str]) -> bool:
    is_key = bool(path) and path[-1].lower().endswith(("key", "wandb"))
    return is_key and bool(_HEX_KEY.fullmatch(text))


def _scrub_pairs(text: str, allow: Collection[str]) -> str:
    text = _HEADER.sub(rf"\1{REDACTED}", text)
    text = _BEARER.sub(rf"\1\2{REDACTED}", text)
    text = _WANDB_KEY.sub(rf"\1{REDACTED}", text)
    text = _ATTACHED.sub(lambda found: split_attached(found[0]), text)
    return "".join(_without_values(text, allow))


def _without_values(text: str, allow: Collection[str]) -> Iterator[str]:
    """The text in pieces; behind a key that is open, the search goes on with the value itself."""
    kept = place = 0
    while found := _KEY.search(text, place):
        place = found.end()
        key = found["flag"] or f"{found['dash']}{found['key']}"
        if is_allowed((key.lstrip("-"),), allow):
            continue
        for start, end, shown in _values(text, place, key, is_flag=bool(found["flag"])):
            yield text[kept:start]
            yield shown
            kept, place = end, max(place, end)
    yield text[kept:]


def _values(text: str, place: int, key: str, is_flag: bool) -> Iterator[tuple[int, int, str]]:
    """Where a value stands, or the several of `--tokens a b`, and what is told instead."""
    graded, name = grade_flag(key), key.lstrip("-")
    if graded == "open" and not (is_login(key) or is_doubtful((name,))):
        return
    end = len(text) if graded != "open" else place + _DOUBTFUL_MAX
    while value := _VALUE.match(text, place, end):
        group = "tail" if value["tail"] else value.lastgroup or "bare"
        if is_flag and is_option(value[0]):
            return
        shown = _shown(value[group], group, key, graded)
        is_prose = graded == "code" and text[place - 1 : place] == " " and is_plain(value[group])
        if (graded == "open" and shown == value[group]) or (is_prose and not is_flag):
            return
        yield *_span(value, group), shown
        place = value.end()
        more = _MORE.match(text, place) if is_flag and name.endswith("s") else None
        if more is None or is_pair(text[more.end() : more.end() + 256]):
            return
        place = more.end()


def _span(value: re.Match[str], group: str) -> tuple[int, int]:
    """What is replaced: all of it when more follows the closing quote (`"a"b`)."""
    return value.span(0 if group == "tail" else group)


def _shown(value: str, group: str, key: str, graded: Grade) -> str:
    name = key.lstrip("-")
    if group == "kept" or is_port_or_path(key, value):
        return value
    if graded == "open":
        hidden = is_doubtful((name,)) and looks_random(value)
        return REDACTED if hidden else without_password(key, value)
    if group == "inner":
        return _ITEM.sub(lambda item: told_word(item[0], name, graded), value)
    return told_word(value, name, graded)
