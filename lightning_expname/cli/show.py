"""`expname show`: all that is known about one run."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..lookup import resolve_run
from ..records import RunRecord
from ..records.query import flatten_section
from .find import as_json
from .options import add_root
from .text import aligned


def add_to(verbs: Any) -> None:
    """Adds the verb to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "show",
        help="all that is known about one run",
        description="Shows one run's names, checkpoints, hyper-parameters and config.",
    )
    parser.add_argument("reference", help="a run's name, stem, id, W&B URL, record or checkpoint")
    add_root(parser)
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    parser.set_defaults(run_verb=_show)


def _show(options: argparse.Namespace) -> None:
    record = resolve_run(options.reference, options.root)
    print(
        json.dumps(as_json(record), ensure_ascii=True, indent=1) if options.json else _text(record)
    )


def _text(record: RunRecord) -> str:
    own = {
        "run": record.run,
        "project": record.project,
        "id": record.id,
        "url": record.url,
        "status": record.status,
        "score": _score(record),
        "created": record.created,
        "finished": record.finished,
        "record": record.path,
        "best": record.best,
        "last": record.last,
    }
    sections = {**flatten_section("", record.hparams), **flatten_section("", record.config)}
    rows = [(key, str(value)) for key, value in own.items() if value is not None]
    files = [("checkpoint", file.path.name) for file in record.checkpoints()] if record.path else []
    config = [(key.removeprefix("."), repr(value)) for key, value in sections.items()]
    return "\n".join(aligned(part) for part in (rows, files, config) if part)


def _score(record: RunRecord) -> str | None:
    if record.score is None:
        return None
    return f"{record.monitor}={record.score!r}" if record.monitor else repr(record.score)
