"""`expname adopt`: old checkpoints become findable; nothing is moved."""

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
    from ..adoption import Adopted


def add_to(verbs: Any) -> None:
    """Adds the verb to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "adopt",
        help="make old checkpoints findable",
        description="Writes a record for the checkpoints below PATH that have none. No file is"
        " moved, and no checkpoint is run or loaded.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--model", help="the model's name, where no file tells it")
    parser.add_argument("--dataset", help="the dataset's name, where no file tells it")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    add_root(parser)
    parser.set_defaults(run_verb=_adopt)


def _adopt(options: argparse.Namespace) -> int:
    if missing := [str(path) for path in options.paths if not path.exists()]:
        raise QueryError(f"there is no {', '.join(missing)}; give files or folders")
    from ..adoption import Hints, adopt

    hints = Hints(options.model, options.dataset)
    with _progress() as advance:
        done = adopt(
            options.paths, root=options.root, hints=hints, dry_run=options.dry_run, advance=advance
        )
    if options.json:
        print(json.dumps(_as_json(done), ensure_ascii=True, indent=1))
    else:
        _tell(done, dry_run=options.dry_run)
    return 0 if done.records or done.known else 1


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
