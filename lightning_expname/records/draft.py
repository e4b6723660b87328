"""A run's record as it is first written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .files import CheckpointPlace
from .process import this_process
from .record import RunRecord

if TYPE_CHECKING:
    from ..facts import Facts
    from ..naming import Names


def draft(facts: Facts, names: Names, *, mode: str, run_id: str, group: str | None) -> RunRecord:
    """The record of a run that starts now, in this process."""
    from ..naming import digest  # late: who only looks records up needs no names

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
        digest=digest({hparam.name: _written(hparam.value) for hparam in facts.hparams}),
        group=group,
        process=this_process(),
    )


def _written(value: Any) -> Any:
    """A dict (an empty one, or within a list) as a text: the grammar of names has none."""
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    return [_written(item) for item in value] if isinstance(value, (list, tuple)) else value


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
