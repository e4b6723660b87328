"""Facts about optimizers and learning-rate schedulers, as they were configured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .values import plain

_CYCLIC = ("OneCycleLR", "CyclicLR")  # these overwrite `initial_lr` with the cycle's own start
_PROGRESS = ("last_epoch", "base_lrs", "num_bad_epochs", "cooldown_counter", "best", "lr_lambdas")


def learning_rate(optimizers: Sequence[Any], schedulers: Sequence[Any] = ()) -> float | None:
    """The rate the user configured; None without an optimizer.

    A warm-up has already lowered `param_groups[...]["lr"]` when training starts, so the rate
    before any scheduler is taken: `initial_lr`, which torch's schedulers leave behind, else the
    group's own, and the optimizer's `defaults` where those do not tell (a rate of zero, a cyclic
    scheduler). Of groups with several rates, the default's if a group uses it, else the first's.

    Source of `initial_lr`: torch.optim.lr_scheduler.LRScheduler.
    """
    if not optimizers:
        return None
    optimizer = getattr(optimizers[0], "_optimizer", optimizers[0])
    default = _number(optimizer.defaults.get("lr"))
    rates = [_group_rate(group) for group in optimizer.param_groups]
    if default in rates or not any(rates) or any(map(_is_cyclic, schedulers)):
        return default
    return next(rate for rate in rates if rate)


def _group_rate(group: Mapping[str, Any]) -> float | None:
    return _number(group.get("initial_lr", group.get("lr")))


def _number(value: Any) -> float | None:
    """A rate may be a tensor (`capturable=True`)."""
    return None if value is None else float(value)


def _is_cyclic(scheduler: Any) -> bool:
    inner = getattr(scheduler, "_schedulers", ())
    return type(scheduler).__name__ in _CYCLIC or any(map(_is_cyclic, inner))


def describe_optimizers(optimizers: Iterable[Any]) -> dict[str, Any]:
    """Class and defaults; a list when there are several."""
    described = [_describe_optimizer(optimizer) for optimizer in optimizers]
    return described[0] if len(described) == 1 else {str(i): d for i, d in enumerate(described)}


def _describe_optimizer(optimizer: Any) -> dict[str, Any]:
    defaults = {key: plain(value) for key, value in optimizer.defaults.items()}
    return {"name": type(optimizer).__name__, **defaults}


def describe_schedulers(configs: Iterable[Any]) -> dict[str, Any]:
    """Class, arguments, interval and frequency; a list when there are several."""
    described = [_describe_scheduler(config) for config in configs]
    return described[0] if len(described) == 1 else {str(i): d for i, d in enumerate(described)}


def _describe_scheduler(config: Any) -> dict[str, Any]:
    stepping = {key: getattr(config, key, None) for key in ("interval", "frequency", "monitor")}
    return {**_scheduler_arguments(config.scheduler), **stepping}


def _scheduler_arguments(scheduler: Any) -> dict[str, Any]:
    """The scheduler's public plain attributes, without those that count its progress."""
    arguments = {key: value for key, value in vars(scheduler).items() if _is_argument(key, value)}
    inner = [_scheduler_arguments(one) for one in getattr(scheduler, "_schedulers", ())]
    nested = {"schedulers": inner} if inner else {}
    return {"name": type(scheduler).__name__, **arguments, **nested}


def _is_argument(key: str, value: Any) -> bool:
    plain_type = isinstance(value, (int, float, str, bool, type(None)))
    return plain_type and not key.startswith("_") and key not in _PROGRESS
