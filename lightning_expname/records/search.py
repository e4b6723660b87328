"""`search`: the runs of a root that fulfil a query, by the index, else from the records."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ..errors import QueryError, RecordError
from .index import Index, Progress
from .process import status_now
from .query import MISSING, WORD_KEYS, Condition, Pattern, parse_query, value_at
from .record import RunRecord
from .scan import walk
from .schema import decode, encode
from .store import read_json, read_record

_FEW: Final = 200  # so many records are read before a second condition is asked of the index
_MANY: Final = 5000  # conditions that more runs fulfil are asked in the order they were given
_SOME: Final = 2000  # so many records are each asked for their value: a seek costs four steps
# The plus keeps SQLite from looking up each pair of a value and a record.
_AMONG: Final = " AND +record IN (SELECT id FROM among)"


def search(
    *query: str,
    root: Path,
    sort: str | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> list[RunRecord]:
    """The runs for which every condition holds.

    Args:
        query: conditions, see `records.query`.
        root: the directory that `checkpoints/` lies in.
        sort: a key, with `-` in front for the largest first; runs without it come last. Without
            `sort` in the order of their creation.
        limit: how many at most.
        progress: told how many records were read when the index is behind.

    Returns:
        Records as they lie on disk, but `killed` where the record says `running` and the process
        is gone.

    Raises:
        QueryError: a condition or the key to sort by cannot be read.
    """
    conditions = parse_query(*query)
    found = list(_found(conditions, root.absolute(), progress))
    return ordered(found, sort)[slice(None, limit)]


def all_records(root: Path) -> Iterator[RunRecord]:
    """Every record below a root, read from its file; what is no record is passed over."""
    for one in walk(root.absolute()):
        for name in sorted(one.files):
            with contextlib.suppress(RecordError):
                yield read_record(root.absolute() / one.path / name)


def _found(
    conditions: Sequence[Condition], root: Path, progress: Progress | None
) -> Iterator[RunRecord]:
    for path in _paths(conditions, root, progress):
        with contextlib.suppress(RecordError):
            data = read_json(path)
            data["status"] = status_now(data.get("status", ""), data.get("process"))
            if all(condition.holds(data) for condition in conditions):
                yield RunRecord.from_json(data, path)


def _paths(
    conditions: Sequence[Condition], root: Path, progress: Progress | None
) -> Iterable[Path]:
    """The files to read: those the index leads to, or all when it cannot be used."""
    if not root.is_dir():
        return ()
    try:
        with Index(root) as index:
            index.catch_up(progress)
            return index.paths(_candidates(index.db, conditions))
    except (sqlite3.Error, OSError, UnicodeError):
        # A read-only or odd file system, names that are no characters: slower, and as right.
        return [root / one.path / name for one in walk(root) for name in sorted(one.files)]


def _candidates(db: sqlite3.Connection, conditions: Sequence[Condition]) -> list[int] | None:
    """Records that may fulfil all conditions; None for all records."""
    wheres = [_Where(db, condition, number) for number, condition in enumerate(conditions)]
    if not wheres:
        return None
    first, *others = sorted(wheres, key=lambda where: where.count(_MANY))
    found = set(first.records())
    for where in others:
        if len(found) < _FEW:  # the rest is checked on the records: they have to be read anyway
            break
        found = set(where.records(found))
    return sorted(found)


class _Where:
    """One condition as SQL over the tables of `schema`."""

    def __init__(self, db: sqlite3.Connection, condition: Condition, number: int) -> None:
        self._db = db
        self._keys = WORD_KEYS if condition.operator == "word" else condition.keys
        self._arguments: tuple[Any, ...] = self._keys
        self._values = f"SELECT id FROM value WHERE key IN ({_marks(self._keys)})"
        self._restrict(condition, f"chosen{number}")

    def _restrict(self, condition: Condition, table: str) -> None:
        value, sign = condition.value, condition.operator
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if condition.key == "status":
            self._choose(condition, table)
        elif sign == "=" and _is_exact(value):
            self._values += " AND text = ?"
            self._arguments += (encode(value)[0],)
        elif sign[0] in "<>" and is_number:
            # "or equal": a huge int is compared roughly here, and exactly on its record
            self._values += f" AND number {sign[0]}= ?"
            self._arguments += (encode(value)[1],)
        else:
            self._choose(condition, table)

    def _choose(self, condition: Condition, table: str) -> None:
        """Asks Python about each distinct value, once."""
        self._db.create_function("admits", 1, _admission(condition), deterministic=True)
        query = f"{self._values} AND admits(text)"
        chosen = self._db.execute(query, self._arguments).fetchall()
        self._db.execute(f"CREATE TEMP TABLE {table} (id INTEGER PRIMARY KEY)")
        self._db.executemany(f"INSERT INTO {table} VALUES (?)", chosen)
        self._values, self._arguments = f"SELECT id FROM {table}", ()

    def count(self, limit: int) -> int:
        """How many records fulfil it; `limit` when there are more."""
        counted = f"SELECT count(*) FROM ({self._records()} LIMIT {limit})"
        return int(self._db.execute(counted, self._arguments * 2).fetchone()[0])

    def records(self, among: Collection[int] | None = None) -> Iterator[int]:
        """Numbers of the records, of those in `among` only; some may be gone."""
        if among is None:
            return self._numbers(self._records(), self._arguments * 2)
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS among (id INTEGER PRIMARY KEY)")
        self._db.execute("DELETE FROM among")
        numbers = json.dumps(list(among))
        self._db.execute("INSERT INTO among SELECT value FROM json_each(?)", (numbers,))
        if len(among) > _SOME:
            return self._numbers(self._records(_AMONG), self._arguments * 2)
        return self._of_each()

    def _numbers(self, query: str, arguments: tuple[Any, ...]) -> Iterator[int]:
        return (number for (number,) in self._db.execute(query, arguments))

    def _of_each(self) -> Iterator[int]:
        """Each record in `among` is asked for its own values, and for its sections if any fits."""
        values, names = self._values, _marks(self._keys)
        yield from self._numbers(
            "SELECT among.id FROM among CROSS JOIN fact ON fact.record = among.id AND fact.key IN"
            f" (SELECT id FROM key WHERE name IN ({names})) WHERE +fact.value IN ({values})",
            (*self._keys, *self._arguments),
        )
        sections = f"SELECT section FROM section_value WHERE value IN ({values})"
        if self._db.execute(f"{sections} LIMIT 1", self._arguments).fetchone():
            yield from self._numbers(
                "SELECT among.id FROM among CROSS JOIN section_fact ON"
                f" section_fact.record = among.id WHERE +section_fact.section IN ({sections})",
                self._arguments,
            )

    def _records(self, also: str = "") -> str:
        return (
            f"SELECT record FROM fact WHERE value IN ({self._values}){also} UNION ALL"
            " SELECT record FROM section_fact WHERE section IN"
            f" (SELECT section FROM section_value WHERE value IN ({self._values})){also}"
        )


def _is_exact(value: Any) -> bool:
    """Whether its one text in the index is all that it equals: -0.0 is 0.0, an accent is two."""
    is_zero = isinstance(value, float) and value == 0.0
    is_spelt = isinstance(value, str) and not value.isascii()
    return not (isinstance(value, (list, Pattern)) or is_zero or is_spelt)


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _admission(condition: Condition) -> Callable[[str], bool]:
    if condition.operator == "word":
        return lambda text: condition.speaks(decode(text))
    if condition.key == "status" and condition.admits("killed"):
        running = encode("running")[0]  # which of them were killed is told from their processes
        return lambda text: text == running or condition.admits(decode(text))
    return lambda text: condition.admits(decode(text))


def ordered(records: list[RunRecord], sort: str | None) -> list[RunRecord]:
    """Sorted by a key, by its largest first with `-`; those without it last."""
    # a record knows its second; of equal ones the ordinal tells which was first
    records = sorted(records, key=lambda record: (record.created, record.ordinal, record.record))
    if not sort:
        return records
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    if not key:
        raise QueryError(f"sort is {sort!r}; give a key, with - in front for the largest first")
    ranked = [(_rank(record, key), record) for record in records]
    have = [(rank, record) for rank, record in ranked if rank is not None]
    have.sort(key=lambda pair: pair[0], reverse=descending)
    return [record for _, record in have] + [record for rank, record in ranked if rank is None]


def _rank(record: RunRecord, key: str) -> tuple[int, float, str] | None:
    """Numbers before texts; None when there is nothing to rank by."""
    value = value_at(vars(record), key)
    if value is MISSING or value is None or value != value:  # NaN ranks nowhere
        return None
    if isinstance(value, (int, float)):
        return (0, value, "")
    return (1, 0.0, value if isinstance(value, str) else json.dumps(value, sort_keys=True))
