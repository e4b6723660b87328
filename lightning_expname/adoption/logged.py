"""The record of a run that W&B logged and that left no checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..introspect.secrets import without_secrets
from ..naming import NamePolicy, derive_names
from ..records import RunRecord
from ..records.draft import digest_of, named
from ..wandb_log import Recorded
from .told import HOME, Hints, facts_of, iso, text_at, without_training


def record_of_log(run_id: str, logged: Recorded, hints: Hints) -> RunRecord:
    """The record of a run without checkpoints, as the first of its name."""
    ours = logged.config.get("expname")
    identity = ours if isinstance(ours, Mapping) else {}
    config = config_of(logged)
    facts = facts_of(
        without_training(flat(config)),
        config,
        hints,
        model=text_at(identity, ("model",)),
        dataset=text_at(identity, ("dataset",)),
        lr=None,
        config={
            **{key: value for key, value in config.items() if key not in flat(config)},
            "summary": _shown(logged.summary),
            "adopted": {"folder": str(logged.path.parent), "wandb": logged.wandb_version},
        },
    )
    facts = without_secrets(facts)
    hparams = {one.name: one.value for one in facts.hparams}
    score = logged.summary.get("best_score")
    return RunRecord(
        id=run_id,
        **{**named(facts, derive_names(facts, NamePolicy(), root=HOME)), **spoken_by(logged)},
        status=_status(logged),
        hparams=hparams,
        config={"batch_size": facts.batch_size, "lr": facts.lr, **facts.config},
        created=iso(logged.started),
        finished=None if logged.exit_code is None else iso(_written(logged.path)),
        score=float(score) if isinstance(score, (int, float)) else None,
        monitor=text_at(logged.summary, ("monitor",)),
        digest=digest_of(hparams),
        group=logged.group or None,
    )


def config_of(logged: Recorded | None) -> dict[str, Any]:
    """The config as the run's author gave it, without what W&B and this package add."""
    config = {} if logged is None else logged.config
    return {key: value for key, value in config.items() if key not in ("_wandb", "expname")}


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without its sections."""
    return {key: value for key, value in config.items() if not isinstance(value, Mapping)}


def spoken_by(logged: Recorded | None) -> dict[str, Any]:
    """The names that W&B shows: what a person copies from its table."""
    names = {} if logged is None else {"run": logged.name, "project": logged.project}
    return {key: name for key, name in names.items() if name}


def _status(logged: Recorded) -> Any:
    if logged.exit_code is None:  # killed, or alive: a folder does not tell
        return "killed"
    return "finished" if logged.exit_code == 0 else "failed"


def _shown(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Last values, without W&B's own and without pictures and tables."""
    kept = (int, float, str, type(None))
    return {
        key: value
        for key, value in summary.items()
        if not key.startswith("_") and isinstance(value, kept)
    }


def _written(log: Path) -> float:
    return log.stat().st_mtime
