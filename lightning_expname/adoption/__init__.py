"""Old checkpoints and W&B's folders of runs become findable: a record is written, no file moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..records import RunRecord
from ..records.claim import claim
from ..records.search import all_records
from .describe import Hints, record_of
from .groups import Group, group
from .sources import Found, look

__all__ = ["Adopted", "Hints", "adopt"]


@dataclass(frozen=True)
class Adopted:
    """What came of it.

    Attributes:
        records: of runs that were adopted, or would be.
        known: checkpoints that belonged to a run before.
        broken: path, and why it could not be read.
        foreign: path, and the names that loading it without `weights_only` would import.
    """

    records: tuple[RunRecord, ...]
    known: int
    broken: tuple[tuple[Path, str], ...]
    foreign: tuple[tuple[Path, tuple[str, ...]], ...]


def adopt(
    paths: Iterable[Path],
    *,
    root: Path,
    hints: Hints = Hints(),  # noqa: B008 - frozen
    dry_run: bool = False,
    advance: Callable[[Path], object] | None = None,
) -> Adopted:
    """Writes a record for every run whose checkpoints lie below `paths` and that has none.

    No file is moved, loaded or run. To adopt twice is to adopt once.

    Args:
        paths: files and folders.
        root: where the records go, below `checkpoints/{model}/{dataset}/`.
        hints: the model's and the dataset's names, where the files do not tell them.
        dry_run: write nothing.
        advance: told every path that was read.

    Raises:
        OSError: a record cannot be written.
    """
    found = look([path.absolute() for path in paths], advance)
    records = list(all_records(root))
    listed = {file.path.resolve() for one in records for file in one.checkpoints()}
    ids = {one.id for one in records}
    fresh = [one for one in found.headers if one.path.resolve() not in listed]
    made = []
    for one in group(fresh):
        record = record_of(one, root, hints, _wandb_id(one, found))
        if record.id not in ids:
            made.append(record if dry_run else _claimed(record, root))
    foreign = tuple((one.path, one.foreign) for one in found.headers if one.foreign)
    return Adopted(tuple(made), len(found.headers) - len(fresh), found.broken, foreign)


def _claimed(record: RunRecord, root: Path) -> RunRecord:
    def numbered(ordinal: int) -> RunRecord:
        if ordinal == 1:
            return record
        base = record.record.removesuffix(".json")
        again = f"-r{ordinal}"
        return record.replace(
            ordinal=ordinal,
            stem=record.stem + again,
            run=record.run + again,
            record=f"{base}{again}.json",
        )

    return claim(root, numbered, among_files=True)


def _wandb_id(one: Group, found: Found) -> str | None:
    """Lightning's WandbLogger saves below `{project}/{id}/checkpoints`."""
    parts = one.folder.parts[-3:]
    near = {
        folder.name.rpartition("-")[2]
        for parent in list(one.folder.parents)[:4]
        for folder in (parent / "wandb").glob("*run-*-*")
    }
    known = found.wandb.keys() | near
    return next((part for part in reversed(parts) if part in known), None)
