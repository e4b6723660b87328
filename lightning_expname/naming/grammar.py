"""Fields as one readable name, and a name back into typed fields.

    name  := part ("-" part)*
    part  := field | label | "r" ordinal | "_h" digest
    field := key number         the short form, used iff it reads back as exactly this field
           | key "." value      the explicit form; a bare number is written "_" number
    key   := seg ("__" seg)*    a dotted key; the first seg starts with a letter or an escape
    seg   := [A-Za-z0-9_]+ without "__" | "_e" (empty)
    label := a word without a value; one that would read as something else has "_" appended
           | n "of" m "features-" six of [a-z0-9], a selection of features, as it stands

`-` ends a part iff it stands alone and a letter or `_` follows: `lr1e-05` and `pad-1` survive. The
alphabet is exactly [A-Za-z0-9._-], which POSIX file names, W&B artifacts, unquoted Hydra overrides
and Lightning's checkpoint formatting all leave alone.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from ..errors import NameSyntaxError
from .budget import DIGEST_BYTES, Part, bounded
from .escape import ESCAPED, WORD, escape, escape_first, escape_last, is_device, unescape
from .values import NUMBER, format_number, format_value, is_number, parse_number, parse_value

NAME_VERSION: Final = 1
"""The version of the grammar; a name, once released, never changes its meaning."""

RESERVED: Final = frozenset({"epoch", "step", "v", "last", "r"})
"""Keys of what stands behind a stem (`-epoch3`, `-last`, Lightning's `-v1`, the ordinal `-r2`)."""

EMPTY_NAME: Final = "default"
"""The name of no fields at all: a label, so that it reads back as no fields."""

_LABEL: Final = WORD | {"-"}
_SHORT: Final = re.compile(rf"([A-Za-z_](?:[A-Za-z0-9_]*?[A-Za-z_])??)({NUMBER})")
_SEPARATOR: Final = re.compile(r"(?<!-)-(?=[A-Za-z_])")
_SELECTION: Final = re.compile(r"[0-9]+of[0-9]+features-[a-z0-9]{6}")
_PART_SELECTION: Final = re.compile(rf"(^|(?<!-)-)({_SELECTION.pattern})(?=-[A-Za-z_]|$)")
_DIGEST: Final = re.compile(r"_h([a-z2-7]{10})")
_LEGAL: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")


class ParsedName(dict[str, Any]):
    """The fields of a name: a dict of dotted key to typed value, in the name's order.

    Attributes:
        labels: words without a value (`all_features`, `test`), in order.
        ordinal: n of `-r{n}`: the n-th run of this stem; None for the first.
        digest: the ten characters behind `_h`, when fields were dropped; None otherwise.
        suffix: `epoch`, `step` and `v` as they stand behind a stem. They are among the fields too,
            unless a hyper-parameter of the same key is.
    """

    def __init__(self, fields: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__(fields)
        self.labels: tuple[str, ...] = ()
        self.ordinal: int | None = None
        self.digest: str | None = None
        self.suffix: dict[str, int | float] = {}


def format_name(fields: Mapping[str, Any], *, max_bytes: int = 110) -> str:
    """Write fields as one name, in the given order.

    Args:
        fields: dotted key to bool, int, float, str, None or a list of these.
        max_bytes: the longest name allowed. Beyond it whole fields are left out, those that can
            never fit first and then from the end, and a digest of all fields is added.

    Raises:
        NameSyntaxError: a key is no text, a value's type cannot be written, or `max_bytes` leaves
            no room for a digest.

    >>> format_name({"d_model": 1024, "encoder.act": "gelu", "lr": 1e-05})
    'd_model1024-encoder__act.gelu-lr1e-05'
    """
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < DIGEST_BYTES:
        raise NameSyntaxError(f"max_bytes is {max_bytes!r}; it must be an int >= {DIGEST_BYTES}")
    texts = [format_field(key, value) for key, value in fields.items()]
    parts = [Part(text, spoken=True) for text in texts]
    return bounded(parts, max_bytes, lambda: _digest(texts)) or EMPTY_NAME


def digest(fields: Mapping[str, Any]) -> str:
    """Ten base32 characters (50 bits) of the typed fields, whatever their order.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1.0, "b": 2})
    True
    """
    return _digest(format_field(key, value) for key, value in fields.items())


def _digest(texts: Iterable[str]) -> str:
    # A field's text is injective and typed, so it serves as the canonical form that is hashed.
    raw = hashlib.sha256("-".join(sorted(texts)).encode("ascii")).digest()
    return base64.b32encode(raw).decode("ascii").lower()[:10]


def parse_name(text: str) -> ParsedName:
    """Read a name back into its typed fields; the inverse of `format_name`.

    Raises:
        NameSyntaxError: the text is no name of this grammar.

    >>> name = parse_name("d_model1024-act.gelu-bs64-r2-epoch13")
    >>> name["d_model"], name["act"], name.ordinal, name.suffix
    (1024, 'gelu', 2, {'epoch': 13})
    """
    legal = _PART_SELECTION.sub(_as_label, text) if isinstance(text, str) else ""
    if not _LEGAL.fullmatch(legal):
        raise NameSyntaxError(
            f"{text!r} is no name: a name starts with a letter or '_', ends with a letter, digit "
            "or '_', and holds only A-Z a-z 0-9 . _ -"
        )
    parsed = ParsedName()
    for part in _SEPARATOR.split(legal):
        try:
            _read_part(part, parsed)
        except NameSyntaxError as error:
            raise NameSyntaxError(f"in the name {text!r}, part {part!r}: {error}") from None
    for key, number in parsed.suffix.items():
        parsed.setdefault(key, number)
    return parsed


def _as_label(selection: re.Match[str]) -> str:
    """A selection of features as any other label is written."""
    return selection[1] + escape_first(selection[2]).replace("-", "--")


def _read_part(part: str, parsed: ParsedName) -> None:
    short = _SHORT.fullmatch(part)
    if found := _DIGEST.fullmatch(part):
        _once(parsed.digest is None, "a second digest")
        parsed.digest = found[1]
    elif short and short[1] == "r":
        _once(parsed.ordinal is None, "a second ordinal")
        parsed.ordinal = _ordinal(short[2])
    elif short and short[1] in RESERVED:
        _once(short[1] not in parsed.suffix, f"a second {short[1]}")
        parsed.suffix[short[1]] = parse_number(short[2])
    elif short or "." in part:
        key, value = parse_field(part)
        _once(key not in parsed, f"a second field {key!r}")
        parsed[key] = value
    else:
        parsed.labels += (parse_label(part),)


def _once(first: bool, what: str) -> None:
    if not first:
        raise NameSyntaxError(f"{what} in one name")


def _ordinal(text: str) -> int:
    number = parse_number(text)
    if not isinstance(number, int) or number < 2:
        raise NameSyntaxError("'r' is kept for the ordinal of a run, r2, r3, ...")
    return number


def format_field(key: str, value: Any) -> str:
    """Write one field, in the short form if that reads back as exactly this field.

    Raises:
        NameSyntaxError: says which field, and why it cannot be written.

    >>> format_field("beta1", 0.9), format_field("norm_first", True), format_field("bs", 64)
    ('beta1._0.9', 'norm_first.True', 'bs64')
    """
    head = format_key(key)
    try:
        text = _with_value(head, value)
    except NameSyntaxError as error:
        raise NameSyntaxError(f"field {key!r}: {error}") from None
    return _with_value(escape_first(head), value) if is_device(text) else text


def _with_value(head: str, value: Any) -> str:
    if not is_number(value):
        return f"{head}.{format_value(value)}"
    number = format_number(value)
    return head + number if takes_number(head, number) else f"{head}._{number}"


def takes_number(head: str, number: str) -> bool:
    """Whether a written key and a number behind it are told apart where they were joined."""
    short = _SHORT.fullmatch(head + number)
    return short is not None and short[1] == head


def parse_field(text: str) -> tuple[str, Any]:
    """Read one field; the inverse of `format_field`."""
    if short := _SHORT.fullmatch(text):
        return parse_key(short[1]), parse_number(short[2])
    head, _, value = text.partition(".")
    return parse_key(head), parse_value(value)


def format_key(key: str) -> str:
    """Write a dotted key: `encoder.dim` as `encoder__dim`."""
    if not isinstance(key, str):
        kind = type(key).__qualname__
        raise NameSyntaxError(f"the key {key!r} is a {kind}; keys of fields are texts")
    return _format_key(str.__str__(key))


@lru_cache(maxsize=4096)  # a sweep writes the same few keys again and again
def _format_key(key: str) -> str:
    segments = key.split(".")
    last = len(segments) - 1
    texts = [_format_segment(text, last=i == last) for i, text in enumerate(segments)]
    if texts[0][0] in "0123456789" or key in RESERVED:
        texts[0] = escape_first(texts[0])
    return "__".join(texts)


def _format_segment(segment: str, *, last: bool) -> str:
    if not segment:
        return "_e"
    text = re.sub("_(?=_)", "_x5f", escape(segment, WORD))
    if text[-1] == "_" and (not last or text == "_"):
        text = escape_last(text)
    return escape_first(text) if text[0] == "_" else text


def parse_key(text: str) -> str:
    """Read a key; the inverse of `format_key`."""
    return ".".join(_parse_segment(segment) for segment in text.split("__"))


def _parse_segment(text: str) -> str:
    if text == "_e":
        return ""
    legal = re.fullmatch("[A-Za-z0-9_]+", text)
    if not legal or (text[0] == "_" and not ESCAPED.match(text)):
        raise NameSyntaxError(f"{text!r} is no key")
    return unescape(text)


def format_label(text: str) -> str:
    """Write a word without a value; `parse_label` gives it back.

    >>> format_label("all_features"), format_label("resnet50")
    ('all_features', 'resnet50_')
    >>> format_label("13of21features-ab12cd")  # how a selection of features is written everywhere
    '13of21features-ab12cd'
    """
    if _SELECTION.fullmatch(text):
        return text
    if not text:
        raise NameSyntaxError("a label is empty; give it at least one letter")
    body = escape(text, _LABEL)
    if body[-1] == "-":
        body = escape_last(body)
    if not body[0].isalpha():
        body = escape_first(body)
    ambiguous = body[-1] == "_" or _SHORT.fullmatch(body) or is_device(body)
    return body.replace("-", "--") + ("_" if ambiguous else "")


def parse_label(text: str) -> str:
    """Read a label; the inverse of `format_label`."""
    body = text[:-1] if text[-1] == "_" else text
    if not body or (body[0] == "_" and not ESCAPED.match(body)):
        raise NameSyntaxError(f"{text!r} is neither a field nor a label")
    value = unescape(body.replace("--", "-"))
    if re.search(r"(?<!-)-(?:--)*(?!-)", body):
        raise NameSyntaxError(f"the label {text!r} has a single '-'; inside a label it is '--'")
    return value
