"""Facts about learning-rate schedulers: the arguments that they were built with, nested."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .objects import describe_object

_NO_SETTING: Final = ("optimizer", "optimizers", "schedulers", "last_epoch", "verbose")
_MOMENTARY: Final = ("params", "lr", "momentum", "betas", "initial_lr")  # of this very step


def describe_schedulers(configs: Iterable[Any]) -> dict[str, Any]:
    """Class, arguments, interval, frequency and monitor; by position when there are several.

    Args:
        configs: Lightning's `trainer.lr_scheduler_configs`.
    """
    described = [_with_stepping(config) for config in configs]
    return described[0] if len(described) == 1 else {str(i): d for i, d in enumerate(described)}


def _with_stepping(config: Any) -> dict[str, Any]:
    names = ("interval", "frequency", "monitor")
    stepping = {name: getattr(config, name, None) for name in names}
    return {**_described(config.scheduler), **stepping}


def _described(scheduler: Any) -> dict[str, Any]:
    """What the scheduler does not keep itself it has written into the param groups."""
    groups = getattr(getattr(scheduler, "optimizer", None), "param_groups", None) or [{}]
    told = {key: value for key, value in groups[0].items() if key not in _MOMENTARY}
    described = describe_object(scheduler, skip=_NO_SETTING, extra=told)
    inner = [_described(one) for one in getattr(scheduler, "_schedulers", ())]
    return {**described, "schedulers": inner} if inner else dict(described)
