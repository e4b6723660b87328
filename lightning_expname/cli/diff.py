"""`expname diff`: what differs between runs, and nothing else."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..errors import QueryError
from ..lookup import resolve_run
from ..records.resolve import ABSENT, differences
from .options import add_root
from .table import show_table


def add_to(verbs: Any) -> None:
    """Adds the verb to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "diff",
        help="what differs between runs",
        description="Shows the keys whose values are not the same in all of the runs.",
    )
    parser.add_argument("references", nargs="+", metavar="RUN", help="two or more runs")
    add_root(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object of key to values")
    parser.set_defaults(run_verb=_diff)


def _diff(options: argparse.Namespace) -> None:
    if len(options.references) < 2:
        raise QueryError("diff compares two or more runs; one was given")
    records = [resolve_run(reference, options.root) for reference in options.references]
    rows = differences(records)
    if options.json:
        told = {key: [None if one is ABSENT else one for one in row] for key, row in rows}
        print(json.dumps(told, ensure_ascii=True, indent=1))
    elif rows:
        cells = [[key, *("-" if one is ABSENT else repr(one) for one in row)] for key, row in rows]
        show_table(["key", *(record.id for record in records)], cells)
    else:
        print("nothing differs")
