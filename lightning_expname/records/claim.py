"""A stem belongs to one run: the exclusive claim, with `-r2`, `-r3`... for those that come later.

The claim is the creation of the record's file. Names that differ only in case are one name here:
the tree may be copied to a file system that does not tell them apart.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
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
        if not _is_taken(root, record, path, among_files) and _create(record, path):
            note_record(root.absolute(), path)
            return record
    raise AssertionError("itertools.count ends only with the process")


def _is_taken(root: Path, record: RunRecord, path: Path, among_files: bool) -> bool:
    """Whether a record or a checkpoint with this name is there, in whatever case.

    Checkpoints without a record count too: somebody deleted the record, but a new run must not
    write among them.
    """
    if path.name.casefold() in map(str.casefold, _names_in(path.parent)):
        return True
    return not among_files and any(_holds_files(root, place, record) for place in record.places)


def _holds_files(root: Path, place: CheckpointPlace, record: RunRecord) -> bool:
    """Only places that carry the stem are the run's alone; others the user chose, and shares."""
    prefix = record.record.removesuffix(".json")
    if place.directory.startswith(prefix):
        rest = place.directory[len(PurePosixPath(prefix).parent.as_posix()) :].strip("/")
        folder = rest.split("/")[0].casefold()
        return folder in map(str.casefold, _names_in((root / prefix).parent))
    if record.stem not in place.name:
        return False
    pattern = place.pattern(ignore_case=True)
    return any(pattern.fullmatch(name) for name in _names_in(root / place.directory))


def _names_in(directory: Path) -> list[str]:
    return [entry.name for entry in directory.iterdir()] if directory.is_dir() else []


def _create(record: RunRecord, path: Path) -> bool:
    """Creates the file, and withdraws it if a name that differs in case came at the same moment."""
    if not create_record(record, path):
        return False
    folded = path.name.casefold()
    if sum(name.casefold() == folded for name in _names_in(path.parent)) == 1:
        return True
    path.unlink()
    time.sleep(random.uniform(0.0, 0.05))  # both may have withdrawn: do not meet again
    return False
