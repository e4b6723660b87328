r"""One typed value as text and back.

    value  := word | "_"? number | list | "_s" (empty text) | "_i" hex (a huge int) | text
    word   := True | False | None | inf | ninf | nan
    number := repr() of a finite int or float, "e+" written "e"
    list   := number ("_" number)+ | number "_" | "_l" (empty) | "_l" ("." value)+
    text   := starts with a letter, a digit or an escape; "-" is doubled, bytes outside
              [A-Za-z0-9._-] are _xHH; a text that would read as another kind has its first byte
              escaped. A leading "_" is kept for kinds of value, present and future.

Inside `_l` every "." of an element is doubled, so that a single one always separates elements and
lists nest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final, TypeGuard

from ..errors import NameSyntaxError
from .escape import ALNUM, ESCAPED, escape, escape_first, escape_last, unescape

NUMBER: Final = r"-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?"
WORDS: Final[dict[str, bool | float | None]] = {
    "True": True,
    "False": False,
    "None": None,
    "inf": math.inf,
    "ninf": -math.inf,
    "nan": math.nan,
}
MAX_DEPTH: Final = 4  # each level doubles the dots of the levels within
_HUGE_BITS: Final = 2000  # Python may refuse to print more than 640 decimal digits
_TEXT: Final = ALNUM | frozenset("_.-")
_NUMBER: Final = re.compile(NUMBER)
_NUMBERS: Final = re.compile(rf"{NUMBER}_|{NUMBER}(?:_{NUMBER})+")
_HUGE: Final = re.compile(r"_i(-?[0-9a-f]+)")
_ODD_HYPHENS: Final = re.compile(r"(?<!-)-(?:--)*(?!-)")
_ALLOWED: Final = "bool, int, float, str, None, and lists of these"


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether the value is written as a bare number: finite, and no bool."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value.bit_length() <= _HUGE_BITS
    return isinstance(value, float) and math.isfinite(value)


def format_number(value: int | float) -> str:
    """The exact text of a finite number: `repr` without the plus sign of exponents."""
    if isinstance(value, int):
        return int.__repr__(value)
    return float.__repr__(value).replace("e+", "e")


def parse_number(text: str) -> int | float:
    """The inverse of `format_number`; reads padded numbers (`013`, `0.900`) too."""
    try:
        return int(text) if re.fullmatch("-?[0-9]+", text) else float(text)
    except ValueError as error:
        raise NameSyntaxError(f"the number {text[:20]}... is too long to read: {error}") from error


def format_value(value: object, *, depth: int = 0) -> str:
    """Write one value so that `parse_value` gives it back, type included.

    Raises:
        NameSyntaxError: the value's type cannot be written.

    >>> format_value(["conv", 0.5, None])
    '_l.conv.0..5.None'
    """
    if value is None or isinstance(value, bool):
        return str(value)
    if is_number(value):
        return format_number(value)
    if isinstance(value, (int, float)):
        return _format_extreme(value)
    if isinstance(value, str):
        return _format_text(str.__str__(value))
    if isinstance(value, (list, tuple)):
        return _format_list(value, depth)
    kind = type(value).__qualname__
    raise NameSyntaxError(f"a {kind} cannot be written in a name; allowed are {_ALLOWED}")


def _format_extreme(value: int | float) -> str:
    if isinstance(value, int):
        return f"_i{int(value):x}"
    return "nan" if math.isnan(value) else "inf" if value > 0 else "ninf"


def _format_text(text: str) -> str:
    if not text:
        return "_s"
    body = escape(text, _TEXT)
    if body[-1] in ".-":
        body = escape_last(body)
    if body[0] not in ALNUM or body in WORDS or _looks_numeric(body):
        body = escape_first(body)
    return body.replace("-", "--")


def _looks_numeric(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text) or _NUMBERS.fullmatch(text))


def _format_list(items: Sequence[object], depth: int) -> str:
    if depth == MAX_DEPTH:
        raise NameSyntaxError(f"lists nest at most {MAX_DEPTH} deep in a name; shorten the value")
    if items and all(is_number(item) for item in items):
        joined = "_".join(format_number(item) for item in items if is_number(item))
        return joined if len(items) > 1 else joined + "_"
    inner = (format_value(item, depth=depth + 1).replace(".", "..") for item in items)
    return ".".join(("_l", *inner))


def parse_value(text: str) -> Any:
    """Read one value; the inverse of `format_value`.

    Raises:
        NameSyntaxError: `format_value` writes no such text.
    """
    if text in WORDS:
        return WORDS[text]
    if text[:1] == "_" and not ESCAPED.match(text):
        return _parse_marked(text)
    if _NUMBER.fullmatch(text):
        return parse_number(text)
    if _NUMBERS.fullmatch(text):
        return [parse_number(item) for item in text.split("_") if item]
    return _parse_text(text)


def _parse_marked(text: str) -> Any:
    if text == "_s":
        return ""
    if text == "_l" or text.startswith("_l."):
        mark, *elements = re.split(r"(?<!\.)\.(?!\.)", text)
        if mark != "_l":
            raise NameSyntaxError(f"the list {text!r} begins with an empty element")
        return [parse_value(element.replace("..", ".")) for element in elements]
    if _NUMBER.fullmatch(text[1:]):
        return parse_number(text[1:])
    if huge := _HUGE.fullmatch(text):
        return int(huge[1], 16)
    raise NameSyntaxError(f"{text!r} begins with '_' but is no known kind of value")


def _parse_text(text: str) -> str:
    if not text or text[0] in ".-" or text[-1] in ".-":
        raise NameSyntaxError(f"the value {text!r} is empty, or begins or ends with '.' or '-'")
    if _ODD_HYPHENS.search(text):
        raise NameSyntaxError(f"the value {text!r} has a single '-'; inside a value it is '--'")
    return unescape(text.replace("--", "-"))
