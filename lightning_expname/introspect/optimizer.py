"""Facts about optimizers, as they were configured."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .values import plain

_CYCLIC = ("OneCycleLR", "CyclicLR")  # these overwrite `initial_lr` with the cycle's own start
_MOVED_BY_CYCLES = ("lr", "momentum", "betas")
_WRAPPERS = 4  # more around one optimizer have not been seen


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
    optimizer = _configured(optimizers[0])
    default = _number(_defaults(optimizer).get("lr"))
    rates = [_group_rate(group) for group in optimizer.param_groups]
    if default in rates or not any(rates) or any(map(_is_cyclic, schedulers)):
        return default
    return next(rate for rate in rates if rate)


def _configured(optimizer: Any) -> Any:
    """The optimizer that the user made: Lightning and DeepSpeed put one of their own around it.

    Lightning's has it as `_optimizer`, DeepSpeed's (which has no `defaults`) as `optimizer`.
    """
    optimizer = getattr(optimizer, "_optimizer", optimizer)
    for _ in range(_WRAPPERS):
        inner = getattr(optimizer, "optimizer", None)
        if hasattr(optimizer, "defaults") or inner is None:
            break
        optimizer = inner
    return optimizer


def _defaults(optimizer: Any) -> Mapping[str, Any]:
    defaults = getattr(optimizer, "defaults", None)
    return defaults if isinstance(defaults, Mapping) else {}


def _group_rate(group: Mapping[str, Any]) -> float | None:
    return _number(group.get("initial_lr", group.get("lr")))


def _number(value: Any) -> float | None:
    """A rate may be a tensor (`capturable=True`)."""
    return None if value is None else float(value)


def _is_cyclic(scheduler: Any) -> bool:
    inner = getattr(scheduler, "_schedulers", ())
    return type(scheduler).__name__ in _CYCLIC or any(map(_is_cyclic, inner))


def describe_optimizers(
    optimizers: Iterable[Any], schedulers: Sequence[Any] = ()
) -> dict[str, Any]:
    """Class, defaults and the groups that differ from them; by position when there are several."""
    is_cyclic = any(map(_is_cyclic, schedulers))
    described = [_describe_optimizer(optimizer, is_cyclic) for optimizer in optimizers]
    return described[0] if len(described) == 1 else {str(i): d for i, d in enumerate(described)}


def _describe_optimizer(optimizer: Any, is_cyclic: bool) -> dict[str, Any]:
    optimizer = _configured(optimizer)
    described = {
        "name": type(optimizer).__name__,
        **{key: plain(value) for key, value in _defaults(optimizer).items()},
    }
    moved = _MOVED_BY_CYCLES if is_cyclic else ()
    differing = [_differences(group, described, moved) for group in optimizer.param_groups]
    if not any(differing):
        return described
    sizes = [{"parameters": len(group["params"])} for group in optimizer.param_groups]
    groups = [{**size, **own} for size, own in zip(sizes, differing, strict=True)]
    return {**described, "groups": groups}


def _differences(
    group: Mapping[str, Any], defaults: Mapping[str, Any], moved: Collection[str]
) -> dict[str, Any]:
    """What the user gave this group: its own settings, and words of his own (`name`)."""
    settings = {key: group[key] for key in defaults if key in group and key not in moved}
    if "lr" in settings:
        settings["lr"] = _group_rate(group)
    own = {key: plain(value) for key, value in settings.items() if plain(value) != defaults[key]}
    names = {key: value for key, value in group.items() if isinstance(value, str)}
    return {**own, **{key: value for key, value in names.items() if key not in defaults}}
