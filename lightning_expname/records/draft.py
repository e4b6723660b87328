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
    hparams = {hparam.name: hparam.value for hparam in facts.hparams}
    place = CheckpointPlace(names.checkpoint_dir, names.checkpoint_name, f"{names.stem}-last")
    return RunRecord(
        id=run_id,
        **named(facts, names),
        mode=mode,
        hparams=hparams,
        config={"batch_size": facts.batch_size, "lr": facts.lr, **facts.config},
        created=now(),
        places=(place,) if mode == "train" else (),
        digest=digest_of(hparams),
        group=group,
        process=this_process(),
    )


def named(facts: Facts, names: Names) -> dict[str, Any]:
    """What any record says of its run's names."""
    return {
        "project": names.project,
        "run": names.run,
        "stem": names.stem,
        "ordinal": names.ordinal,
        "model": facts.model,
        "dataset": facts.dataset,
        "record": names.record,
    }


def digest_of(hparams: Mapping[str, Any]) -> str:
    """Of plain hyper-parameters: equal configurations have equal digests, wherever made."""
    from ..naming import digest  # late: who only looks records up needs no names

    return digest({name: _written(value) for name, value in hparams.items()})


def _written(value: Any) -> Any:
    """A dict (an empty one, or within a list) as a text: the grammar of names has none."""
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    return [_written(item) for item in value] if isinstance(value, (list, tuple)) else value


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
