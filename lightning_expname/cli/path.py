"""`expname path`: the path of a run's checkpoint, and nothing else, for use in a command line."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from ..errors import RecordError
from ..lookup import resolve_run
from .options import add_root
from .text import printable


def add_to(verbs: Any) -> None:
    """Adds the verb to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "path",
        help="the path of a run's checkpoint",
        description='Prints one path: python test.py --ckpt "$(expname path RUN --best)"',
    )
    parser.add_argument("reference", help="a run's name, stem, id, W&B URL, record or checkpoint")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--best", dest="which", action="store_const", const="best", default="best")
    which.add_argument("--last", dest="which", action="store_const", const="last")
    which.add_argument("--epoch", dest="which", type=int, metavar="N")
    which.add_argument("--record", dest="which", action="store_const", const="record")
    add_root(parser)
    parser.set_defaults(run_verb=_path)


def _path(options: argparse.Namespace) -> int:
    record = resolve_run(options.reference, options.root)
    try:
        path = record.path if options.which == "record" else record.checkpoint(options.which)
    except RecordError as error:  # the run is there, its file is not
        print(f"expname: {printable(str(error))}", file=sys.stderr)
        return 1
    _print_exactly(str(path))
    return 0


def _print_exactly(path: str) -> None:
    """For a program the very bytes of the path; a terminal is not steered by them."""
    raw = getattr(sys.stdout, "buffer", None)  # a notebook's, or a test's, takes text alone
    if raw is None or sys.stdout.isatty():
        print(path if raw is None else printable(path))
        return
    sys.stdout.flush()
    raw.write(os.fsencode(path) + b"\n")
    raw.flush()
