"""Facts of an old run from whatever tells them: files, names, configs, and the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from ..facts import Facts, Hparam
from ..introspect.classify import classify
from ..introspect.values import plain

HOME: Final = "checkpoints"
"""The folder below a root that records of adopted runs lie in."""

UNKNOWN_MODEL: Final = "adopted"
UNKNOWN_DATASET: Final = "data"
MODEL_KEYS: Final = ("model_name", "model", "arch", "architecture")
_DATASET_KEYS: Final = ("dataset_name", "dataset", "data")
_RATES: Final = ("lr", "learning_rate")
_SIZES: Final = ("batch_size", "bs")


@dataclass(frozen=True)
class Hints:
    """What the user says of everything that is adopted; None where the files are to tell."""

    model: str | None = None
    dataset: str | None = None


def facts_of(
    hparams: Mapping[str, Any],
    told: Mapping[str, Any],
    hints: Hints,
    *,
    model: str | None,
    dataset: str | None,
    lr: float | None,
    config: Mapping[str, Any],
) -> Facts:
    """What a run was, from its own hyper-parameters and from everything that is told of it."""
    return Facts(
        model=hints.model or model or text_at(told, MODEL_KEYS) or UNKNOWN_MODEL,
        dataset=hints.dataset or dataset or text_at(told, _DATASET_KEYS) or UNKNOWN_DATASET,
        hparams=tuple(_hparam(key, value) for key, value in hparams.items()),
        batch_size=_first(told, _SIZES, int),
        lr=lr or _first(told, _RATES, float),
        config=config,
    )


def without_training(told: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters without batch size and learning rate, which names say in places of theirs.

    Example:
        >>> without_training({"d_model": 8, "bs": 64, "lr": 0.1})
        {'d_model': 8}
    """
    return {key: value for key, value in told.items() if key not in (*_SIZES, *_RATES)}


def text_at(values: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    """The first of the keys' values that is a text with something in it."""
    found = (values.get(key) for key in keys)
    return next((one for one in found if isinstance(one, str) and one), None)


def iso(seconds: float) -> str:
    """UTC, ISO 8601, of seconds since 1970."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _hparam(name: str, value: Any) -> Hparam:
    kind = classify(value)
    return Hparam(name, plain(value, kind), kind)


def _first(values: Mapping[str, Any], keys: tuple[str, ...], kind: type) -> Any:
    return next((values[key] for key in keys if type(values.get(key)) is kind), None)
