"""Any text as ASCII letters, digits and `_xHH` escapes, and back, byte for byte."""

from __future__ import annotations

import re
import string
from typing import Final

from ..errors import NameSyntaxError

ALNUM: Final = frozenset(string.ascii_letters + string.digits)
WORD: Final = ALNUM | {"_"}
ESCAPED: Final = re.compile(r"_x([0-9a-f]{2})")
_NEEDS_NOTHING: Final = re.compile(r"(?:[A-Za-z0-9]|_(?!x))*")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)


def escape(text: str, safe: frozenset[str]) -> str:
    """Write every byte outside `safe`, a superset of `WORD`, as `_xHH`; see `unescape`.

    Bytes are those of UTF-8; lone surrogates, which file names read from disk may hold, pass.
    An underscore that would itself look like an escape is escaped.

    >>> escape("a/b", WORD)
    'a_x2fb'
    """
    if _NEEDS_NOTHING.fullmatch(text):
        return text
    data = text.encode("utf-8", "surrogatepass")
    guarded = re.sub(rb"_(?=x[0-9a-f]{2})", b"\x00", data.replace(b"\x00", b"\xff"))
    pairs = zip(guarded, data, strict=True)
    return "".join(_byte(mark == 0, byte, safe) for mark, byte in pairs)


def _byte(guarded: bool, byte: int, safe: frozenset[str]) -> str:
    char = chr(byte)
    return char if char in safe and not guarded else f"_x{byte:02x}"


def unescape(text: str) -> str:
    """The inverse of `escape`.

    Raises:
        NameSyntaxError: the bytes are not UTF-8, so no `escape` wrote them.
    """
    if "_x" not in text:
        return text
    data = re.sub(rb"_x([0-9a-f]{2})", _unhex, text.encode("ascii"))
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise NameSyntaxError(f"{text!r} holds escapes that are not UTF-8: {error}") from error


def _unhex(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 16)])


def escape_first(text: str) -> str:
    """Write the first byte of an escaped text as an escape, whatever it is."""
    return text if ESCAPED.match(text) else f"_x{ord(text[0]):02x}{text[1:]}"


def escape_last(text: str) -> str:
    """Write the last byte of an escaped text as an escape; it must not be an escape's digit."""
    return f"{text[:-1]}_x{ord(text[-1]):02x}"


def is_device(text: str) -> bool:
    """Whether Windows takes a file of this name for a device, whatever its extension.

    Source: Microsoft, "Naming Files, Paths, and Namespaces" (`CON`, `NUL.txt`, `COM1`...).
    """
    return _DEVICE.fullmatch(text.partition(".")[0].rstrip(" ")) is not None
