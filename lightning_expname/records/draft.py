"""A run's record as it is first written."""

from __future__ import annotations

from datetime import datetime, timezone

from ..facts import Facts
from ..naming import Names, digest
from .files import CheckpointPlace
from .process import this_process
from .record import RunRecord


def draft(facts: Facts, names: Names, *, mode: str, run_id: str, group: str | None) -> RunRecord:
    """The record of a run that starts now, in this process."""
    place = CheckpointPlace(names.checkpoint_dir, names.checkpoint_name, f"{names.stem}-last")
    return RunRecord(
        id=run_id,
        project=names.project,
        run=names.run,
        stem=names.stem,
        model=facts.model,
        dataset=facts.dataset,
        record=names.record,
        mode=mode,
        hparams={hparam.name: hparam.value for hparam in facts.hparams},
        config={"batch_size": facts.batch_size, "lr": facts.lr, **facts.config},
        created=now(),
        places=(place,) if mode == "train" else (),
        ordinal=names.ordinal,
        digest=digest({hparam.name: hparam.value for hparam in facts.hparams}),
        group=group,
        process=this_process(),
    )


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
