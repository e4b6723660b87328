"""`resolve`: from what a person holds to the one run that it means.

A run's name, stem or id; a URL or path of W&B; a record's file; a checkpoint's file, also one that
is not there any more. What means several runs is an error that tells them apart, never a guess.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

from ..errors import LookupFailedError, RecordError
from .files import EXTENSION, CheckpointPlace
from .prints import by_print, owners
from .query import composed, flatten, same_value
from .record import RunRecord
from .scan import SUFFIX
from .search import all_records, search
from .store import read_record

_WANDB_URL: Final = re.compile(
    r"(?:https?://[^/\s]+|[^/\s:]+\.[^/\s:]+)/([^/?#]+)/([^/?#]+)/runs/([^/?#]+)(?:[/?#].*)?",
    re.IGNORECASE,
)
_URL_WITHIN: Final = re.compile(r"https?://\S+/runs/[^\s>)\]\"']+", re.IGNORECASE)
_WANDB_PATH: Final = re.compile(r"(?:[^/\s]+/)?([^/\n]+)/(?:runs/)?([^/\n]+)")
_WANDB_ID: Final = re.compile(r"[a-z0-9]{8}")  # as W&B makes them: no other run's, anywhere
_FILE_NAME: Final = re.compile(r"(?:(?:epoch|step)=?\d+|last)(?:-v\d+)?$")  # without extension
_AROUND: Final = "'\"`<>‘’“”"
WANDB_FOLDER: Final = re.compile(r"(?:offline-)?run-[0-9]{8}_[0-9]{6}-([^/\s]+)")
_CANDIDATES: Final = 8  # more are counted, not listed
_VOLATILE: Final = ("path", "record", "created", "finished")


def resolve(reference: str | os.PathLike[str], root: Path) -> RunRecord:
    """The run that a reference means.

    Args:
        reference: a run's name, stem or id, `entity/project/id` or a URL of W&B, the path of a
            record, of a checkpoint or of a W&B run's folder.
        root: the directory that `checkpoints/` lies in.

    Raises:
        LookupFailedError: it means no run (the nearest are suggested), or several (listed with
            what differs between them).
    """
    text = cleaned(reference)
    if not text:
        raise LookupFailedError("the reference is empty; give a run's name, id, URL or checkpoint")
    for find in (_by_record_file, _by_checkpoint, _by_wandb, _by_name):
        found = _distinct(_asked(find, text, root))
        if len(found) == 1:
            return found[0].as_now()
        if found:
            raise LookupFailedError(_ambiguous(text, found))
    raise LookupFailedError(_unknown(text, root))


def cleaned(reference: str | os.PathLike[str]) -> str:
    """A reference without what stands around it where it was copied from.

    Example:
        >>> cleaned("wandb: View run d8 at: https://wandb.example/me/Net/runs/ab12cd34 ")
        'https://wandb.example/me/Net/runs/ab12cd34'
    """
    text = os.fsdecode(reference).strip().strip(_AROUND).strip()
    within = _URL_WITHIN.search(text)
    return within[0] if within else text.removeprefix("file://")


def _asked(
    find: Callable[[str, Path], Iterable[RunRecord]], text: str, root: Path
) -> Iterable[RunRecord]:
    try:
        return find(text, root)
    except (OSError, UnicodeError):  # too long for a file's name, or of no characters
        return []


def wandb_path(text: str) -> tuple[str | None, str, str] | None:
    """(entity, project, id) of a URL or path of W&B; None for any other text.

    Example:
        >>> wandb_path("https://wandb.example/me/Net-Digits/runs/ab12cd34?nw=x")
        ('me', 'Net-Digits', 'ab12cd34')
    """
    if url := _WANDB_URL.fullmatch(text):
        entity, project, run_id = map(unquote, url.groups())
        return entity, project, run_id
    text = text.strip("/")
    if path := _WANDB_PATH.fullmatch(text):
        parts = text.split("/")
        return (parts[0] if len(parts) > 2 and parts[1] != "runs" else None), path[1], path[2]
    return None


def _by_record_file(text: str, root: Path) -> list[RunRecord]:
    name = text if text.endswith(SUFFIX) else text + SUFFIX
    for path in (Path(name), root / name):
        if path.is_file():
            with contextlib.suppress(RecordError):
                return [read_record(path)]
    return []


def _by_checkpoint(text: str, root: Path) -> Iterable[RunRecord]:
    """By what the file itself tells, else by its place and name."""
    path = next((one for one in (Path(text), root / text) if one.exists()), None)
    if path is None and not text.endswith(EXTENSION):
        return []
    if path is None:
        return _that_is_not_here(text, root)
    path = path.absolute()
    paths = tuple(dict.fromkeys((path, Path(os.path.realpath(path)))))  # as written, as it lies
    for one in paths:
        if found := _by_content_or_neighbours(one, root):
            return found
    records = list(all_records(root))
    holding = [one for one in records if any(_holds(one, at) for at in paths)]
    return holding or owners(path, by_print(records))


def _by_content_or_neighbours(path: Path, root: Path) -> list[RunRecord]:
    told = list(_told_by(path, root))
    beside = [one for one in _near(path) if _holds(one, path)]
    ids = {one.id for one in told}
    same = [one for one in beside if one.id in ids]  # a copied tree has the same ids
    return same or told or beside


def _that_is_not_here(text: str, root: Path) -> list[RunRecord]:
    """By a deleted file's path, by that on another machine, or by the name alone."""
    path = PurePosixPath(text.replace("\\", "/"))
    records = list(all_records(root))
    if found := [one for one in records if _holds(one, root.absolute() / path)]:
        return found
    folder = path.parent.as_posix()
    if folder == ".":
        return [one for one in records if any(_is_named(one, at, path.name) for at in one.places)]
    return [
        one
        for one in records
        for at in one.places
        if f"/{folder}".endswith(f"/{at.directory}") and at.pattern().fullmatch(path.name)
    ]


def _is_named(record: RunRecord, place: CheckpointPlace, name: str) -> bool:
    """Whether a name without a folder means the run: it holds the stem, or the file is there."""
    if not place.pattern().fullmatch(name):
        return False
    if record.stem in place.name:
        return True
    with contextlib.suppress(RecordError):
        directory = record.locate(place.directory)
        return directory is not None and (directory / name).exists()
    return False


def _told_by(path: Path, root: Path) -> list[RunRecord]:
    """The records with the id that a checkpoint carries inside; its name may have changed."""
    if folder := WANDB_FOLDER.fullmatch(path.name):
        return _of_id(folder[1], root)
    from .header import read_header

    identity = (read_header(path).identity or {}) if path.exists() else {}
    run_id = identity.get("id")
    return _of_id(run_id, root) if isinstance(run_id, str) and run_id else []


def _of_id(run_id: str, root: Path) -> list[RunRecord]:
    return search(f'id="{_escaped(run_id)}"', root=root)


def _near(path: Path) -> list[RunRecord]:
    """The records beside a checkpoint and in the folders that it lies in."""
    folders = (path.parent, *path.parents[1:4])
    return [record for folder in folders for record in _records_in(folder)]


def _records_in(folder: Path) -> list[RunRecord]:
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
        with contextlib.suppress(RecordError):
            found.append(read_record(path))
    return found


def _holds(record: RunRecord, path: Path) -> bool:
    """Whether a checkpoint of this path is the run's, whether it is there or not.

    A model of the ML side has its folder to itself: that is it, and whatever lies in it.
    """
    with contextlib.suppress(RecordError):
        for place in record.places:
            if record.kind == "ml" and record.locate(place.directory) in (path, path.parent):
                return True
            if path.parent == record.locate(place.directory) and place.pattern().fullmatch(
                path.name
            ):
                return True
    return False


def _by_wandb(text: str, root: Path) -> list[RunRecord]:
    told = wandb_path(text)
    if told is None:
        return []
    _, project, run_id = told
    found = _of_id(run_id, root)
    if same := [record for record in found if composed(project) in _projects(record)]:
        return same
    # a project may be renamed, but an id that a person chose may be another project's too
    return found if _WANDB_URL.fullmatch(text) and _WANDB_ID.fullmatch(run_id) else []


def _projects(record: RunRecord) -> set[str]:
    """As the record and as W&B's URL tell it: a sweep has its own."""
    told = wandb_path(record.url) if record.url else None
    return {composed(record.project), *([composed(told[1])] if told else [])}


def _by_name(text: str, root: Path) -> list[RunRecord]:
    """An id means more than a name, a run's name more than a stem: the first that finds counts."""
    quoted = f'"{_escaped(text)}"'
    queries = (f"id={quoted}", f"run={quoted}", f"stem={quoted}")
    found = (search(query, root=root) for query in queries)
    records = next((records for records in found if records), [])
    if records or not _FILE_NAME.search(text):
        return records
    return _that_is_not_here(text + EXTENSION, root)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _distinct(records: Iterable[RunRecord]) -> list[RunRecord]:
    return list({record.path: record for record in records}.values())


def _ambiguous(text: str, records: Sequence[RunRecord]) -> str:
    differing = differences(records)
    lines = [
        f"{one.id}  {one.record}  " + " ".join(f"{key}={_shown(row[i])}" for key, row in differing)
        for i, one in enumerate(records[:_CANDIDATES])
    ]
    more = f"\n  and {len(records) - _CANDIDATES} more" if len(records) > _CANDIDATES else ""
    listed = "\n  ".join(lines)
    return (
        f"{text!r} means {len(records)} runs; give the id or the record of one of them:\n"
        f"  {listed}{more}"
    )


def _shown(value: object) -> str:
    return "-" if value is ABSENT else repr(value)


ABSENT: Final = object()
"""What `differences` gives for a run without the key."""


def differences(records: Sequence[RunRecord]) -> list[tuple[str, list[object]]]:
    """(key, value of each run) of all that is not the same in every run; times and paths aside.

    Example:
        >>> differences([record, record.replace(score=0.5)])
        [('score', [0.9, 0.5])]
    """
    flats = [flatten(record.to_json()) for record in records]
    keys = dict.fromkeys(key for flat in flats for key in flat if key not in _VOLATILE)
    rows = ((key, [flat.get(key, ABSENT) for flat in flats]) for key in keys)
    return [(key, row) for key, row in rows if not all(same_value(row[0], one) for one in row)]


def _unknown(text: str, root: Path) -> str:
    names = {name for record in all_records(root) for name in (record.run, record.stem, record.id)}
    wanted = (text, PurePosixPath(text).name)  # an id behind a project's name
    near = (difflib.get_close_matches(one, names, n=3, cutoff=0.5) for one in wanted)
    nearest = next((found for found in near if found), [])
    hint = f"; the nearest: {', '.join(nearest)}" if nearest else ""
    where = root.absolute()
    if text.endswith(EXTENSION) and any(os.path.exists(one) for one in (text, root / text)):
        hint = "; it is a checkpoint of no run known here: `expname adopt` makes it findable"
    counted = "" if names else f"; there is no record at all below {where} (root=, --root)"
    return f"{text!r} is no run below {where}{hint}{counted}"
