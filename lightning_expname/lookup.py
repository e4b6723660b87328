"""`find_runs` and `resolve_run`: the public doors to the records, and to W&B when it is asked."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import LookupFailedError, QueryError
from .records import RunRecord
from .records.files import EXTENSION
from .records.resolve import cleaned, resolve, wandb_path
from .records.scan import SUFFIX
from .records.search import search

_WANDB = "wandb:"


def find_runs(
    *query: str,
    root: str | os.PathLike[str] = ".",
    sort: str | None = None,
    limit: int | None = None,
    source: str | None = None,
) -> list[RunRecord]:
    """The runs for which every condition holds, offline, from their records.

    Args:
        query: conditions: `"n_heads=8"`, `"lr<1e-4"`, `"act=gel*"`, `"dataset in [A, B]"`,
            `"trainer.max_epochs>10"`, or a word of a name. Values have types: `n=1` finds the int,
            `n=1.0` the float, `n="1"` the text.
        root: the directory that `checkpoints/` (or `save_model/`) lies in.
        sort: a key; `"-score"` for the largest first. Without it in the order of creation.
        limit: how many at most.
        source: `"wandb:entity/project"` asks the W&B server instead of the disk.

    Raises:
        QueryError: a condition, the limit or the source cannot be read.

    Example:
        >>> find_runs("n_heads=8", "lr<1e-4", sort="-score", limit=3)[0].checkpoint("best")
        PosixPath('.../checkpoints/Net/Digits/n_heads8-bs64-epoch3.ckpt')
    """
    if limit is not None and not (type(limit) is int and limit >= 0):
        raise QueryError(f"limit is {limit!r}; it is a number of runs, 0 or more, or None")
    if source is None:
        return search(*query, root=Path(root), sort=sort, limit=limit)
    if not source.startswith(_WANDB) or source.count("/") != 1:
        raise QueryError(f"source is {source!r}; write 'wandb:entity/project', or leave it out")
    from .wandb_lookup import search_wandb

    return search_wandb(source.removeprefix(_WANDB), *query, sort=sort, limit=limit)


def resolve_run(reference: str | os.PathLike[str], root: str | os.PathLike[str] = ".") -> RunRecord:
    """The one run that a name, stem, id, W&B URL, `entity/project/id` or file means.

    Args:
        reference: what a person holds; a checkpoint's file may have been renamed or moved.
        root: the directory that `checkpoints/` lies in.

    Raises:
        LookupFailedError: it means no run (the nearest are suggested; of a run that only W&B knows,
            where it was made), or several (listed with what differs between them).

    Example:
        >>> resolve_run("n_heads8-bs64-lr0.001").checkpoint("best")
        PosixPath('.../checkpoints/Net/Digits/n_heads8-bs64-epoch3.ckpt')
    """
    try:
        return resolve(reference, Path(root))
    except LookupFailedError as error:
        text = cleaned(reference)
        told = wandb_path(text)
        if told is None or told[0] is None or _is_path(text, Path(root)):
            raise  # only a full path of W&B is worth asking a server
        from .wandb_lookup import where_made

        raise LookupFailedError(f"{error}; {where_made(*told)}") from error


def _is_path(text: str, root: Path) -> bool:
    """Whether it means a file here, and nothing that W&B could know."""
    if text.endswith((EXTENSION, SUFFIX)) or text.startswith(("/", ".", "~")):
        return True
    return os.path.exists(text) or os.path.exists(root / text)
