"""Which names old checkpoints would have been given: planned as a whole, before any is moved."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from ..errors import RecordError
from ..records import CheckpointPlace, RunRecord
from ..records.files import CheckpointFile
from ..records.header import read_header
from ..records.scan import SUFFIX
from .shapes import shape_of

_LAST: Final = "-last"
_EPOCHS: Final = "-epoch{epoch}"
_DIGITS: Final = re.compile(r"(?<=-)(epoch|step)\d+")


@dataclass(frozen=True)
class Move:
    """One file, or the directory of a sharded checkpoint; both paths relative to the root."""

    source: str
    target: str


@dataclass(frozen=True)
class Plan:
    """What becomes of one run's files.

    Attributes:
        record: as it is now.
        moves: never onto another file.
        places: of the record afterwards.
        left: path, and why it stays where it is.
    """

    record: RunRecord
    moves: tuple[Move, ...]
    places: tuple[CheckpointPlace, ...]
    left: tuple[tuple[Path, str], ...] = ()

    def renamed(self, stored: str | None) -> str | None:
        """Where a path of the record lies afterwards."""
        return {move.source: move.target for move in self.moves}.get(stored or "", stored)


class Planner:
    """Plans one run after the other, so that no two get one name."""

    def __init__(self, root: Path, records: Iterable[RunRecord]) -> None:
        self._root = root
        self._names: dict[str, set[str]] = {}
        self._places: dict[Path, list[tuple[str, CheckpointPlace]]] = defaultdict(list)
        for record in records:
            for place in record.places:
                directory = record.locate(place.directory)
                if directory is not None:
                    self._places[directory].append((record.record, place))

    def plan(self, record: RunRecord) -> Plan:
        """The names that the run's files should have, beside its record."""
        home = PurePosixPath(record.record).parent.as_posix()
        files, left = self._movable(record, self._root / home)
        moves, named = [], []
        for file, label in zip(files, _labels(files), strict=True):
            one = self._named(record, home, file, label)
            named.append(one)
            source = file.path.relative_to(self._root).as_posix()
            if source != f"{home}/{one.name}":
                moves.append(Move(source, f"{home}/{one.name}"))
        old = record.places if left else ()
        places = (*self._as_places(home, files, named), *old)
        return Plan(record, tuple(moves), tuple(dict.fromkeys(places)), tuple(left))

    def _movable(
        self, record: RunRecord, home: Path
    ) -> tuple[list[CheckpointFile], list[tuple[Path, str]]]:
        files, left = [], []
        for file in record.checkpoints():
            why = _why_not(file.path, self._root, home)
            if record.path is not None and record.path.parent != home:
                why = "its record lies elsewhere than it was written"
            if why is None:
                files.append(file)
            else:
                left.append((file.path, why))
        return files, left

    def _named(self, record: RunRecord, home: str, file: CheckpointFile, label: str) -> _Named:
        """The wanted name, `-r2`... behind it where another file or another run has it."""
        # not record.stem: a text that anybody may have written, while this is the name of a file
        stem = PurePosixPath(record.record).name.removesuffix(SUFFIX)
        names, extension = self._listed(home), file.path.suffix
        for again in _numbers():
            name = f"{stem}{label}{again}{extension}"
            is_itself = file.path == self._root / home / name
            if is_itself or not (name.casefold() in names or self._is_others(record, home, name)):
                names.add(name.casefold())
                return _Named(name, stem, label, extension, bool(again))
        raise AssertionError("the numbers have no end")

    def _is_others(self, record: RunRecord, home: str, name: str) -> bool:
        places = self._places.get(self._root / home, ())
        return any(
            owner != record.record and place.pattern(ignore_case=True).fullmatch(name)
            for owner, place in places
        )

    def _listed(self, home: str) -> set[str]:
        if home not in self._names:
            directory = self._root / home
            found = os.listdir(directory) if directory.is_dir() else ()
            self._names[home] = {name.casefold() for name in found}
        return self._names[home]

    def _as_places(
        self, home: str, files: Sequence[CheckpointFile], named: Sequence[_Named]
    ) -> Iterator[CheckpointPlace]:
        """One place for all, and exact names for those that it does not tell from others."""
        ours = {one.name.casefold() for one in named}
        ours |= {one.path.name.casefold() for one in files if one.path.parent == self._root / home}
        others = self._listed(home) - ours
        for one in named:
            pattern = one.place(home).pattern(ignore_case=True)
            is_shared = one.is_numbered or any(map(pattern.fullmatch, others))
            yield one.exactly(home) if is_shared else one.place(home)


@dataclass(frozen=True)
class _Named:
    """A file's new name and what it is made of."""

    name: str
    stem: str
    label: str
    extension: str
    is_numbered: bool

    def place(self, home: str) -> CheckpointPlace:
        label = _EPOCHS if self.label == _LAST else _DIGITS.sub(r"\1{\1}", self.label)
        return CheckpointPlace(home, self.stem + label, self.stem + _LAST, self.extension)

    def exactly(self, home: str) -> CheckpointPlace:
        name = self.name.removesuffix(self.extension)
        return CheckpointPlace(home, name, extension=self.extension, exact=True)


def _labels(files: Sequence[CheckpointFile]) -> list[str]:
    """What stands behind the stem: the epoch, and the step where epochs repeat."""
    headers = [read_header(file.path) for file in files]
    is_last = [file.is_last or shape_of(file.path.stem).is_last for file in files]
    epochs = [
        header.epoch if file.epoch is None else file.epoch
        for file, header in zip(files, headers, strict=True)
    ]
    counted = Counter(epoch for epoch, last in zip(epochs, is_last, strict=True) if not last)
    repeats = any(count > 1 for count in counted.values())
    labels = []
    for epoch, header, last in zip(epochs, headers, is_last, strict=True):
        step = f"-step{header.step}" if repeats and header.step is not None else ""
        spoken = step if epoch is None else f"-epoch{epoch}{step}"
        labels.append(_LAST if last else spoken)
    return labels


def _numbers() -> Iterator[str]:
    yield ""
    yield from (f"-r{number}" for number in itertools.count(2))


def _why_not(path: Path, root: Path, home: Path) -> str | None:
    """Why a file stays: renaming neither leaves the root nor copies from disk to disk."""
    if not path.is_relative_to(root) or not path.parent.resolve().is_relative_to(root.resolve()):
        return f"it lies outside of {root}: it stays there, and is found there"
    near = next(one for one in (home, *home.parents) if one.exists())
    if not near.resolve().is_relative_to(root.resolve()):
        return f"{near} leads out of {root}"
    if path.lstat().st_dev != near.stat().st_dev:
        return "it lies on another file system than its new place"
    return None


def is_adopted(record: RunRecord) -> bool:
    """Whether a record is one of `expname adopt` that has files."""
    try:
        return "adopted" in record.config and bool(record.checkpoints())
    except RecordError:
        return False
