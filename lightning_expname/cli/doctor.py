"""`expname doctor`: what does not fit together, and `--fix` for what is safe to mend."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .options import add_root
from .text import printable

if TYPE_CHECKING:
    from ..doctor import Finding


def add_to(verbs: Any) -> None:
    """Adds the verb to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "doctor",
        help="what does not fit together",
        description="Lists checkpoints without a run, records without files, ids used twice,"
        " renamed and unreadable records, killed runs and an index that errs. The exit code is 1"
        " when something is left to be done.",
    )
    parser.add_argument(
        "--fix", action="store_true", help="mend what is safe: orphan, killed, index"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list of findings")
    add_root(parser)
    parser.set_defaults(run_verb=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from ..doctor import examine, mend

    found = examine(options.root)
    if options.fix:
        found = mend(found, options.root)
    if options.json:
        print(json.dumps([_as_json(one) for one in found], ensure_ascii=True, indent=1))
    else:
        for one in found:
            mark = "  (fixed)" if one.fixed else ""
            print(printable(f"{one.kind:<10}  {one.path}: {one.told}{mark}"))
        print(f"{sum(not one.fixed for one in found)} findings" if found else "all is well")
    return 0 if all(one.fixed for one in found) else 1


def _as_json(one: Finding) -> dict[str, Any]:
    return {"kind": one.kind, "path": str(one.path), "told": one.told, "fixed": one.fixed}
