"""`expname adopt`: old checkpoints become findable; nothing is moved but by `--rename`."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import QueryError
from .options import add_root
from .text import printable

if TYPE_CHECKING:
    from ..adoption import Adopted, Renamed


def add_to(verbs: Any) -> None:
    """Adds the verb to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "adopt",
        help="make old checkpoints findable",
        description="Writes a record for the checkpoints and W&B runs below PATH that have none. No"
        " file is moved unless --rename says so, and no checkpoint is run or loaded.",
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument("--model", help="the model's name, where no file tells it")
    parser.add_argument("--dataset", help="the dataset's name, where no file tells it")
    change = parser.add_mutually_exclusive_group()
    change.add_argument(
        "--rename",
        action="store_true",
        help="move the files to checkpoints/MODEL/DATASET/, named as their runs; never over a file",
    )
    change.add_argument("--undo", action="store_true", help="take back what --rename moved")
    parser.add_argument("--dry-run", action="store_true", help="write and move nothing")
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    add_root(parser)
    parser.set_defaults(run_verb=_adopt)


def _adopt(options: argparse.Namespace) -> int:
    if options.undo:
        return _undo(options)
    if not options.paths:
        raise QueryError("adopt needs a PATH: a folder of checkpoints, or a checkpoint")
    if missing := [str(path) for path in options.paths if not path.exists()]:
        raise QueryError(f"there is no {', '.join(missing)}; give files or folders")
    from ..adoption import Hints, adopt, rename

    hints, where = Hints(options.model, options.dataset), {"root": options.root}
    dry_run = options.dry_run
    with _progress() as advance:
        done = adopt(options.paths, **where, hints=hints, dry_run=dry_run, advance=advance)
    renamed = None
    if options.rename:
        foreseen = done.records if dry_run else ()
        with _progress() as advance:
            renamed = rename(
                options.paths, **where, foreseen=foreseen, dry_run=dry_run, advance=advance
            )
    if options.json:
        _print({**_as_json(done), **({} if renamed is None else _moves_json(renamed, "renamed"))})
    else:
        _tell(done, dry_run=dry_run)
        if renamed is not None:
            _tell_moves(renamed, "would be renamed" if dry_run else "renamed")
    return 0 if done.records or done.known else 1


def _undo(options: argparse.Namespace) -> int:
    if options.paths:
        raise QueryError("--undo takes back every rename below the root; give it no PATH")
    from ..adoption import undo

    done = undo(options.root, dry_run=options.dry_run)
    if options.json:
        _print(_moves_json(done, "restored"))
    else:
        _tell_moves(done, "would be restored" if options.dry_run else "restored")
    return 0 if done.moved and not done.left else 1


def _print(told: dict[str, Any]) -> None:
    print(json.dumps(told, ensure_ascii=True, indent=1))


def _moves_json(done: Renamed, what: str) -> dict[str, Any]:
    return {
        what: [{"from": str(source), "to": str(target)} for source, target in done.moved],
        "left": [{"path": str(path), "problem": why} for path, why in done.left],
    }


def _tell_moves(done: Renamed, what: str) -> None:
    for source, target in done.moved:
        print(printable(f"{source} -> {target}"))
    for path, why in done.left:
        print(printable(f"left     {path}: {why}"), file=sys.stderr)
    print(f"{len(done.moved)} files {what}, {len(done.left)} left", file=sys.stderr)


def _as_json(done: Adopted) -> dict[str, Any]:
    return {
        "adopted": [{"id": one.id, "run": one.run, "record": one.record} for one in done.records],
        "known": done.known,
        "broken": [{"path": str(path), "problem": why} for path, why in done.broken],
        "foreign": [{"path": str(path), "names": names} for path, names in done.foreign],
    }


def _tell(done: Adopted, *, dry_run: bool) -> None:
    for record in done.records:
        print(printable(f"{record.record}  {record.config['adopted']['folder']}"))
    for path, why in done.broken:
        print(printable(f"broken   {path}: {why}"), file=sys.stderr)
    for path, names in done.foreign:
        told = f"careful  {path}: loading it would import or run {', '.join(names)}"
        print(printable(told), file=sys.stderr)
    would = "would be adopted" if dry_run else "adopted"
    counted = f"{len(done.records)} runs {would}, {done.known} checkpoints known before"
    print(f"{counted}, {len(done.broken)} broken", file=sys.stderr)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int], object] | None]:
    """A bar on a terminal with rich; silence elsewhere."""
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("read", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
