"""What only Lightning's private places tell; each degrades to "unknown" if it is moved."""

from __future__ import annotations

from types import FrameType
from typing import Any


def setup_touch(frame: FrameType | None) -> Any | None:
    """The trainer, if the caller is Lightning's own touch before the setup hooks.

    `lightning.pytorch.trainer.call._call_setup_hook` (seen in 2.2 to 2.6) asks every logger for
    its experiment. Should it be renamed, the run is created early and renamed later.
    """
    while frame is not None and frame.f_code.co_name == "experiment":  # a subclass's own property
        frame = frame.f_back
    if frame is None or frame.f_code.co_name != "_call_setup_hook":
        return None
    if not frame.f_globals.get("__name__", "").endswith("trainer.call"):
        return None
    return frame.f_locals.get("trainer")


def asked_checkpoint(frame: FrameType | None) -> str | None:
    """What `Trainer.fit` was given as `ckpt_path`: the Trainer forgets a "last" it cannot find.

    `lightning.pytorch.trainer.trainer.Trainer.fit` (seen in 2.2 to 2.6), among the callers.
    """
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if frame.f_code.co_name == "fit" and module.endswith("trainer.trainer"):
            path = frame.f_locals.get("ckpt_path")
            return None if path is None else str(path)
        frame = frame.f_back
    return None


def asked_for_best(frame: FrameType | None) -> Any | None:
    """The trainer, if the caller is Lightning looking for what the user calls `"best"`.

    `lightning.pytorch.trainer.connectors.checkpoint_connector._CheckpointConnector` (seen in 2.2
    to 2.6): `_parse_ckpt_path`, called by `_select_ckpt_path`. Where Lightning itself chose
    "best", for a mode without a model, only the last `fit` is meant, and None is returned.
    """
    if frame is None or frame.f_code.co_name != "_parse_ckpt_path":
        return None
    above = frame.f_back
    if above is None or above.f_locals.get("ckpt_path") != "best":
        return None
    return getattr(frame.f_locals.get("self"), "trainer", None)


def passed_loaders(trainer: Any) -> Any | None:
    """The loaders given to `Trainer.fit`, before it sets them up; None when something makes them.

    `fit_loop._data_source.instance` (seen in 2.2 to 2.6) is the loaders, or what has a
    `train_dataloader`.
    """
    source = getattr(getattr(trainer, "fit_loop", None), "_data_source", None)
    instance = getattr(source, "instance", None)
    return None if hasattr(instance, "train_dataloader") else instance
