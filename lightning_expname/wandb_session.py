"""W&B's side of a run's life: how it is opened, with or without a network, and finished."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from .observer import warn_once
from .redaction import scrub, scrub_arguments
from .wandb_config import IDENTITY
from .wandb_settings import new_id, without_credentials

_TEARDOWN_SECONDS: Final = 30.0

# The objects, not their ids: a user may open a run of ours again, and then it is the user's own.
_owned: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()  # in which process
_own: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()


def is_owned(run: Any) -> bool:
    """Whether a logger of ours opened the run, in this process."""
    return run is not None and _owned.get(run) == os.getpid()


def users_own_id() -> str | None:
    """The id of the run that the user has opened and that logs now; None when there is none."""
    run = getattr(sys.modules.get("wandb"), "run", None)
    return None if run is None or is_owned(run) else str(run.id)


def make_way() -> None:
    """A run that an earlier logger of ours left open ends here; a user's own run is used."""
    import wandb

    run = wandb.run
    if run is None or not is_owned(run):
        return
    try:
        run.finish()
    except Exception:  # ended already, by `wandb.teardown`, after which it stands there still
        wandb.run = None


def is_over(run: Any) -> bool:
    """Whether the run was ended: another logger's run began, or the user said `wandb.finish()`.

    `_is_finished` is W&B's name (seen in 0.20 to 0.31); without it a run is never over.
    """
    return getattr(run, "_is_finished", False) is True  # a disabled run has any attribute


def own_config(run: Any) -> dict[str, Any]:
    """What the user put into the config of a run that is their own, before we added to it.

    Of a run that a logger of ours had begun, in this process or an earlier one: nothing.
    """
    if run not in _own:
        config = dict(run.config)
        identity = config.get(IDENTITY)
        is_ours = isinstance(identity, Mapping) and "stem" in identity
        config.pop("_wandb", None)
        _own[run] = {} if is_ours else config
    return _own[run]


@contextlib.contextmanager
def scrubbed_arguments(allow: Collection[str] = ()) -> Iterator[None]:
    """`sys.argv` without secrets, while W&B copies it into a run's metadata.

    W&B offers no setting for that short of dropping all metadata. Nothing is touched where there
    is nothing to hide.

    Args:
        allow: options that are no secrets, see `redact`.
    """
    written = sys.argv
    told = scrub_arguments(written, allow)
    if told == written:
        yield
        return
    sys.argv = told
    try:
        yield
    finally:
        sys.argv = written


def open_run(
    create: Callable[[], Any],
    arguments: dict[str, Any],
    *,
    continued: bool,
    allow: Collection[str] = (),
) -> Any:
    """The W&B run; offline, with a warning, when the server is away or refuses.

    Args:
        create: calls `wandb.init` with `arguments`.
        arguments: changed when the run goes offline, or the git remote holds a secret.
        continued: the run keeps its id if it can: W&B gives an id whose start failed back only
            when all of the process's runs are finished.
        allow: options of the command line that are no secrets, see `redact`.
    """
    arguments["settings"] = without_credentials(arguments.get("settings"))
    with scrubbed_arguments(allow):
        run = _opened(create, arguments, continued)
    _owned[run] = os.getpid()
    return run


def _opened(create: Callable[[], Any], arguments: dict[str, Any], continued: bool) -> Any:
    import wandb

    try:
        return create()
    except wandb.Error as error:
        if arguments.get("mode") in ("offline", "disabled"):
            raise
        reason = scrub(f"{type(error).__name__}: {error}".splitlines()[0])
        run = _open_offline(create, arguments, continued)
        warn_once(
            f"W&B cannot be reached or refuses ({reason}); the run {run.name!r} is recorded"
            f" offline. When W&B is back: wandb sync {run.settings.sync_dir}"
        )
        return run


def _open_offline(create: Callable[[], Any], arguments: dict[str, Any], continued: bool) -> Any:
    if not (continued and _torn_down()):
        arguments["id"] = new_id()
    arguments["mode"] = "offline"
    return create()


def _torn_down() -> bool:
    """Ends W&B's process, so that an id whose start failed is free again; False if it hangs.

    It waits for that process without a limit, and the process may wait for a server that is away.
    """
    import wandb

    ending = threading.Thread(target=wandb.teardown, daemon=True, name="expname-teardown")
    ending.start()
    ending.join(_TEARDOWN_SECONDS)
    return not ending.is_alive()
