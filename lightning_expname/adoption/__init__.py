"""Old checkpoints and W&B's folders of runs become findable: a record is written, no file moved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..records import RunRecord, leftover, write_record
from ..records.claim import claim, foreseen
from ..records.header import CheckpointHeader
from ..records.location import stored
from ..records.prints import by_print, is_copy, owners, prints_in
from ..records.resolve import WANDB_FOLDER
from ..records.search import all_records
from .describe import record_of
from .groups import Group, group
from .logged import record_of_log
from .moves import Renamed, alone, rename, undo
from .sources import Advance, Found, look
from .told import Hints

__all__ = ["Adopted", "Hints", "Renamed", "adopt", "rename", "undo"]


@dataclass(frozen=True)
class Adopted:
    """What came of it.

    Attributes:
        records: of runs that were adopted, or that got files beside those they had; or would.
        known: how many checkpoints, and W&B's folders, belonged to a record before.
        broken: path of a checkpoint or of W&B's folder, and why it could not be read.
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
    advance: Advance | None = None,
) -> Adopted:
    """Writes a record for every run below `paths` that has none: by checkpoints, and by W&B's log.

    No file is moved, loaded or run. To adopt twice is to adopt once, also at the same time. What
    is found later of a run that was adopted before joins it.

    Args:
        paths: files and folders.
        root: where the records go, below `checkpoints/{model}/{dataset}/`.
        hints: the model's and the dataset's names, where the files do not tell them.
        dry_run: write nothing.
        advance: told how many of how many files were looked at.

    Raises:
        OSError: a record cannot be written.
    """
    with alone(root.absolute(), dry_run):
        return _adopt(paths, root, hints, dry_run, advance)


def _adopt(
    paths: Iterable[Path], root: Path, hints: Hints, dry_run: bool, advance: Advance | None
) -> Adopted:
    found = look([path.absolute() for path in paths], advance)
    records = list(all_records(root))
    # no Path.resolve: it raises for a link that leads to itself
    listed = {os.path.realpath(file.path) for one in records for file in one.checkpoints()}
    by_id = {one.id: one for one in reversed(records)}
    fresh = [one for one in found.headers if os.path.realpath(one.path) not in listed]
    taken = set[str]()
    made: list[RunRecord] = []
    named = _renamed(fresh, records)
    for path, owner in named.items():
        if is_copy(path, by_id[owner.id]):
            continue
        by_id[owner.id] = by_id[owner.id].with_file(path)
        made.append(by_id[owner.id])
        if not dry_run:
            write_record(made[-1])
    fresh = [one for one in fresh if one.path not in named]
    for one in _planned(fresh, found, root, hints):
        if known := by_id.get(one.id):
            made += _extended(known, one, dry_run)
        else:
            made.append(_claimed(one, root, found, taken if dry_run else None))
            taken.add(made[-1].record.casefold())
    count = len(found.headers) - len(fresh) + len(found.logs.keys() & by_id.keys())
    foreign = tuple((one.path, one.foreign) for one in found.headers if one.foreign)
    once = {one.record: one for one in made}  # a run may get several files
    return Adopted(tuple(once.values()), count, found.broken, foreign)


def _renamed(
    fresh: Iterable[CheckpointHeader], records: Sequence[RunRecord]
) -> dict[Path, RunRecord]:
    """Files whose content one adopted run has or had under another name, and that run."""
    known = by_print(records)
    found = {one.path: owners(one.path, known) for one in fresh if not one.identity}
    return {path: runs[0] for path, runs in found.items() if len(runs) == 1}


def _extended(known: RunRecord, found: RunRecord, dry_run: bool) -> Iterator[RunRecord]:
    """An adopted run's record with the files that were found since; others tell of their own."""
    if "adopted" not in known.config or not set(found.places) - set(known.places):
        return
    prints = sorted({*prints_in(known), *prints_in(found)})
    wider = known.replace(
        places=tuple(dict.fromkeys((*known.places, *found.places))),
        config={**known.config, "adopted": {**known.config["adopted"], "prints": prints}},
    )
    newest = leftover.newest(wider.checkpoints())
    if newest is not None and stored(newest, known.root) == found.last:
        wider = wider.replace(
            best=found.best or known.best,
            last=found.last,
            finished=found.finished,
            score=known.score if found.score is None else found.score,
        )
    if not dry_run:
        write_record(wider)
    yield wider


def _planned(
    fresh: Iterable[CheckpointHeader], found: Found, root: Path, hints: Hints
) -> Iterator[RunRecord]:
    """The records of runs with checkpoints, then of those that only W&B's folders tell of."""
    told = set[str]()
    for one, run_id in _runs(fresh, found):
        is_new = run_id is not None and run_id not in told
        logged = found.logs.get(run_id) if run_id else None
        record = record_of(one, root, hints, run_id if is_new else None, logged)
        told.add(record.id)
        yield record
    for run_id, logged in found.logs.items():
        if run_id not in told:
            yield record_of_log(run_id, logged, hints)


def _runs(fresh: Iterable[CheckpointHeader], found: Found) -> Iterator[tuple[Group, str | None]]:
    """Checkpoints by run, with W&B's id: in one folder all that have it are one run's."""
    by_id: dict[tuple[str, Path], Group] = {}
    for one in group(fresh):
        run_id = _wandb_id(one, found)
        if run_id is None:
            yield one, None
        elif other := by_id.get((run_id, one.folder)):
            by_id[run_id, one.folder] = other.joined(one)
        else:
            by_id[run_id, one.folder] = one
    yield from ((one, run_id) for (run_id, _), one in by_id.items())


def _claimed(
    record: RunRecord, root: Path, found: Found, foreseen_too: set[str] | None
) -> RunRecord:
    """Under the first free name; when `foreseen_too` is given, of those free beside these."""
    is_shown = record.id in found.logs and bool(found.logs[record.id].name)

    def numbered(ordinal: int) -> RunRecord:
        if ordinal == 1:
            return record
        base = record.record.removesuffix(".json")
        again = f"-r{ordinal}"
        return record.replace(
            ordinal=ordinal,
            stem=record.stem + again,
            run=record.run if is_shown else record.run + again,  # W&B's table shows it as it is
            record=f"{base}{again}.json",
        )

    if foreseen_too is not None:
        return foreseen(root, numbered, foreseen_too)
    return claim(root, numbered, among_files=True)


def _wandb_id(one: Group, found: Found) -> str | None:
    """Lightning's WandbLogger saves below `{project}/{id}/checkpoints`, others in W&B's folder."""
    folders = [WANDB_FOLDER.fullmatch(part) for part in one.folder.parts[-4:]]
    parts = [*one.folder.parts[-3:], *(folder[1] for folder in folders if folder)]
    near = {
        folder.name.rpartition("-")[2]
        for parent in list(one.folder.parents)[:4]
        for folder in (parent / "wandb").glob("*run-*-*")
    }
    known = found.ids | near
    return next((part for part in reversed(parts) if part in known), None)
