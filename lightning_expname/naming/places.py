"""Names of models and datasets as folders and projects: readable in any script, safe anywhere."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from typing import Final

from .escape import is_device

MAX_PLACE_BYTES: Final = 80
MAX_PROJECT_BYTES: Final = 128
"""W&B allows 128 characters in a project's name, and none of `/\\#?%:`."""

_PUNCTUATION: Final = frozenset("._-+")
_ENDS: Final = ".- "


def place(text: str, *, max_bytes: int = MAX_PLACE_BYTES) -> str:
    """A text as one folder's name.

    Letters, marks and digits of any script are kept (NFC), and `. _ - +`; everything else
    (separators, controls, what a shell, a URL or Windows reads) becomes `_`. Two texts may map to
    one place: the record keeps the exact text.

    Args:
        text: any text.
        max_bytes: of UTF-8. A longer text is cut at a whole character, a digest of it is appended.

    >>> place("감정 데이터/v2"), place("/"), place("CON")
    ('감정_데이터_v2', '_', 'CON_')
    """
    trimmed = unicodedata.normalize("NFC", text).strip().strip(_ENDS)
    kept = "".join(_safe(char) for char in trimmed)
    name = kept.strip(_ENDS) or "unnamed"
    if is_device(name):
        head, dot, tail = name.partition(".")
        name = f"{head}_{dot}{tail}"
    return name if _size(name) <= max_bytes else _cut(name, text, max_bytes)


def _safe(char: str) -> str:
    return char if char in _PUNCTUATION or unicodedata.category(char)[0] in "LMN" else "_"


def _size(text: str) -> int:
    return len(text.encode("utf-8"))


def _cut(name: str, text: str, max_bytes: int) -> str:
    raw = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    tail = "_h" + base64.b32encode(raw).decode("ascii").lower()[:10]
    head = name.encode("utf-8")[: max_bytes - len(tail)].decode("utf-8", "ignore")
    return head.rstrip(_ENDS) + tail
