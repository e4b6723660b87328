"""What the W&B server knows of runs, through W&B's own public API."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .errors import LookupFailedError
from .records import RunRecord
from .records.query import parse_query
from .records.record import Status
from .records.search import ordered

_SECONDS: Final = 15
_STATUS: Final[dict[str, Status]] = {
    "finished": "finished",
    "running": "running",
    "failed": "failed",
    "crashed": "killed",
    "killed": "killed",
    "preempted": "interrupted",
    "preempting": "interrupted",
}
_OURS: Final = "expname"  # the section of the config that holds a run's identity


def search_wandb(
    path: str, *query: str, sort: str | None = None, limit: int | None = None
) -> list[RunRecord]:
    """The runs of a W&B project (`entity/project`) for which every condition holds.

    Raises:
        QueryError: a condition cannot be read.
        LookupFailedError: the server cannot be asked, or knows no such project.
    """
    conditions = parse_query(*query)
    try:
        records = [record_of(run) for run in _api().runs(path)]
    except Exception as error:  # W&B raises many kinds, and none of them is ours
        raise LookupFailedError(f"W&B could not be asked for {path!r}: {error}") from error
    data = ((record, record.to_json()) for record in records)
    found = [record for record, json in data if all(one.holds(json) for one in conditions)]
    return ordered(found, sort)[slice(None, limit)]


def where_made(entity: str | None, project: str, run_id: str) -> str:
    """Where a run was made that has no record here, as far as the server tells; never raises."""
    path = "/".join(part for part in (entity, project, run_id) if part)
    if os.environ.get("WANDB_MODE") in ("offline", "disabled"):
        return f"and W&B was not asked for {path!r}, since WANDB_MODE says offline"
    try:
        record = record_of(_api().run(path))
    except Exception as error:
        return f"and W&B could not be asked for {path!r}: {error}"
    environment = record.config.get("environment") or {}
    host = environment.get("host", "an unknown host")
    place = record.record or "a place that it does not tell"
    return f"W&B knows it as {record.run!r}, made on {host}, its record at {place} below its root"


def record_of(run: Any) -> RunRecord:
    """A record of what the server says of one run; it has no path and no files here.

    Args:
        run: of `wandb.Api().run` or `.runs`.
    """
    config: dict[str, Any] = dict(run.config)
    ours: Mapping[str, Any] = config.pop(_OURS, None) or {}
    sections = {key: value for key, value in config.items() if isinstance(value, Mapping)}
    summary = dict(run.summary or {})
    return RunRecord(
        id=run.id,
        project=run.project,
        run=run.name,
        stem=str(ours.get("stem") or run.name),
        model=str(ours.get("model") or ""),
        dataset=str(ours.get("dataset") or ""),
        record=str(ours.get("record") or ""),
        mode=str(ours.get("mode") or "train"),
        status=_STATUS.get(run.state, "running"),
        hparams={key: value for key, value in config.items() if key not in sections},
        config=sections,
        created=str(run.created_at or ""),
        score=summary.get("best_score"),
        monitor=summary.get("monitor"),
        url=run.url,
        best=summary.get("best_checkpoint"),
        last=summary.get("last_checkpoint"),
        ordinal=int(ours.get("ordinal") or 1),
        digest=str(ours.get("digest") or ""),
        group=getattr(run, "group", None),
    )


def _api() -> Any:
    """W&B's public API, with a key that is there already.

    On a terminal W&B would ask for one, and offer to create an account, for a mistyped name.
    """
    import wandb

    with _nobody_to_ask():
        return wandb.Api(timeout=_SECONDS)


@contextlib.contextmanager
def _nobody_to_ask() -> Iterator[None]:
    asked, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = asked
