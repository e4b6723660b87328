"""How a config is rendered so that W&B keeps it: every value, exactly, and not too much of it.

W&B counts in doubles, drops NaN, refuses some keys and 15 MB; it says so late or not at all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from .facts import Plain
from .introspect.keys import keyed
from .observer import warn_once

MAX_BYTES: Final = 4_000_000
"""Of the whole config, as JSON; W&B's own limit is 15 MB, and its pages are slow long before."""

IDENTITY: Final = "expname"
"""The section that finds the run; the one key that is never the user's."""

_EXACT: Final = 2**53
_RESERVED: Final = ("_wandb",)


def join_config(hparams: Mapping[str, Plain], sections: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters flat, then the sections; what has a section's name is under `hparams`.

    Example:
        >>> join_config({"dim": 8, "data": "a.csv"}, {"data": {"size": 9}})
        {'dim': 8, 'hparams': {'data': 'a.csv'}, 'data': {'size': 9}}
    """
    aside = {key: hparams[key] for key in sorted(hparams) if _differs(key, hparams, sections)}
    if aside and "hparams" in hparams:
        aside["hparams"] = hparams["hparams"]
    flat = {key: value for key, value in hparams.items() if key not in aside}
    return {**flat, **({"hparams": aside} if aside else {}), **sections}


def with_own(ours: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The config with the keys that the user set by hand, which stay as they are set.

    What was recorded under such a key, and is something else, is under `recorded`; one warning
    says so.

    Args:
        ours: as it is rendered.
        own: the user's, of `wandb_kwargs` or of a run that they opened, rendered as well.

    Example:
        >>> with_own({"lr": 0.1, "dim": 8}, {"lr": 0.2, "note": "x"})
        {'lr': 0.2, 'dim': 8, 'note': 'x', 'recorded': {'lr': 0.1}}
    """
    theirs = keyed(own.items(), lambda key: f"{key}_" if key == IDENTITY else str(key))
    aside = {key: ours[key] for key in theirs if _differs(key, theirs, ours)}
    if not aside:
        return {**ours, **theirs}
    place = "recorded"
    while place in theirs or place in ours:
        place += "_"
    warn_once(
        f"the W&B config has {', '.join(sorted(aside))} as you set it (wandb_kwargs, wandb.init);"
        f" what this run recorded under the same name is under {place!r}",
        key=f"own config {sorted(aside)}",
    )
    return {**ours, **theirs, place: aside}


def _differs(key: str, values: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    return key in others and bool(others[key] != values[key])


def render_config(config: Mapping[str, Plain]) -> dict[str, Any]:
    """The config as W&B is told it; what is too large is left out with one warning.

    Integers beyond 2^53 and NaN, Infinity are texts; keys lose what W&B would strip or refuse, and
    have a number (`x_2`) where two become one by that.

    Args:
        config: plain values, see `introspect.values.plain`.

    Example:
        >>> render_config({"n": 2**60, "x": float("inf"), "lr": 1e-05})
        {'n': '1152921504606846976', 'x': 'Infinity', 'lr': 1e-05}
    """
    rendered = keyed(((key, _value(value)) for key, value in config.items()), _key)
    sizes = {key: len(json.dumps(value)) + len(key) for key, value in rendered.items()}
    return rendered if sum(sizes.values()) <= MAX_BYTES else _bounded(rendered, sizes)


def _bounded(rendered: dict[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
    """Without the largest entries: they are named, with their size, and the rest is kept."""
    total, left_out = sum(sizes.values()), []
    for key in sorted(sizes, key=lambda key: -sizes[key]):
        if total <= MAX_BYTES:
            break
        total -= sizes[key]
        left_out.append(key)
        rendered[key] = f"<left out: {sizes[key]} bytes>"
    warn_once(
        f"the config has {sum(sizes.values())} bytes, and {MAX_BYTES} at most are sent to W&B;"
        f" left out: {', '.join(left_out[:5])}{', ...' if len(left_out) > 5 else ''}",
        key="config size",
    )
    return rendered


def _key(key: object) -> str:
    name = _encodable(str(key)).strip("-")  # which W&B would do
    return f"{name}_" if name in _RESERVED else name


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -_EXACT <= value <= _EXACT else _digits(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_finite(value)
    if isinstance(value, Mapping):
        return keyed(((key, _value(item)) for key, item in value.items()), _key)
    return [_value(item) for item in value]


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes no more than 4 300 digits
        return hex(value)


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _encodable(text: str) -> str:
    """Half of a surrogate pair cannot be encoded, and would lose the whole config."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
