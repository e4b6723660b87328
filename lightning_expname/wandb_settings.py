"""What W&B would refuse, only at the next `wandb sync`, or lose when a run is killed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

JOB_TYPE_MAX = 64
TAG_MAX = 64
NAME_MAX = 128
_FLUSH_INTERVAL = "x_transaction_log_flush_interval"


def init_arguments(
    *,
    root: Path,
    offline: bool,
    entity: str | None,
    group: str | None,
    tags: Sequence[str] | None,
    job_type: str | None,
    notes: str | None,
    extra: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Arguments of `wandb.init`; what is None is left out, so that W&B's own defaults hold.

    Lengths are cut here: an offline run is checked only when it is synchronised, and then none
    of it is uploaded. `extra` is the user's own word and goes through as it is.
    """
    arguments: dict[str, Any] = {
        "dir": _directory(root),
        "mode": "offline" if offline else None,
        "entity": entity,
        "group": group and group[:NAME_MAX],
        "tags": tags and [tag[:TAG_MAX] for tag in tags if tag],
        "job_type": job_type and job_type[:JOB_TYPE_MAX],
        "notes": notes,
    }
    given = {key: value for key, value in arguments.items() if value is not None}
    return {**given, **{key: value for key, value in (extra or {}).items() if value is not None}}


def _directory(root: Path) -> str | None:
    """W&B's folder lies in the root, unless the root is the default and WANDB_DIR says another."""
    if root == Path() and "WANDB_DIR" in os.environ:
        return None
    return str(root)


def with_quick_flush(settings: Any) -> Any:
    """Settings under which the transaction log reaches the disk every second, not every 15.

    A run killed before the first flush leaves neither name nor config. A user's own value, or a
    `wandb.Settings` object, is left alone; so is a wandb that does not know the setting.
    """
    import wandb

    known = getattr(wandb.Settings, "model_fields", {})
    if _FLUSH_INTERVAL not in known or not isinstance(settings, (dict, type(None))):
        return settings
    return {_FLUSH_INTERVAL: 1.0, **(settings or {})}
