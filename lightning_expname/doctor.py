"""`examine`: what does not fit together below a root, and the mending of what is safe to mend."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from .adoption import adopt
from .errors import RecordError
from .records import RunRecord, read_record, write_record
from .records.files import EXTENSION
from .records.header import read_header
from .records.index import FILE, FOLDER, Index, rebuild
from .records.prints import by_print, is_copy, owners
from .records.scan import homes, walk
from .records.search import all_records
from .records.store import read_json

Kind = Literal["orphan", "gone", "duplicate", "renamed", "unreadable", "killed", "index"]

_NO_RECORD: Final = "a checkpoint that belongs to no record"
SAFE: Final[tuple[Kind, ...]] = ("orphan", "killed", "index")
"""What `mend` mends: by writing a record, a record's status, and the cache anew."""


@dataclass(frozen=True)
class Finding:
    """One thing that does not fit.

    Attributes:
        kind: `orphan` (a checkpoint without a run), `gone` (a record whose checkpoints are all
            deleted), `duplicate` (an id of several records), `renamed` (a record that lies
            elsewhere than it says, alone), `unreadable` (a record that is refused), `killed`
            (a record that says it runs, and its process is gone), `index` (the cache knows other
            files than lie there).
        path: of the file.
        told: in one sentence.
        fixed: whether it was mended.
    """

    kind: Kind
    path: Path
    told: str
    fixed: bool = False


def examine(root: Path) -> list[Finding]:
    """Everything that does not fit below a root; nothing is changed but the index caught up.

    Example:
        >>> examine(Path("."))
        []
    """
    root = root.absolute()
    records, refused = _read(root)
    return [
        *refused,
        *_duplicates(records),
        *(finding for record in records for finding in _of_record(record)),
        *_orphans(records, root),
        *_index_drift(records, root),
    ]


def mend(findings: Iterable[Finding], root: Path) -> list[Finding]:
    """The findings, those of the kinds in `SAFE` mended where that succeeds.

    Raises:
        OSError: the disk refuses.
    """
    return [
        replace(one, fixed=_mended(one, root.absolute())) if one.kind in SAFE else one
        for one in findings
    ]


def _read(root: Path) -> tuple[list[RunRecord], list[Finding]]:
    records, refused = [], []
    for listing in walk(root):
        for name in sorted(listing.files):
            path = root / listing.path / name
            try:
                records.append(read_record(path))
            except RecordError as error:
                if _claims_to_be_a_record(path):
                    refused.append(Finding("unreadable", path, str(error)))
    return records, refused


def _claims_to_be_a_record(path: Path) -> bool:
    """Other JSON files lie among records; what is no JSON at all may have been one."""
    try:
        return "record_version" in read_json(path)
    except RecordError:
        return True


def _duplicates(records: Iterable[RunRecord]) -> Iterator[Finding]:
    by_id = defaultdict(list)
    for record in records:
        by_id[record.id].append(record)
    for run_id, same in by_id.items():
        for record in same[1:]:
            told = f"id {run_id!r} is that of {same[0].path} too: a copy?"
            yield Finding("duplicate", _path(record), told)


def _of_record(record: RunRecord) -> Iterator[Finding]:
    path = _path(record)
    if path.name != Path(record.record).name:
        told = f"the record of {record.run!r} was {Path(record.record).name} when it was written"
        yield Finding("renamed", path, told)
    if record.last is not None and record.places and not record.checkpoints():
        yield Finding("gone", path, f"no checkpoint of {record.run!r} is left")
    if record.as_now().status != record.status:
        yield Finding("killed", path, f"{record.run!r} says that it runs, and its process is gone")


def _orphans(records: Iterable[RunRecord], root: Path) -> Iterator[Finding]:
    records = list(records)
    prints = by_print(records)
    names = {record.id: record.run for record in records}
    listed = {file.path for record in records for file in record.checkpoints()}
    for home in homes(root):
        for path in sorted((root / home).rglob(f"*{EXTENSION}")):
            inside = any(parent in listed for parent in path.parents)
            if path not in listed and not inside:
                known = names.get(_id_in(path))
                adopted = [] if known else owners(path, prints)
                if any(is_copy(path, one) for one in adopted):
                    continue
                run = known or next((one.run for one in adopted), None)
                told = f"a checkpoint of {run!r} under another name" if run else _NO_RECORD
                yield Finding("orphan", path, told)


def _index_drift(records: Iterable[RunRecord], root: Path) -> Iterator[Finding]:
    """Records that were read before the index: what comes meanwhile is no drift."""
    file = root / FOLDER / FILE
    if not file.is_file():
        return
    there = {_path(record) for record in records}
    try:
        with Index(root, timeout=5.0) as index:
            index.catch_up()
            known = set(index.paths())
    except (sqlite3.Error, OSError, UnicodeError) as error:
        yield Finding("index", file, f"it cannot be used: {error}")
        return
    if odd := sorted(path for path in known - there if not path.exists()):
        yield Finding("index", file, f"it lists {len(odd)} records that are not there: {odd[0]}")
    if odd := sorted(path for path in there - known if path.exists()):
        yield Finding("index", file, f"it does not list {len(odd)} records: {odd[0]}")


def _mended(finding: Finding, root: Path) -> bool:
    if finding.kind == "killed":
        write_record(read_record(finding.path).as_now())
    elif finding.kind == "index":
        rebuild(root)
    elif record := next((one for one in all_records(root) if one.id == _id_in(finding.path)), None):
        write_record(record.with_file(finding.path))
    else:
        done = adopt([finding.path], root=root)
        return bool(done.records or done.known)  # known: an orphan mended before has its shape
    return True


def _id_in(checkpoint: Path) -> str:
    return str((read_header(checkpoint).identity or {}).get("id", ""))


def _path(record: RunRecord) -> Path:
    assert record.path is not None  # it was read from there
    return record.path
