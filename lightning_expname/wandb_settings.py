"""What W&B would refuse, only at the next `wandb sync`, or lose when a run is killed."""

from __future__ import annotations

import difflib
import inspect
import os
import secrets
import string
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .introspect.environment import secret_remote
from .introspect.values import plain_entries
from .observer import warn_once
from .redaction import redact, scrub, scrub_remote
from .wandb_config import render_config

JOB_TYPE_MAX = 64
TAG_MAX = 64
NAME_MAX = 128
FINISH_TIMEOUT = 600.0  # seconds
_RETRIES_MAX = 20  # W&B's own default
_LIGHTNINGS: Final = ("prefix", "checkpoint_name", "experiment", "add_file_policy", "version")
_CHECKED: Final = {
    **{key: key for key in ("allow_val_change", "entity", "force", "reinit", "resume")},
    **{key: key for key in ("fork_from", "resume_from", "save_code", "sync_tensorboard")},
    **{key: f"run_{key}" for key in ("notes", "tags", "group", "job_type")},
}
"""Arguments of `wandb.init` by the settings that they become. A wrong `mode` is none of them: the
run goes offline then, where leaving it out could send online what was to stay here."""


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
    text of it and no value of `config` tells a secret, and that what `wandb.init` would refuse is
    left out with a warning: a typo is no reason to lose the run.

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
    given.update(_accepted(extra or {}))
    for name in ("notes", "group", "job_type"):
        if isinstance(given.get(name), str):
            given[name] = scrub(given[name], allow)
    if isinstance(given.get("tags"), (list, tuple)):
        tags = given["tags"]
        given["tags"] = [scrub(tag, allow) if isinstance(tag, str) else tag for tag in tags]
    if "config" in given:
        given["config"] = _told(given["config"], allow)
    return given


def _accepted(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What `wandb.init` and Lightning's logger take; the rest is said and left out."""
    given = {key: value for key, value in extra.items() if value is not None}
    if not given:
        return {}
    import wandb

    declared = inspect.signature(wandb.init).parameters.values()
    takes_any = any(one.kind is one.VAR_KEYWORD for one in declared)  # somebody has wrapped it
    allowed = (*(one.name for one in declared), *_LIGHTNINGS)
    for key in [] if takes_any else [key for key in given if key not in allowed]:
        _say_left_out(f"wandb.init has no argument {key!r}", key, allowed, "its arguments")
        del given[key]
    for key, field in _CHECKED.items():
        if key in given and (reason := _refusal(field, given[key])):
            _say_left_out(f"wandb.init refuses {key}={_word(given[key])}: {reason}", key, (), "")
            del given[key]
    return given


def _refusal(field: str, value: Any) -> str:
    """Why W&B would not take one of its settings; empty when it takes it, or cannot be asked."""
    import wandb

    if not hasattr(wandb.Settings, "model_fields"):
        return ""
    try:
        wandb.Settings(**{field: value})
    except Exception as error:  # pydantic's, and whatever W&B's own checks stumble over
        told: Any = getattr(error, "errors", None)
        return str(told()[0]["msg"] if callable(told) else f"{type(error).__name__}: {error}")
    return ""


def _say_left_out(what: str, key: str, allowed: Collection[str], whose: str) -> None:
    near = difflib.get_close_matches(key, allowed, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = f" Allowed: {whose} {', '.join(allowed)}." if allowed else ""
    warn_once(
        scrub(f"wandb_kwargs: {what}{hint}{listed} The run is recorded without it"),
        key=f"wandb_kwargs {what}",
    )


def _word(value: Any) -> str:
    return (
        repr(value) if isinstance(value, (bool, int, float, str)) else f"<{type(value).__name__}>"
    )


def _accepted_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of a user's settings those that W&B has and takes; the rest is said and left out."""
    import wandb

    fields = getattr(wandb.Settings, "model_fields", settings)
    public = [name for name in fields if not name.startswith("x_")]
    given = dict(settings)
    for key, value in settings.items():
        if key not in fields:
            _say_left_out(f"W&B has no setting {key!r}", key, public, "wandb.Settings'")
        elif reason := _refusal(key, value):
            _say_left_out(f"W&B refuses its setting {key}={_word(value)}: {reason}", key, (), "")
        else:
            continue
        del given[key]
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
    What W&B would refuse is left out with a warning.
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
    given = _accepted_settings(settings or {})
    return {**{key: value for key, value in ours.items() if key in known}, **given}


def without_credentials(settings: Any) -> Any:
    """Settings under which W&B records the git remote without what is secret of it.

    W&B itself takes a password out of `https://user:password@...`, but no token in the user's
    place beside it, and nothing out of `git:password@host:path`. Where there is nothing to hide
    the settings are left alone, and W&B asks git itself.

    Args:
        settings: a dict, a `wandb.Settings` object, or None.
    """
    import wandb

    if "git_remote_url" not in getattr(wandb.Settings, "model_fields", {}):
        return settings
    given = dict(settings) if isinstance(settings, (dict, wandb.Settings)) else {}
    url = given.get("git_remote_url") or os.environ.get("WANDB_GIT_REMOTE_URL")
    if url:
        hidden = {} if scrub_remote(url) == url else {"git_remote_url": scrub_remote(url)}
    else:
        hidden = {} if given.get("disable_git") else _remote(given)
    if not hidden:
        return settings
    if isinstance(settings, wandb.Settings):
        return settings.model_copy(update=hidden)
    return {**(settings or {}), **hidden}


def _remote(given: Mapping[str, Any]) -> dict[str, str]:
    """The remote that W&B would record; the commit, which it asks for no more once it has that."""
    found = secret_remote(given.get("git_remote") or "origin")
    said = {"git_remote_url": found.get("url"), "git_commit": found.get("commit")}
    return {key: value for key, value in said.items() if value and not given.get(key)}


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
