"""Where a path that a record holds lies now, and that it never leads out of the record's root."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ..errors import RecordError


def check_inside(texts: Iterable[str], told: object) -> None:
    """Refuses paths with `..`: a record may come from anywhere.

    An absolute path is one that the run's user chose (`dirpath=`), and is followed.

    Raises:
        RecordError: one of them leads out.
    """
    for text in texts:
        if "\0" in text or (".." in text and ".." in re.split(r"[/\\]", text)):
            raise RecordError(
                f"{told}: the path {text!r} in this record leads out of its root; a record holds"
                " paths below its root, or absolute ones. Do not use it unless you know its origin"
            )


def stored(path: str | os.PathLike[str], root: Path) -> str:
    """As a record holds a path: relative to the root where it lies below it, so that both may move.

    Example:
        >>> stored("/runs/net/a.ckpt", Path("/runs")), stored("/other/a.ckpt", Path("/runs"))
        ('net/a.ckpt', '/other/a.ckpt')
    """
    there, top = Path(os.path.abspath(path)), Path(os.path.abspath(root))
    return (there.relative_to(top) if there.is_relative_to(top) else there).as_posix()


def locate(file: Path, record: str, stored: str) -> Path | None:
    """The present place of a stored path; None when it cannot be told.

    It is looked for beside the record, so that a part of the tree may be moved alone.

    Args:
        file: where the record lies now.
        record: where it lay below its root.
        stored: relative to that root (POSIX), or absolute.

    Example:
        >>> locate(Path("/new/Digits/a.json"), "checkpoints/Net/Digits/a.json",
        ...        "checkpoints/Net/Digits/ddp/a")
        PosixPath('/new/Digits/ddp/a')
    """
    path = PurePosixPath(stored)
    if path.is_absolute():
        return Path(stored)
    home = PurePosixPath(record).parent.parts
    shared = _shared(home, path.parts)
    left = home[shared:]  # folders to climb out of: they must still be called so
    if left and file.parent.parts[-len(left) :] != left:
        return None
    base = file.parents[len(left)]
    return base.joinpath(*path.parts[shared:])


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
