"""What a checkpoint without an identity is known by when somebody has renamed it: its content."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from .record import RunRecord

_PART: Final = 1 << 20
_DIGITS: Final = 16


def print_of(path: Path) -> str | None:
    """A digest of a file's content that costs no reading of weights; None of what is no file.

    Of a zip the sizes and CRC-32 of all that it holds, as its directory lists them: equal prints
    are equal contents, as far as CRC-32 tells. Of older formats their size, beginning and end.

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


def by_print(records: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """The adopted runs by each of their prints."""
    found = defaultdict[str, list[RunRecord]](list)
    for one in records:
        for told in prints_in(one):
            found[told].append(one)
    return found


def owners(path: Path, known: Mapping[str, list[RunRecord]]) -> list[RunRecord]:
    """The adopted runs that this file's content is one of.

    Args:
        path: is read only where there are adopted runs.
        known: of `by_print`.
    """
    told = print_of(path) if known else None
    return [] if told is None else known.get(told, [])


def is_copy(path: Path, record: RunRecord) -> bool:
    """Whether the run has this content in another of its files still."""
    told = print_of(path)
    return any(print_of(one.path) == told for one in record.checkpoints() if one.path != path)
