"""Renaming old checkpoints as this package names them, and taking that back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..file_lock import locked
from ..records import RunRecord, read_record, write_record
from ..records.content import places_of
from ..records.index import FOLDER
from ..records.search import all_records
from .journal import Journal, Renaming
from .renaming import Move, Plan, Planner, is_adopted
from .sources import Advance

_LOCK: Final = "renames.lock"


@dataclass(frozen=True)
class Renamed:
    """What came of it.

    Attributes:
        moved: from and to, absolute.
        left: path, and why it stays where it is.
    """

    moved: tuple[tuple[Path, Path], ...]
    left: tuple[tuple[Path, str], ...]


def rename(
    paths: Iterable[Path],
    *,
    root: Path,
    foreseen: Iterable[RunRecord] = (),
    dry_run: bool = False,
    advance: Advance | None = None,
) -> Renamed:
    """Gives adopted runs' checkpoints below `paths` the names and the folder of their records.

    No file is overwritten: where a name is taken, `-r2` ends the new one. Nothing leaves the root
    or comes into it. Each move is in the journal before it is made; what an earlier call did not
    finish is taken back first.

    Args:
        paths: files and folders.
        root: of the records.
        foreseen: records that are not written yet, of a dry run.
        dry_run: move nothing.
        advance: told how many of how many files were moved.

    Raises:
        OSError, RecordError: the disk refuses; `undo` takes back what was done.
    """
    root, tops = root.absolute(), [path.resolve() for path in paths]
    with alone(root, dry_run):
        if not dry_run:
            _take_back(root, unfinished_only=True)
        plans = _plans(root, tops, foreseen)
        total, done = sum(len(plan.moves) for plan in plans), 0
        for plan in () if dry_run else plans:
            for _ in _carry_out(plan, root):
                done += 1
                if advance is not None:
                    advance(done, total)
    moved = [(root / one.source, root / one.target) for plan in plans for one in plan.moves]
    return Renamed(tuple(moved), tuple(one for plan in plans for one in plan.left))


def undo(root: Path, *, dry_run: bool = False) -> Renamed:
    """Moves what `rename` moved back to where it was, the last first.

    What cannot be restored stays in the journal: once the reason is gone, it can be tried again.

    Raises:
        OSError, RecordError: the disk refuses, or the journal is none.
    """
    root = root.absolute()
    with alone(root, dry_run):
        return _take_back(root, dry_run=dry_run)


@contextlib.contextmanager
def alone(root: Path, dry_run: bool) -> Iterator[None]:
    """Two processes that adopt at once would both write a record, or undo each other's moves."""
    if dry_run:
        yield
    else:
        with locked(root / FOLDER / _LOCK):
            yield


def _plans(root: Path, tops: list[Path], foreseen: Iterable[RunRecord]) -> list[Plan]:
    written = list(all_records(root))
    records = [*written, *(one.replace(path=root / one.record) for one in foreseen)]
    planner = Planner(root, records)
    wanted = (one for one in records if is_adopted(one) and _lies_below(one, tops))
    return [planner.plan(one) for one in sorted(wanted, key=lambda one: one.record)]


def _lies_below(record: RunRecord, tops: list[Path]) -> bool:
    found = {
        one
        for file in record.checkpoints()
        for one in (_there(file.path), Path(os.path.realpath(file.path)))
    }
    return any(one.is_relative_to(top) for one in found for top in tops)


def _there(path: Path) -> Path:
    """Where a file lies, or a link itself."""
    return path.parent.resolve() / path.name


def _carry_out(plan: Plan, root: Path) -> Iterator[Move]:
    """At no moment is a file without its record: in between it tells of both places."""
    record = plan.record
    if not plan.moves:
        return
    journal = Journal(root)
    before = {key: record.to_json()[key] for key in ("places", "best", "last")}
    journal.add(record=record.record, **before)
    write_record(record.replace(places=tuple(dict.fromkeys((*record.places, *plan.places)))))
    moves = sorted(plan.moves, key=lambda move: (root / move.source).is_symlink())
    for move in moves:
        source = root / move.source
        stat = source.lstat()
        link = os.readlink(source) if source.is_symlink() else None
        journal.add(
            **{"from": move.source, "to": move.target},
            link=link,
            mtime=stat.st_mtime_ns,
            size=stat.st_size,
        )
        text = None if link is None else _new_link(link, move, plan, root)
        _move(source, root / move.target, text)
        yield move
    best, last = plan.renamed(record.best), plan.renamed(record.last)
    write_record(record.replace(places=plan.places, best=best, last=last))
    journal.add(done=True)


def _new_link(link: str, move: Move, plan: Plan, root: Path) -> str:
    """What a link says at its new place; a relative one moves with what it leads to."""
    if os.path.isabs(link):
        return link
    led = Path(os.path.normpath((root / move.source).parent / link))
    there = {root / one.source: root / one.target for one in plan.moves}.get(led, led)
    return os.path.relpath(there, (root / move.target).parent)


def _move(source: Path, target: Path, link: str | None) -> None:
    """To a name that nobody has.

    Raises:
        FileExistsError: somebody has it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if link is not None:
        os.symlink(link, target)
        source.unlink()
    elif source.is_dir():
        target.mkdir()  # fails where there is one; an empty one is replaced at once
        os.rename(source, target)
    else:
        _link_or_rename(source, target)


def _link_or_rename(source: Path, target: Path) -> None:
    try:
        os.link(source, target)  # unlike a rename it never replaces a file
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(f"{target} is there") from None
        os.rename(source, target)
    else:
        source.unlink()


def _take_back(root: Path, *, unfinished_only: bool = False, dry_run: bool = False) -> Renamed:
    journal = Journal(root)
    renamings = journal.renamings()
    moved: list[tuple[Path, Path]] = []
    left: list[tuple[Path, str]] = []
    kept: list[Renaming] = []
    for one in reversed(renamings):
        if unfinished_only and one.done:
            kept.append(one)
            continue
        back, stays = _undo_one(one, root, dry_run)
        moved += back
        left += stays
        moves = [move for move in one.moves if root / move["to"] in dict(stays)]
        if moves:
            kept.append(Renaming(one.run, moves, one.done))
    if journal.path.is_file() and not dry_run:  # a torn last line goes too
        journal.keep(reversed(kept))
    return Renamed(tuple(moved), tuple(left))


def _undo_one(
    one: Renaming, root: Path, dry_run: bool
) -> tuple[list[tuple[Path, Path]], list[tuple[Path, str]]]:
    back: list[tuple[Path, Path]] = []
    left: list[tuple[Path, str]] = []
    for move in reversed(one.moves):
        source, target = root / move["from"], root / move["to"]
        why = _why_not_back(move, source, target, root)
        if why is not None:
            left.append((target, why))
        elif os.path.lexists(target):
            if not dry_run:
                _move_back(move, source, target)
            back.append((target, source))
    path = root / one.run["record"]
    if not path.is_file():
        left.append((path, "this record is gone; `expname adopt` writes it anew"))
    elif not dry_run:
        _restore_record(path, one, {target for target, _ in left}, root)
    return back, left


def _why_not_back(move: dict[str, Any], source: Path, target: Path, root: Path) -> str | None:
    if not source.parent.resolve().is_relative_to(root.resolve()):
        return f"{source.parent} leads out of {root} now"
    here, there = os.path.lexists(target), os.path.lexists(source)
    if not here:
        return None if there else f"it is gone; it was {move['from']}"
    if there:
        is_half = _is_half_moved(move, source, target)
        return None if is_half else f"another file is at its old place {move['from']}"
    stat = target.lstat()
    is_same = (stat.st_mtime_ns, stat.st_size) == (move["mtime"], move["size"])
    if not (is_same if move["link"] is None else target.is_symlink()):
        return f"it has changed since; it was {move['from']}"
    return None


def _is_half_moved(move: dict[str, Any], source: Path, target: Path) -> bool:
    """Whether a kill came between the two steps of a move."""
    if move["link"] is not None:
        return target.is_symlink() and source.is_symlink() and os.readlink(source) == move["link"]
    if source.is_dir():
        return _is_empty(target) or _is_empty(source)
    return target.is_file() and source.is_file() and os.path.samefile(source, target)


def _move_back(move: dict[str, Any], source: Path, target: Path) -> None:
    if _is_empty(source):
        source.rmdir()
    if not os.path.lexists(source):
        _move(target, source, move["link"])
    elif _is_empty(target):
        target.rmdir()
    else:
        target.unlink()


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def _restore_record(path: Path, one: Renaming, left: set[Path], root: Path) -> None:
    """As before, but for files that stay; what else changed since is kept."""
    record = read_record(path)
    before = places_of(one.run, path)
    back = {move["to"]: move["from"] for move in one.moves if root / move["to"] not in left}
    places = tuple(dict.fromkeys((*before, *(record.places if left else ()))))
    best, last = record.best, record.last
    write_record(
        record.replace(places=places, best=back.get(best, best), last=back.get(last, last))
    )
