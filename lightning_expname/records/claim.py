"""A stem belongs to one run: the exclusive claim, with `-r2`, `-r3`... for those that come later.

The claim is the creation of the record's file. Names that differ only in case are one name here:
the tree may be copied to a file system that does not tell them apart.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Container
from pathlib import Path, PurePosixPath

from .files import CheckpointPlace
from .index import note_record
from .record import RunRecord
from .store import create_record

RecordOf = Callable[[int], RunRecord]
"""Gives the record that a run would have as the n-th of its configuration (n from 1)."""


def claim(root: Path, record_of: RecordOf, *, among_files: bool = False) -> RunRecord:
    """The first record that nobody holds, created on disk.

    Args:
        root: the directory that `checkpoints/` lies in; made when missing.
        record_of: the run's record under a given ordinal; its `record` is where the file goes.
        among_files: whether checkpoints of this name that have no record are the run's own.

    Returns:
        The record, with its path.

    Raises:
        OSError: the disk refuses.

    Example:
        >>> claim(Path("."), lambda n: record.replace(stem=f"bs64-r{n}", record=f"bs64-r{n}.json"))
    """
    for ordinal in itertools.count(1):
        record = record_of(ordinal)
        path = root.absolute() / record.record
        record = record.replace(path=path)
        if not _is_taken(root, record, among_files) and _create(root, record, path):
            note_record(root.absolute(), path)
            return record
    raise AssertionError("itertools.count ends only with the process")


def foreseen(root: Path, record_of: RecordOf, without: Container[str] = ()) -> RunRecord:
    """The record that `claim(..., among_files=True)` would give; nothing is written.

    Args:
        root: as of `claim`.
        record_of: as of `claim`.
        without: case-folded paths of records that are taken too.
    """
    for ordinal in itertools.count(1):
        record = record_of(ordinal)
        is_taken = record.record.casefold() in without or _is_taken(root, record, among_files=True)
        if not is_taken:
            return record
    raise AssertionError("itertools.count ends only with the process")


def _is_taken(root: Path, record: RunRecord, among_files: bool) -> bool:
    """Whether a record or a checkpoint with this name is there, in whatever case.

    Checkpoints without a record count too: somebody deleted the record, but a new run must not
    write among them.
    """
    if _fold(record.record) in _folded_names(root, PurePosixPath(record.record).parent):
        return True
    return not among_files and any(_holds_files(root, place, record) for place in record.places)


def _holds_files(root: Path, place: CheckpointPlace, record: RunRecord) -> bool:
    """Only places that carry the stem are the run's alone; others the user chose, and shares."""
    prefix = record.record.removesuffix(".json")
    if place.directory.startswith(prefix):
        above = PurePosixPath(prefix).parent
        rest = place.directory[len(above.as_posix()) :].strip("/")
        return rest.split("/")[0].casefold() in _folded_names(root, above)
    if record.stem not in place.name:
        return False
    pattern = place.pattern(ignore_case=True)
    return any(pattern.fullmatch(name) for name in _names_in(root, PurePosixPath(place.directory)))


def _names_in(root: Path, directory: PurePosixPath) -> list[str]:
    """What lies in a directory below the root, and in those whose path differs only in case."""
    if directory.is_absolute():
        return [entry.name for entry in _entries(Path(directory))]
    found = [root]
    for part in directory.parts:
        folded = part.casefold()
        found = [one for above in found for one in _entries(above) if _fold(one.name) == folded]
    return [entry.name for one in found for entry in _entries(one)]


def _folded_names(root: Path, directory: PurePosixPath) -> list[str]:
    return [name.casefold() for name in _names_in(root, directory)]


def _fold(path: str) -> str:
    return PurePosixPath(path).name.casefold()


def _entries(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []


def _create(root: Path, record: RunRecord, path: Path) -> bool:
    """Creates the file, and withdraws it if a name that differs in case came at the same moment."""
    if not create_record(record, path):
        return False
    names = _folded_names(root, PurePosixPath(record.record).parent)
    if names.count(path.name.casefold()) == 1:
        return True
    path.unlink()
    time.sleep(random.uniform(0.0, 0.05))  # both may have withdrawn: do not meet again
    return False
