"""What a checkpoint without an identity is known by when somebody has renamed it: its content."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from .record import RunRecord

_PART: Final = 1 << 20
_DIGITS: Final = 16


def print_of(path: Path) -> str | None:
    """A digest of a file's content that costs no reading of weights; None of what is no file.

    Of a zip the sizes and CRC-32 of all that it holds, as its directory lists them: equal prints
    are equal contents. Of older formats their size, beginning and end.

    Example:
        >>> print_of(Path("a.ckpt")) == print_of(Path("a renamed copy.ckpt"))
        True
    """
    try:
        if not path.is_file():
            return None
        told = _of_zip(path) if zipfile.is_zipfile(path) else _of_ends(path)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return None
    return hashlib.sha256(told).hexdigest()[:_DIGITS]


def _of_zip(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        # torch calls the folder within as the file was called when it was saved
        listed = [(one.filename.partition("/")[2], one.CRC, one.file_size) for one in entries]
    return repr(listed).encode("utf-8", "surrogatepass")


def _of_ends(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(_PART)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _PART, 0))
        return start + file.read(_PART) + str(size).encode("ascii")


def prints_in(record: RunRecord) -> tuple[str, ...]:
    """The prints that `expname adopt` noted in a record."""
    adopted = record.config.get("adopted")
    prints = adopted.get("prints") if isinstance(adopted, Mapping) else None
    return tuple(map(str, prints)) if isinstance(prints, (list, tuple)) else ()


def owners(path: Path, records: Iterable[RunRecord]) -> list[RunRecord]:
    """The adopted runs that this file's content is one of."""
    told = print_of(path)
    return [] if told is None else [one for one in records if told in prints_in(one)]
