"""What W&B would refuse, only at the next `wandb sync`, or lose when a run is killed."""

from __future__ import annotations

import os
import secrets
import string
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from .introspect.values import plain_entries
from .redaction import redact, scrub
from .wandb_config import render_config

JOB_TYPE_MAX = 64
TAG_MAX = 64
NAME_MAX = 128
FINISH_TIMEOUT = 600.0  # seconds
_RETRIES_MAX = 20  # W&B's own default


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
    allow: Collection[str] = (),
) -> dict[str, Any]:
    """Arguments of `wandb.init`; what is None is left out, so that W&B's own defaults hold.

    Lengths are cut here: an offline run is checked only when it is synchronised, and then none
    of it is uploaded. `extra` is the user's own word and goes through as it is, but that no
    text of it and no value of `config` tells a secret.

    Args:
        root: where W&B's folder lies.
        offline, entity, group, tags, job_type, notes: as in `wandb.init`.
        extra: more of its arguments.
        allow: keys of the config whose values are no secrets, see `redact`.
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
    given.update({key: value for key, value in (extra or {}).items() if value is not None})
    for name in ("notes", "group", "job_type"):
        if isinstance(given.get(name), str):
            given[name] = scrub(given[name], allow)
    if isinstance(given.get("tags"), (list, tuple)):
        tags = given["tags"]
        given["tags"] = [scrub(tag, allow) if isinstance(tag, str) else tag for tag in tags]
    if "config" in given:
        given["config"] = _told(given["config"], allow)
    return given


def _told(config: Any, allow: Collection[str]) -> dict[str, Any]:
    """A user's own config, in any form that W&B takes, rendered as the rest of the config is."""
    import wandb

    entries = wandb.helper.parse_config(config)  # type: ignore[attr-defined]  # not in its `__all__`
    return render_config(redact(plain_entries(entries), allow=allow))


def _directory(root: Path) -> str | None:
    """W&B's folder lies in the root, unless the root is the default and WANDB_DIR says another."""
    if root == Path() and "WANDB_DIR" in os.environ:
        return None
    return str(root)


def with_defaults(settings: Any, finish_timeout: float = FINISH_TIMEOUT) -> Any:
    """Settings that lose little when a run is killed, and wait only so long for an absent server.

    The transaction log reaches the disk every second, not every 15: a run killed before the first
    flush leaves neither name nor config. `finish` gives up after `finish_timeout` seconds; a
    pending alert or rename is retried for as long, not for a quarter of an hour. A user's own
    values, or a `wandb.Settings` object, are left alone; so is a wandb without these settings.
    """
    import wandb

    known = getattr(wandb.Settings, "model_fields", {})
    if not isinstance(settings, (dict, type(None))):
        return settings
    ours = {
        "x_transaction_log_flush_interval": 1.0,
        "finish_timeout": finish_timeout,
        "x_graphql_retry_max": _retries(finish_timeout),
    }
    return {**{key: value for key, value in ours.items() if key in known}, **(settings or {})}


def _retries(seconds: float) -> int:
    """How often W&B may ask again within so many seconds: it waits 2, 4, 8... and at most 60."""
    retries, waited = 0, 0.0
    while waited < seconds and retries < _RETRIES_MAX:
        waited += min(2.0 * 2**retries, 60.0)
        retries += 1
    return retries


def new_id() -> str:
    """Eight lower-case letters and digits, as W&B's own ids; not from the seeded generator."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))
