r"""The query language: one condition a text, all of which must hold.

    condition := key operator value | key "in" values | word
    key       := bare text without spaces and operators, or "quoted"
    operator  := "=" | "!=" | "<" | "<=" | ">" | ">="
    value     := number | True | False | None | "quoted" | [value, ...] | pattern
    pattern   := bare text; under = and != it may hold the wildcards `*`, `?` and `[...]`
    word      := bare text: part of the run's name, id, project, model or dataset, in any case

Values have types: `n=1` finds the int 1, `n=1.0` the float, `n="1"` the text, `n=True` the bool.
`<` and its like compare numbers with numbers, whether int or float, and texts with texts (dates of
`created` are texts). A condition on a key that a run does not have does not hold, `!=` included.
A record's own texts are never numbers: `id=12345678`, `dataset=2024` and `created>2026` mean
texts. Texts are compared as they look: an accented letter may be written as one character or two.
"""

from __future__ import annotations

import fnmatch
import math
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, get_args

from ..errors import QueryError
from .record import Status

ATTRIBUTES: Final = (
    "id",
    "project",
    "run",
    "stem",
    "model",
    "dataset",
    "kind",
    "mode",
    "status",
    "created",
    "finished",
    "score",
    "monitor",
    "url",
    "ordinal",
    "digest",
    "group",
)
"""Keys of a record's own attributes; every other key is a hyper-parameter's, else the config's."""

MISSING: Final = object()
"""What `value_at` gives where there is nothing: None is a value."""

WORD_KEYS: Final = ("run", "stem", "id", "project", "model", "dataset", "group")
_TEXTS: Final = (*WORD_KEYS, "kind", "mode", "status", "created", "finished", "monitor", "digest")
_ALIASES: Final = {"bs": "batch_size", "name": "run"}  # as the names speak them
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KEY: Final = r"""("(?:[^"\\]|\\.)+"|'(?:[^'\\]|\\.)+'|[^\s=!<>"'][^\s=!<>]*)"""
_CONDITION: Final = re.compile(rf"\s*{_KEY}\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*", re.DOTALL)
_MEMBER: Final = re.compile(rf"\s*{_KEY}\s+in\s+(.+?)\s*", re.DOTALL)
_SLIP: Final = re.compile(r"=|[<>]\s*[-+.0-9]")  # behind the operator: `n=>8`, not `pad=<unk>`
_INT: Final = re.compile(r"[+-]?[0-9]{1,4000}")
_FLOAT: Final = re.compile(
    r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]{1,4})?|[+-]?inf|nan"
)
_STATUSES: Final = get_args(Status)
_WORDS: Final[dict[str, bool | None]] = {"True": True, "False": False, "None": None}
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_ITEM: Final = re.compile(rf"\s*({_QUOTED.pattern}|\[[^\[\]]*\]|[^,\[\]]*?)\s*(?:,|$)", re.DOTALL)
_HELP: Final = (
    "a condition is KEY=VALUE, or with != < <= > >=, or KEY in [VALUE, VALUE], or a word of a name;"
    ' texts may hold * and ?, and "quotes" make a text of anything, and a key'
)


@dataclass(frozen=True)
class Pattern:
    """A bare text with wildcards."""

    text: str

    def fits(self, value: object) -> bool:
        """Whether it is a text that the pattern describes, in the same case."""
        return isinstance(value, str) and fnmatch.fnmatchcase(composed(value), composed(self.text))


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        key: as written; see `keys`.
        operator: `=`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `word`.
        value: typed; a tuple for `in`, lower-case text for `word`.
    """

    key: str
    operator: str
    value: Any

    @property
    def keys(self) -> tuple[str, ...]:
        """The flat keys that it may be about, the first that a run has counting."""
        return keys_of(self.key)

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether it holds for a run, given as its record's JSON."""
        if self.operator == "word":
            return any(self.speaks(record.get(key)) for key in WORD_KEYS)
        value = value_at(record, self.key)
        return value is not MISSING and self.admits(value)

    def speaks(self, value: Any) -> bool:
        """Whether a text holds this word, in any case."""
        return self.value in composed(str(value or "")).casefold()

    def admits(self, value: Any) -> bool:
        """Whether it holds for one value of its key."""
        if self.operator == "in":
            return any(_equals(value, one) for one in self.value)
        if self.operator in ("=", "!="):
            return _equals(value, self.value) is (self.operator == "=")
        return _is_ordered(value, self.value) and _ORDER[self.operator](value, self.value)


def parse_query(*texts: str) -> tuple[Condition, ...]:
    """The conditions of a query.

    Raises:
        QueryError: a text is no condition.

    Example:
        >>> parse_query("n_heads=8", "lr<1e-4")[1]
        Condition(key='lr', operator='<', value=0.0001)
    """
    return tuple(_condition(text) for text in texts)


@lru_cache(maxsize=256)
def keys_of(key: str) -> tuple[str, ...]:
    """Where a key of a query, or of `sort`, is looked for.

    Example:
        >>> keys_of("score"), keys_of("lr")
        (('score',), ('hparams.lr', 'config.lr'))
    """
    key = _ALIASES.get(key, key)
    if key in ATTRIBUTES or key.startswith(("hparams.", "config.")):
        return (key,)
    return (f"hparams.{key}", f"config.{key}")


def composed(text: str) -> str:
    """One writing of a text (Unicode's NFC): a Mac's file names hold accents as characters."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def parse_value(text: str) -> Any:
    """One value, typed.

    Raises:
        QueryError: a quote or a bracket is not closed.

    Example:
        >>> parse_value("1"), parse_value("1.0"), parse_value('"1"'), parse_value("[3, 3]")
        (1, 1.0, '1', [3, 3])
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if text[:1] in "\"'" and text:
        return _unquoted(text)
    if text[:1] == "[":
        return [value for _, value in _items(text)]
    return Pattern(text) if re.search(r"[*?\[]", text) else text


def value_at(record: Mapping[str, Any], key: str) -> Any:
    """What a record has under a key of a query; `MISSING` when it has nothing there.

    Example:
        >>> value_at({"hparams": {"encoder.dim": 8}, "config": {"trainer": {"n": 3}}}, "trainer.n")
        3
    """
    for one in keys_of(key):  # no generator: a large answer asks this thousands of times
        value = _at(record, one)
        if value is not MISSING:
            return value
    return MISSING


def _at(node: Any, key: str) -> Any:
    """Follows a dotted key; a name in the record may itself hold dots."""
    if not isinstance(node, (dict, Mapping)):  # dict first: to ask an abstract class is slow
        return MISSING
    if key in node:
        value = node[key]
        return MISSING if isinstance(value, (dict, Mapping)) and value else value
    for head, tail in _splits(key):
        if head in node:
            found = _at(node[head], tail)
            if found is not MISSING:
                return found
    return MISSING


@lru_cache(maxsize=1024)
def _splits(key: str) -> tuple[tuple[str, str], ...]:
    """A dotted key at each of its dots."""
    places = (place for place, char in enumerate(key) if char == ".")
    return tuple((key[:place], key[place + 1 :]) for place in places)


def flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record's JSON as flat keys: its attributes, `hparams.NAME` and `config.SECTION.NAME`.

    Example:
        >>> flatten({"id": "ab", "hparams": {"n": 1}, "config": {"trainer": {"max_epochs": 3}}})
        {'id': 'ab', 'hparams.n': 1, 'config.trainer.max_epochs': 3}
    """
    flat = {key: record[key] for key in ATTRIBUTES if key in record}
    for section in ("hparams", "config"):
        flat.update(flatten_section(section, record.get(section) or {}))
    return flat


def flatten_section(prefix: str, value: Any) -> dict[str, Any]:
    """Nested dicts as dotted keys; lists stay values."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            flat.update(flatten_section(f"{prefix}.{key}", item))
        else:
            flat[f"{prefix}.{key}"] = item
    return flat


def same_value(value: Any, other: Any) -> bool:
    """Whether two plain values are equal and of the same types: 1, 1.0, True and "1" differ."""
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        pairs = zip(value, other, strict=True) if len(value) == len(other) else ()
        return len(value) == len(other) and all(same_value(one, two) for one, two in pairs)
    if type(value) is not type(other):
        return False
    is_nan = isinstance(value, float) and math.isnan(value) and math.isnan(other)
    return is_nan or bool(value == other)


def _condition(text: str) -> Condition:
    if not isinstance(text, str) or not text.strip():
        raise QueryError(f"the condition is {text!r}; {_HELP}")
    if member := _MEMBER.fullmatch(text):
        values = member[2] if member[2].startswith("[") else f"[{member[2]}]"
        key = _key(member[1])
        several = tuple(_as_text(key, *one) for one in _items(values))
        return _with_known_status(Condition(key, "in", several), *several)
    if found := _CONDITION.fullmatch(text):
        key, sign = _key(found[1]), found[2].replace("==", "=")
        if _SLIP.match(found[3]):
            raise QueryError(
                f"the condition {text!r} has the operator {sign + found[3][0]}; {_HELP}"
            )
        return _compared(text, key, sign, _as_text(key, found[3], parse_value(found[3])))
    if re.search(r"[=<>]", text):
        raise QueryError(f"the condition {text!r} has no key; {_HELP}")
    return Condition("", "word", composed(text.strip()).casefold())


def _key(text: str) -> str:
    return _unquoted(text) if text[0] in "\"'" else text


def _as_text(key: str, text: str, value: Any) -> Any:
    """The value, or its text where the key's values are texts: no number would ever be found."""
    is_text = _ALIASES.get(key, key) in _TEXTS
    return text if is_text and isinstance(value, (int, float)) else value


def _compared(text: str, key: str, sign: str, value: Any) -> Condition:
    if sign in _ORDER and (isinstance(value, (bool, list, Pattern)) or value in (None, "")):
        raise QueryError(f"the condition {text!r} orders what has no order; give a number or text")
    return _with_known_status(Condition(key, sign, value), value)


def _with_known_status(condition: Condition, *values: Any) -> Condition:
    """A status is one of six words: to ask for any other finds nothing, for ever."""
    unknown = [one for one in values if not isinstance(one, Pattern) and one not in _STATUSES]
    if condition.key == "status" and unknown:
        raise QueryError(f"the status is {unknown[0]!r}; a run's is one of {', '.join(_STATUSES)}")
    return condition


def _unquoted(text: str) -> str:
    if not _QUOTED.fullmatch(text):
        raise QueryError(f"the value {text!r} has a quote that is not closed; {_HELP}")
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _items(text: str) -> list[tuple[str, Any]]:
    """Each as it is written, and typed."""
    if not text.endswith("]"):
        raise QueryError(f"the value {text!r} has a bracket that is not closed; {_HELP}")
    items: list[tuple[str, Any]] = []
    place, inner = 0, text[1:-1]
    while place < len(inner):
        found = _ITEM.match(inner, place)
        if found is None or not found[1]:
            raise QueryError(f"the list {text!r} cannot be read; write [VALUE, VALUE]")
        items.append((found[1], parse_value(found[1])))
        place = found.end()
    return items


def _equals(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Pattern):
        return wanted.fits(value)
    if isinstance(wanted, str) and isinstance(value, str):
        return composed(value) == composed(wanted)
    return same_value(value, wanted)


def _is_ordered(value: Any, other: Any) -> bool:
    if isinstance(value, str) or isinstance(other, str):
        return isinstance(value, str) and isinstance(other, str)
    return _is_number(value) and _is_number(other)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
