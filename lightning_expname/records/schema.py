"""The tables of the index, and how a value is written in them.

A value stands once for each key (`value`), and is linked to the records that have it (`fact`): by
value for the first condition of a query, by key and record for those that narrow it. Sections of
the config are the same in most runs: each is stored once (`section_value`), and records are linked
to it (`section_fact`). Rows of records that were replaced or deleted are left behind without harm,
since only what `record` still lists counts; a rebuild sweeps them out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .query import ATTRIBUTES, flatten_section

SCHEMA_VERSION: Final = 2
"""Kept as SQLite's `user_version`; another one is rebuilt."""

SCHEMA: Final = """
CREATE TABLE folder (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, mtime INTEGER NOT NULL);
CREATE TABLE record (
    id INTEGER PRIMARY KEY AUTOINCREMENT, folder INTEGER NOT NULL, name TEXT NOT NULL,
    mtime INTEGER, size INTEGER, inode INTEGER, is_run INTEGER NOT NULL
);
CREATE UNIQUE INDEX record_file ON record (folder, name);
CREATE TABLE value (id INTEGER PRIMARY KEY, key TEXT NOT NULL, text TEXT NOT NULL, number REAL);
CREATE UNIQUE INDEX value_text ON value (key, text);
CREATE INDEX value_number ON value (key, number) WHERE number IS NOT NULL;
CREATE TABLE key (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE fact (
    key INTEGER, record INTEGER, value INTEGER, PRIMARY KEY (key, record, value)) WITHOUT ROWID;
CREATE INDEX fact_value ON fact (value, record);
CREATE TABLE section (id INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL);
CREATE TABLE section_value (
    value INTEGER, section INTEGER, PRIMARY KEY (value, section)) WITHOUT ROWID;
CREATE TABLE section_fact (
    section INTEGER, record INTEGER, PRIMARY KEY (section, record)) WITHOUT ROWID;
CREATE INDEX section_record ON section_fact (record, section);
"""

_TAGS: Final[dict[type, str]] = {str: "s", int: "i", float: "f", bool: "b", type(None): "n"}


def encode(value: Any) -> tuple[str, float | None]:
    """(text, number) of a value: texts differ if the values or their types do.

    Example:
        >>> encode(1), encode(1.0), encode("1")
        (('i1', 1.0), ('f1.0', 1.0), ('s1', None))
    """
    tag = _TAGS.get(type(value))
    if tag is None or (tag == "s" and not _is_text(value)):
        return "j" + json.dumps(value, sort_keys=True), None
    if tag in "if":
        return f"{tag}{value!r}", _as_real(value)
    return f"{tag}{value if tag == 's' else ''}{value if tag == 'b' else ''}", None


def _is_text(value: str) -> bool:
    """False for half a character, which a database does not take and JSON escapes."""
    try:
        return value.isascii() or len(value.encode("utf-8")) > 0
    except UnicodeEncodeError:
        return False


def decode(text: str) -> Any:
    """The value of an encoded text."""
    tag, body = text[:1], text[1:]
    if tag in "si":
        return body if tag == "s" else int(body)
    if tag == "f":
        return float(body)
    return json.loads(body) if tag == "j" else {"n": None, "bTrue": True, "bFalse": False}[text]


def own_values(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The attributes, the hyper-parameters and the config's single values of a record."""
    yield from ((key, record[key]) for key in ATTRIBUTES if key in record)
    yield from flatten_section("hparams", record.get("hparams") or {}).items()
    for key, value in _config(record).items():
        if not isinstance(value, Mapping):
            yield f"config.{key}", value


def sections(record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(key, content) of the config's sections."""
    for key, value in _config(record).items():
        if isinstance(value, Mapping):
            yield f"config.{key}", value


def _config(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Empty for a file that only looks like a record, which is refused when it is read."""
    config = record.get("config")
    return config if isinstance(config, Mapping) else {}


def _as_real(value: int | float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    return None if math.isnan(number) else number
