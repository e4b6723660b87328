"""A folder that is replaced whole: written beside its place, then swapped in."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import EstimatorError

MANIFEST: Final = "manifest.json"
_STALE_SECONDS: Final = 24 * 3600.0


@contextlib.contextmanager
def replaced(place: Path) -> Iterator[Path]:
    """A new folder to be filled, which takes `place` when the block ends without an error.

    Until then the old folder is untouched. A process that dies between the two renames leaves the
    old one beside its place, where `standing` finds it and the next save puts it back.

    Raises:
        EstimatorError: `place` is something else than a saved model.
    """
    place = Path(os.path.realpath(place))  # what a link leads to is replaced, not the link
    _check(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(place)
    staged = place.parent / f".{place.name}.{uuid.uuid4().hex}.tmp"
    staged.mkdir()
    try:
        yield staged
        for path in staged.iterdir():
            _flush(path)
        _flush(staged)
        _swap(staged, place)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def standing(place: Path) -> Path:
    """Where the model is: its place, or beside it when a swap was cut short."""
    place = Path(os.path.realpath(place))
    return place if place.exists() or not _aside(place).exists() else _aside(place)


def sha256(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _check(place: Path) -> None:
    """A folder of the user's own must not be swapped away."""
    if not place.exists():
        return
    if not place.is_dir() or (any(place.iterdir()) and not (place / MANIFEST).is_file()):
        raise EstimatorError(
            f"{place} is no saved model ({MANIFEST} is missing) and is not replaced; give a folder"
            " that is new or empty"
        )


def _aside(place: Path) -> Path:
    return place.parent / f".{place.name}.old"


def _swap(staged: Path, place: Path) -> None:
    aside = _aside(place)
    if aside.exists():
        if place.exists():
            shutil.rmtree(aside)
        else:
            os.rename(aside, place)
    if place.exists():
        os.rename(place, aside)
    os.rename(staged, place)
    _flush(place.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _flush(path: Path) -> None:
    """To the disk: a rename must not outlive what it renamed."""
    with contextlib.suppress(OSError):  # some file systems flush no directories
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_stale(place: Path) -> None:
    """What saves that were killed left behind, a day later: one may be under way."""
    for path in place.parent.glob(f".{_escaped(place.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _escaped(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
