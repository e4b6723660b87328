"""Reading and writing a record: whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

from ..errors import RecordError
from .record import RunRecord


def read_record(path: str | os.PathLike[str]) -> RunRecord:
    """The record in a file.

    Raises:
        RecordError: the file is missing, is no JSON or no record.
    """
    where = Path(path).absolute()
    return RunRecord.from_json(read_json(where), where)


def read_json(path: Path) -> dict[str, Any]:
    """The content of a record's file, as it is.

    Raises:
        RecordError: the file is missing, is no JSON or no record.
    """
    try:
        data = json.loads(_bytes(path))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path}: cannot be read as a run's record: {error}") from error
    if not isinstance(data, dict):
        raise RecordError(f"{path}: not a run's record (it is no JSON object)")
    return data


def _bytes(path: Path) -> bytes:
    """The content; half the system calls of a file object, since thousands are read at once."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(number).st_size
        data = os.read(number, size)
        while len(data) < size and (rest := os.read(number, size - len(data))):
            data += rest  # a network file system may give less than was asked for
        return data
    finally:
        os.close(number)


def write_record(record: RunRecord) -> None:
    """Replaces the record's file at once: a reader sees the old one or the new one, whole.

    Raises:
        RecordError: it has no path.
        OSError: the disk refuses.
    """
    if record.path is None:
        raise RecordError(f"the record of run {record.run!r} has no path to be written to")
    staged = stage(record, record.path)
    try:
        os.replace(staged, record.path)
    except OSError:
        staged.unlink(missing_ok=True)
        raise


def create_record(record: RunRecord, path: Path) -> bool:
    """Creates the record's file, complete from its first moment; False if there is one already.

    A hard link is made in one step and refuses an existing name, on NFS as well (open(2), O_EXCL).
    """
    staged = stage(record, path)
    try:
        return _link_exclusively(staged, path)
    finally:
        staged.unlink(missing_ok=True)


def stage(record: RunRecord, path: Path) -> Path:
    """The record's text in a hidden file beside `path`, on disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        # half a character, which UTF-8 has not, becomes JSON's own escape of it
        with staged.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(_to_text(record))
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return staged


def _to_text(record: RunRecord) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False, indent=2) + "\n"


def _link_exclusively(staged: Path, path: Path) -> bool:
    try:
        os.link(staged, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links (FAT, some FUSE)
        return _copy_exclusively(staged, path)
    return True


def _copy_exclusively(staged: Path, path: Path) -> bool:
    with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        file.write(staged.read_text(encoding="utf-8"))
        return True
    return False
