"""`expname diff`: what differs between runs, and nothing else."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from ..errors import QueryError
from ..lookup import resolve_run
from ..records import RunRecord
from ..records.resolve import ABSENT, differences
from .options import add_root
from .table import show_table
from .text import printable

Row = tuple[str, list[object]]

_HEADER: Final = ("project", "run", "status", "score")
_ALWAYS: Final = ("run", "status", "score")
_IDENTITY: Final = (*_HEADER, "id", "stem", "ordinal", "digest", "url")
_SURROUNDINGS: Final = ("config.environment.",)
_LISTED: Final = 5


def add_to(verbs: Any) -> None:
    """Adds the verb to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "diff",
        help="what differs between runs",
        description="Shows who the runs are, and the keys whose values were decided otherwise.",
    )
    parser.add_argument("references", nargs="+", metavar="RUN", help="two or more runs")
    add_root(parser)
    parser.add_argument(
        "--all",
        action="store_true",
        help="every key that differs: the runs' names and results, repetitions, environment",
    )
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object of every such key to the values"
    )
    parser.set_defaults(run_verb=_diff)


def _diff(options: argparse.Namespace) -> None:
    if len(options.references) < 2:
        raise QueryError("diff compares two or more runs; one was given")
    records = [resolve_run(reference, options.root) for reference in options.references]
    rows = differences(records)
    if options.json:
        told = {key: [None if one is ABSENT else one for one in row] for key, row in rows}
        print(json.dumps(told, ensure_ascii=True, indent=1))
    elif not rows:
        print("nothing differs")
    elif options.all:
        _show("key", records, rows)
    else:
        _show_essential(records, rows)


def _show_essential(records: list[RunRecord], rows: list[Row]) -> None:
    """Who the runs are and how they did, then what was decided otherwise."""
    about = [(key, [_told(record, key) for record in records]) for key in _HEADER]
    own = [(key, row) for key, row in about if key in _ALWAYS or len(set(row)) > 1]
    _show("id", records, own, str)
    kept, left = essential(rows)
    print()
    if kept:
        _show("key", records, kept)
    else:
        print("nothing differs but the runs' names, results and surroundings")
    if left:
        print(f"\n--all shows {len(left)} more: {printable(_listed(left))}")


def _told(record: RunRecord, key: str) -> object:
    value = getattr(record, key)
    return ABSENT if value is None else value


def essential(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows that tell what was decided otherwise, and the keys of those that only follow.

    A run's names and results are none, nor is `environment`; a config's key that repeats an
    earlier one (`config.optimizer.lr` beside `hparams.lr`) is said once.

    Example:
        >>> essential([("run", ["a", "b"]), ("hparams.lr", [1, 2]), ("config.lr", [1, 2])])
        ([('hparams.lr', [1, 2])], ['config.lr'])
    """
    kept: list[Row] = []
    left: list[str] = []
    said: list[Row] = []
    for key, row in rows:
        if key in _IDENTITY:
            continue
        last = key.rpartition(".")[2]
        repeats = key.startswith("config.") and (last, row) in said
        if repeats or key.startswith(_SURROUNDINGS):
            left.append(key)
        else:
            kept.append((key, row))
        said.append((last, row))
    return kept, left


def _show(
    title: str,
    records: Sequence[RunRecord],
    rows: Sequence[Row],
    written: Callable[[object], str] = repr,
) -> None:
    cells = [[key, *("-" if one is ABSENT else written(one) for one in row)] for key, row in rows]
    show_table([title, *(record.id for record in records)], cells)


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys[:_LISTED]) + (", ..." if len(keys) > _LISTED else "")
