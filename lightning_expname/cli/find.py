"""`expname find` and `expname ls`: the runs that fulfil a query, as a table or as JSON."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final

from ..lookup import find_runs
from ..records import RunRecord
from ..records.query import MISSING, parse_query, value_at
from .options import add_root
from .table import show_table
from .text import printable

_COLUMNS: Final = ("run", "project", "status", "score", "created")
_NOTHING: Final = 1


def add_to(verbs: Any) -> None:
    """Adds `find` to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "find",
        help="the runs that fulfil conditions",
        description="Lists the runs for which every condition holds.",
        epilog="Conditions: n_heads=8  'lr<1e-4'  'act=gel*'  'n_layers in [2, 4]'  status=failed"
        "  trainer.max_epochs=10, or a word of a name. n=1 finds the int, n=1.0 the float,"
        " 'n=\"1\"' the text.",
    )
    parser.add_argument("query", nargs="+", metavar="CONDITION")
    _add_options(parser)


def _add_ls(verbs: Any) -> None:
    parser = verbs.add_parser("ls", help="all runs", description="Lists all runs.")
    _add_options(parser)
    parser.set_defaults(query=[])


ls: Final = SimpleNamespace(add_to=_add_ls)
"""The verb `ls`: `find` without a condition."""


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_root(parser)
    parser.add_argument("--sort", metavar="KEY", help="a key; -score: the largest first")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N runs")
    parser.add_argument("--source", metavar="wandb:ENTITY/PROJECT", help="ask W&B, not the disk")
    parser.add_argument("--columns", metavar="KEY,...", help="further keys to show")
    parser.add_argument("--json", action="store_true", help="print a JSON list of records")
    parser.set_defaults(run_verb=_find)


def _find(options: argparse.Namespace) -> int:
    found = find_runs(
        *options.query,
        root=options.root,
        sort=options.sort,
        limit=options.limit,
        source=options.source,
    )
    if options.json:
        print(json.dumps([as_json(record) for record in found], ensure_ascii=True, indent=1))
    elif found:
        _show(found, options)
    key = (options.sort or "").removeprefix("-")
    if key and found and all(value_at(vars(one), key) is MISSING for one in found):
        told = f"none of these runs has {key!r} to sort by{_nearest(key, found)}"
        print(f"expname: {printable(told)}", file=sys.stderr)
    if not found:
        _say_nothing_found(options)
    return 0 if found else _NOTHING


def as_json(record: RunRecord) -> dict[str, Any]:
    """A record as `--json` prints it: its own keys, and the absolute path of its file."""
    return {**record.to_json(), "path": str(record.path) if record.path else None}


def _show(found: Sequence[RunRecord], options: argparse.Namespace) -> None:
    asked = [condition.key for condition in parse_query(*options.query) if condition.key]
    more = [key for key in (options.columns or "").split(",") if key]
    sort = [options.sort.removeprefix("-")] if options.sort else []
    columns = dict.fromkeys([*_COLUMNS, *asked, *sort, *more])
    show_table(list(columns), [[_cell(one, key) for key in columns] for one in found])


def _cell(record: RunRecord, key: str) -> str:
    value = value_at(vars(record), key)
    if value is None or value is MISSING:
        return "-"
    if key == "created":
        return str(value)[:16].replace("T", " ")
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _say_nothing_found(options: argparse.Namespace) -> None:
    """One line that helps: no records at all, a key that none has, or a value of another type."""
    print(f"expname: {printable(_why_nothing(options))}", file=sys.stderr)


def _why_nothing(options: argparse.Namespace) -> str:
    every = find_runs(root=options.root) if options.source is None else []
    if options.limit == 0:
        return "--limit 0 shows no run"
    if not every:
        return f"no run's record lies below {options.root}; --root says where checkpoints/ is"
    for condition in parse_query(*options.query):
        values = [value_at(vars(one), condition.key) for one in every] if condition.key else []
        if condition.key and all(value is MISSING for value in values):
            return f"no run has {condition.key!r}{_nearest(condition.key, every)}"
        equal = {repr(value) for value in values if _looks_equal(value, condition.value)}
        if condition.operator == "=" and equal and not any(map(condition.admits, values)):
            return f"no run has {condition.key}={condition.value!r}, but some have {min(equal)}"
    return f"none of {len(every)} runs fulfils all conditions"


def _looks_equal(value: Any, wanted: Any) -> bool:
    if value is MISSING or wanted == "":
        return False
    return bool(value == wanted) or str(value) == str(wanted)


def _nearest(key: str, records: Sequence[RunRecord]) -> str:
    keys = {name for record in records for name in (*record.hparams, *record.config)}
    near = difflib.get_close_matches(key, sorted(keys), n=3)
    return f"; there is {', '.join(near)}" if near else ""
