"""What lies below a path that could be adopted: checkpoints, and folders of W&B's runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..records.header import CheckpointHeader, read_header
from ..records.resolve import WANDB_FOLDER
from ..wandb_log import Recorded, read_recorded

_EXTENSION: Final = ".ckpt"
_LOG: Final = ".wandb"

Advance = Callable[[int, int], object]
"""Told how many of how many files were looked at."""


@dataclass(frozen=True)
class Found:
    """What was found, nothing of it changed.

    Attributes:
        headers: of checkpoints of Lightning.
        broken: path and why it could not be read.
        ids: of the runs that W&B has folders of.
        logs: by run id, what W&B recorded of it.
    """

    headers: tuple[CheckpointHeader, ...]
    broken: tuple[tuple[Path, str], ...]
    ids: frozenset[str]
    logs: Mapping[str, Recorded]


def look(paths: Iterable[Path], advance: Advance | None = None) -> Found:
    """Reads checkpoints' headers and W&B's logs; none is run and no weights are loaded."""
    headers: list[CheckpointHeader] = []
    broken: list[tuple[Path, str]] = []
    ids = set[str]()
    logs: dict[str, Recorded] = {}
    entries = list(_entries(paths, broken))
    for count, path in enumerate(entries, 1):
        folder = WANDB_FOLDER.fullmatch(path.name)
        read = _read_log(path, folder[1]) if folder else _read_checkpoint(path)
        if folder:
            ids.add(folder[1])
        if isinstance(read, str):
            broken.append((path, read))
        elif isinstance(read, CheckpointHeader):
            headers.append(read)
        elif read is not None and folder:
            earlier = logs.get(folder[1])
            if earlier is None or earlier.started <= read.started:  # a run that was continued
                logs[folder[1]] = read
        if advance is not None:
            advance(count, len(entries))
    return Found(tuple(headers), tuple(broken), frozenset(ids), logs)


def _read_checkpoint(path: Path) -> CheckpointHeader | str:
    header = read_header(path)
    return header if header.problem is None else header.problem


def _read_log(folder: Path, run_id: str) -> Recorded | str | None:
    """What W&B recorded, or why that cannot be read; None of a folder without a log."""
    file = folder / f"run-{run_id}{_LOG}"
    if not file.is_file():
        return None
    try:
        recorded = read_recorded(file, series=False)
    except Exception as error:  # damaged in any way: protobuf, JSON and our own have their kinds
        return f"its log cannot be read: {type(error).__name__}: {error}"
    return recorded if recorded.started else "its log ends before the run was recorded"


def _entries(paths: Iterable[Path], broken: list[tuple[Path, str]]) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        broken.append((Path(error.filename), f"a folder that cannot be listed: {error.strerror}"))

    seen = set[Path]()
    for given in paths:
        for path in [_whole(given)] if given.is_file() else _below(given, refused):
            if path not in seen:
                seen.add(path)
                yield path


def _whole(file: Path) -> Path:
    """A log of W&B stands for its folder."""
    return file.parent if file.suffix == _LOG else file


def _below(top: Path, refused: Callable[[OSError], None]) -> Iterator[Path]:
    if _is_whole(top):
        yield top
    for folder, folders, files in os.walk(top, onerror=refused):
        where = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        whole = [name for name in folders if _is_whole(where / name)]
        folders[:] = [name for name in folders if not name.endswith(_EXTENSION)]
        yield from (where / name for name in whole)
        yield from (where / name for name in sorted(files) if name.endswith(_EXTENSION))


def _is_whole(path: Path) -> bool:
    """A sharded checkpoint or a W&B run, and no second way to one (`latest-run`)."""
    named = WANDB_FOLDER.fullmatch(path.name) or path.name.endswith(_EXTENSION)
    return bool(named) and not path.is_symlink()
