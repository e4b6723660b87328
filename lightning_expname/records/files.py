"""Which checkpoint files belong to a run, told from its names alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .location import stored

EXTENSION = ".ckpt"
_PLACEHOLDER = re.compile(r"\{([^{}:]+)(?::[^{}]*)?\}")
_COUNTER = re.compile(r"\d+")


@dataclass(frozen=True)
class CheckpointPlace:
    """Where a checkpoint callback puts its files.

    Attributes:
        directory: relative to the run's root (POSIX), or absolute when the user chose it so.
        name: the file name's template, without extension: `d_model8-bs64-epoch{epoch}`.
        last: the name of the copy of the last checkpoint, without extension.
        extension: of the files; a model of the ML side has that of its format.
        exact: whether `name` is that of one file, as it stands: other runs have files of the same
            template in this directory.
    """

    directory: str
    name: str
    last: str = "last"
    extension: str = EXTENSION
    exact: bool = False

    def pattern(self, *, ignore_case: bool = False) -> re.Pattern[str]:
        """A pattern that full-matches this place's files, `epoch` and `step` as groups."""
        if self.exact:
            return re.compile(_exact_pattern(self.name) + re.escape(self.extension))
        body = f"(?:{_template_pattern(self.name)}|(?P<last>{re.escape(self.last)}))"
        flags = re.IGNORECASE if ignore_case else 0
        return re.compile(rf"{body}(?:-v\d+)?{re.escape(self.extension)}", flags)


def exact_place(path: Path, root: Path) -> CheckpointPlace:
    """The place of one file, wherever it lies and whatever it is called."""
    return CheckpointPlace(stored(path.parent, root), path.stem, extension=path.suffix, exact=True)


@dataclass(frozen=True)
class CheckpointFile:
    """One checkpoint on disk: a file, or the directory of a sharded strategy.

    Attributes:
        path: absolute.
        epoch: the epoch in its name (0 is the first), None when the name does not tell.
        is_last: whether it is the copy that `save_last` keeps.
    """

    path: Path
    epoch: int | None
    is_last: bool


def _template_pattern(template: str) -> str:
    """The template as a regular expression; a repeated placeholder is matched, not named twice."""
    parts, end, seen = [], 0, set[str]()
    for match in _PLACEHOLDER.finditer(template):
        parts.append(re.escape(template[end : match.start()]))
        parts.append(_value_pattern(match.group(1), seen))
        end = match.end()
    return "".join([*parts, re.escape(template[end:])])


def _exact_pattern(name: str) -> str:
    return re.sub(r"(epoch=?)(\d+)", r"\1(?P<epoch>\2)", re.escape(name), count=1)


def _value_pattern(field: str, seen: set[str]) -> str:
    """Epoch and step are whole numbers; a metric is a number as Python formats it."""
    if field not in ("epoch", "step"):
        return r"-?(?:\d[\d.e+-]*|nan|inf)"
    if field in seen:
        return r"\d+"
    seen.add(field)
    return rf"(?P<{field}>\d+)"


def list_checkpoints(directory: Path, place: CheckpointPlace) -> Iterator[CheckpointFile]:
    """A place's checkpoints that lie in a directory, in the order of their names; none if it is
    missing.
    """
    if not directory.is_dir():
        return
    # matched before they are sorted: thousands of files of others may lie there
    found = filter(None, map(place.pattern().fullmatch, os.listdir(directory)))
    for match in sorted(found, key=lambda match: _natural(match.string)):
        is_last = bool(match.groupdict().get("last"))
        yield CheckpointFile(directory / match.string, _epoch(match), is_last)


def _epoch(match: re.Match[str]) -> int | None:
    found = match.groupdict().get("epoch")
    return None if found is None else int(found)


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts epoch9 before epoch10."""
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in _split_digits(name))


def _split_digits(name: str) -> list[str]:
    return [part for part in re.split(rf"({_COUNTER.pattern})", name) if part]
