"""The index of a root's records: a cache in `.expname/index.sqlite`, never the truth.

It may be deleted at any time, and is rebuilt when it is missing, of another version or damaged. It
holds no record's text: what it finds is read from the records themselves.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from .scan import Listing, homes, inner, list_folder, mtime_of
from .schema import SCHEMA, SCHEMA_VERSION, encode, own_values, sections

FOLDER: Final = ".expname"
FILE: Final = "index.sqlite"
_BUSY_SECONDS: Final = 60.0  # another process may be rebuilding
_NOTE_SECONDS: Final = 0.1  # a training waits for nobody
_AT_ONCE: Final = 500  # SQLite before 3.32 takes 999 values in a query
_RACY_NS: Final = 2_000_000_000  # coarse clocks of file systems: a younger time may yet repeat

Progress = Callable[[int], None]
"""Told the number of records read so far."""


class Index:
    """An open index.

    Raises:
        sqlite3.Error, OSError: it cannot be opened or written; search then reads the records.
    """

    def __init__(self, root: Path, *, timeout: float = _BUSY_SECONDS) -> None:
        self.root = root
        self._keys: dict[str, int] = {}
        self._values: dict[tuple[str, str], int] = {}
        self._sections: dict[str, int] = {}
        self.db = _opened(root, timeout)

    def close(self) -> None:
        """Closes the file."""
        self.db.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def catch_up(self, progress: Progress | None = None) -> int:
        """Takes in records that are new, changed or gone; gives how many were read.

        Folders whose modification time is the known one are not listed. Nothing is locked, and
        nothing written, when nothing changed.
        """
        if not self._changed():
            return 0
        self.db.execute("BEGIN IMMEDIATE")
        try:
            count = self._apply(progress)
            self.db.execute("COMMIT")
        except BaseException:
            self.db.execute("ROLLBACK")
            for cache in (self._keys, self._values, self._sections):
                cache.clear()
            raise
        return count

    def _known(self) -> dict[str, tuple[int, int]]:
        rows = self.db.execute("SELECT path, id, mtime FROM folder")
        return {path: (number, mtime) for path, number, mtime in rows}

    def _changed(self) -> bool:
        known = self._known()
        if any(home not in known for home in homes(self.root)):
            return True
        return any(mtime_of(self.root, path) != mtime for path, (_, mtime) in known.items())

    def _apply(self, progress: Progress | None) -> int:
        count, known, reached = 0, self._known(), set[str]()
        waiting = list(homes(self.root))
        children = _children(known)
        while waiting:
            path = waiting.pop()
            reached.add(path)
            number, mtime = known.get(path, (None, None))
            if number is not None and mtime_of(self.root, path) == mtime:
                waiting += children.get(path, ())
                continue
            listing = list_folder(self.root, path)
            if listing is not None:
                count += self._take(listing, progress, count)
                waiting += [inner(path, name) for name in listing.folders]
            else:
                reached.discard(path)
        for path in known.keys() - reached:
            self._forget(known[path][0])
        return count

    def _take(self, listing: Listing, progress: Progress | None, before: int) -> int:
        folder = self._folder(listing.path)
        rows = self.db.execute(
            "SELECT name, mtime, size, inode, id FROM record WHERE folder = ?", (folder,)
        )
        known = {row[0]: (tuple(row[1:4]), row[4]) for row in rows}
        for name in known.keys() - listing.files.keys():
            self.db.execute("DELETE FROM record WHERE id = ?", (known[name][1],))
        count, is_whole = 0, True
        for name, stat in listing.files.items():
            if known.get(name, (None,))[0] != stat:
                is_whole &= self._put(folder, listing.path, name, stat)
                count += 1
                if progress is not None and (before + count) % 200 == 0:
                    progress(before + count)
        settled = is_whole and listing.mtime < time.time_ns() - _RACY_NS
        self.db.execute(
            "UPDATE folder SET mtime = ? WHERE id = ?", (listing.mtime if settled else 0, folder)
        )
        return count

    def _put(self, folder: int, path: str, name: str, stat: tuple[int, int, int]) -> bool:
        """Takes in one file; False if it cannot be read now and must be tried again."""
        self.db.execute("DELETE FROM record WHERE folder = ? AND name = ?", (folder, name))
        try:
            data = json.loads((self.root / path / name).read_bytes())
        except (OSError, ValueError, RecursionError):
            return False
        is_run = isinstance(data, dict) and isinstance(data.get("record_version"), int)
        number = self.db.execute(
            "INSERT INTO record (folder, name, mtime, size, inode, is_run) VALUES (?,?,?,?,?,?)",
            (folder, name, *stat, is_run),
        ).lastrowid
        if is_run and number is not None:
            self._link(number, data)
        return True

    def _link(self, record: int, data: dict[str, Any]) -> None:
        facts = ((self._key(key), record, self._value(key, one)) for key, one in own_values(data))
        self.db.executemany("INSERT OR IGNORE INTO fact VALUES (?, ?, ?)", facts)
        links = {self._section(key, content) for key, content in sections(data)}
        self.db.executemany(
            "INSERT OR IGNORE INTO section_fact VALUES (?, ?)", ((one, record) for one in links)
        )

    def _key(self, name: str) -> int:
        found = self._keys.get(name)
        if found is None:
            row = self.db.execute("SELECT id FROM key WHERE name = ?", (name,)).fetchone()
            found = self._keys[name] = row[0] if row else self._insert("key (name)", name)
        return found

    def _value(self, key: str, value: Any) -> int:
        text, number = encode(value)
        found = self._values.get((key, text))
        if found is None:
            row = self.db.execute(
                "SELECT id FROM value WHERE key = ? AND text = ?", (key, text)
            ).fetchone()
            found = row[0] if row else self._insert("value (key, text, number)", key, text, number)
            self._values[key, text] = found
        return found

    def _section(self, key: str, content: Any) -> int:
        from .query import flatten_section

        text = key + json.dumps(content, sort_keys=True)
        found = self._sections.get(text)
        if found is None:
            row = self.db.execute("SELECT id FROM section WHERE text = ?", (text,)).fetchone()
            if row is None:
                found = self._insert("section (text)", text)
                ids = {self._value(*pair) for pair in flatten_section(key, content).items()}
                self.db.executemany(
                    "INSERT OR IGNORE INTO section_value VALUES (?, ?)",
                    ((value, found) for value in ids),
                )
            else:
                found = row[0]
            self._sections[text] = found
        return int(found)

    def _insert(self, target: str, *values: Any) -> int:
        marks = ", ".join("?" * len(values))
        number = self.db.execute(f"INSERT INTO {target} VALUES ({marks})", values).lastrowid
        assert number is not None  # an INSERT that succeeded
        return number

    def _folder(self, path: str) -> int:
        self.db.execute("INSERT OR IGNORE INTO folder (path, mtime) VALUES (?, 0)", (path,))
        row = self.db.execute("SELECT id FROM folder WHERE path = ?", (path,)).fetchone()
        return int(row[0])

    def _forget(self, folder: int) -> None:
        self.db.execute("DELETE FROM record WHERE folder = ?", (folder,))
        self.db.execute("DELETE FROM folder WHERE id = ?", (folder,))

    def note(self, path: str, name: str) -> None:
        """Takes in one record that was just written; the folder's other files wait."""
        stat = (self.root / path / name).stat()
        self.db.execute("BEGIN IMMEDIATE")
        try:
            folder = self._folder(path)
            self._put(folder, path, name, (stat.st_mtime_ns, stat.st_size, stat.st_ino))
            self.db.execute("UPDATE folder SET mtime = 0 WHERE id = ?", (folder,))
            self.db.execute("COMMIT")
        except BaseException:
            self.db.execute("ROLLBACK")
            raise

    def paths(self, records: Sequence[int] | None = None) -> list[Path]:
        """The files of the given records, or of all runs, in the order they were taken in."""
        query = (
            "SELECT folder.path, record.name FROM record JOIN folder ON folder.id = record.folder"
            " WHERE is_run"
        )
        rows: list[tuple[str, str]] = []
        if records is None:
            rows = self.db.execute(f"{query} ORDER BY record.id").fetchall()
        for at in range(0, len(records or ()), _AT_ONCE):
            some = (records or ())[at : at + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            chosen = f"{query} AND record.id IN ({marks}) ORDER BY record.id"
            rows += self.db.execute(chosen, some).fetchall()
        return [self.root / f"{path}/{name}" for path, name in rows]


def note_record(root: Path, path: Path) -> None:
    """Adds a new record to an index that is there; a failure is left to the next catch-up."""
    if not (root / FOLDER / FILE).is_file():
        return
    with contextlib.suppress(Exception), Index(root, timeout=_NOTE_SECONDS) as index:
        index.note(path.parent.relative_to(root).as_posix(), path.name)


def rebuild(root: Path, progress: Progress | None = None) -> int:
    """Deletes the index and makes it anew; gives the number of files read."""
    _delete(root / FOLDER / FILE)
    with Index(root) as index:
        return index.catch_up(progress)


def _children(known: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in known:
        parent = path.rpartition("/")[0] or "."
        if path != ".":
            found.setdefault(parent, []).append(path)
    return found


def _opened(root: Path, timeout: float) -> sqlite3.Connection:
    file = root / FOLDER / FILE
    file.parent.mkdir(exist_ok=True)
    try:
        return _with_schema(_connected(file, timeout))
    except sqlite3.OperationalError:
        raise  # locked, read-only, no space: nothing is wrong with the file
    except sqlite3.DatabaseError:  # damaged, or no database at all
        _delete(file)
        return _with_schema(_connected(file, timeout))


def _connected(file: Path, timeout: float) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=timeout, isolation_level=None)
    # A cache need not survive a power cut: what is damaged is rebuilt.
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -65536")
    db.execute("PRAGMA temp_store = MEMORY")
    return db


def _with_schema(db: sqlite3.Connection) -> sqlite3.Connection:
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
            db.execute("SELECT 1 FROM record LIMIT 1").fetchone()
            return db
        db.execute("BEGIN IMMEDIATE")
        if db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
            _replace_schema(db)
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _replace_schema(db: sqlite3.Connection) -> None:
    tables = db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    for (name,) in tables.fetchall():
        db.execute(f'DROP TABLE "{name}"')
    for statement in SCHEMA.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _delete(file: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
