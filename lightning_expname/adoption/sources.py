"""What lies below a path that could be adopted: checkpoints, and folders of W&B's runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..records.header import CheckpointHeader, read_header
from ..records.resolve import WANDB_FOLDER

_EXTENSION: Final = ".ckpt"


@dataclass(frozen=True)
class Found:
    """What was found, nothing of it changed.

    Attributes:
        headers: of checkpoints of Lightning.
        broken: path and why it could not be read.
        wandb: by run id, the folder of W&B's run.
    """

    headers: tuple[CheckpointHeader, ...]
    broken: tuple[tuple[Path, str], ...]
    wandb: dict[str, Path]


def look(paths: Iterable[Path], advance: Callable[[Path], object] | None = None) -> Found:
    """Reads every checkpoint's header; none is run and no weights are loaded."""
    headers, broken, wandb = [], [], {}
    for path in _entries(paths):
        if folder := WANDB_FOLDER.fullmatch(path.name):
            wandb[folder[1]] = path
            continue
        header = read_header(path)
        if advance is not None:
            advance(path)
        if header.problem is None:
            headers.append(header)
        else:
            broken.append((path, header.problem))
    return Found(tuple(headers), tuple(broken), wandb)


def _entries(paths: Iterable[Path]) -> Iterator[Path]:
    seen = set[Path]()
    for given in paths:
        for path in [given] if given.is_file() else _below(given):
            if path not in seen:
                seen.add(path)
                yield path


def _below(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
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
