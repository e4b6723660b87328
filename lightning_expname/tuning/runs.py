"""The W&B run of a trial: what leads to it, and how it ends."""

from __future__ import annotations

import math
from typing import Any

from ..wandb_session import users_own_id


def state_of(error: BaseException) -> str:
    """How a trial ends that raises: `pruned`, `failed` or `interrupted`."""
    from optuna import TrialPruned

    if isinstance(error, TrialPruned):
        return "pruned"
    return "failed" if isinstance(error, Exception) else "interrupted"


def own_run() -> dict[str, Any]:
    """What `wandb.init` must be told while a run is open that the user opened.

    W&B, and our logger, would hand that one out: all trials would be one run.
    """
    return {"reinit": "create_new"} if users_own_id() is not None else {}


def run_of(logger: Any) -> dict[str, Any]:
    """What leads from a trial to its run, and to its checkpoints."""
    record = logger.record
    return {"id": record.id, "run": record.run, "record": record.record}


def close_run(logger: Any, state: str, value: float | None) -> None:
    """Ends a trial's W&B run and record: `complete`, `pruned`, `failed` or `interrupted`."""
    said = {"trial_state": state.upper(), "trial_value": value}
    if value is None or not math.isfinite(value):
        del said["trial_value"]
    logger.put_summary(said)
    if state != "complete":
        logger.end_run(state)
    logger.close_run()
