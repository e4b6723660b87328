"""Interpolations tell no secret, `${oc.env:TOKEN}`; what they fall back to may be one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from .keys import grade, is_allowed, is_no_text
from .words import REDACTED

_DEFAULTED: Final = re.compile(
    r"\$\{(?:[ ]{0,3}[\w.]{1,64}:[ ]{0,3}(?P<asked>[\w./-]{1,128})[ ]{0,3},[ ]{0,3}"
    r"|(?P<shell>\w{1,128}):?[-=+?])"
)
_WHOLE: Final = re.compile(r"\$\{[\w.:/]{1,200}\}")
_BRACES: Final = re.compile(r"[{}\n]")


def scrub_defaults(text: str, allow: Collection[str] = ()) -> str:
    """A text whose interpolations of secrets have lost their defaults.

    Example:
        >>> scrub_defaults("${oc.env:HF_TOKEN,abc} ${oc.env:DATA,/data} ${HF_TOKEN:-abc}")
        '${oc.env:HF_TOKEN,<redacted>} ${oc.env:DATA,/data} ${HF_TOKEN:-<redacted>}'
    """
    return "".join(_pieces(text, allow))


def _pieces(text: str, allow: Collection[str]) -> Iterator[str]:
    kept = place = 0
    while found := _DEFAULTED.search(text, place):
        place = found.end()
        name = found["asked"] or found["shell"]
        if grade(name) == "open" or is_allowed((name,), allow):
            continue
        end = _end_of(text, place)
        if not _is_none(text[place:end]):
            yield text[kept:place]
            yield REDACTED
            kept = end
        place = end
    yield text[kept:]


def _end_of(text: str, place: int) -> int:
    """Where the closing brace stands; the line's end where there is none."""
    depth = 0
    for found in _BRACES.finditer(text, place):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth < 0 or found[0] == "\n":
            return found.start()
    return len(text)


def _is_none(default: str) -> bool:
    return is_no_text(default.strip(" \"'")) or bool(_WHOLE.fullmatch(default.strip()))
