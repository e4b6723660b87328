"""How a trial is called: its number, then its int and categorical parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..introspect.classify import classify
from ..naming import format_name

_MAX_BYTES: Final = 128  # of a W&B run's name


def trial_name(number: int, suggested: Mapping[str, Any]) -> str:
    """The W&B run's name of a trial; floats are in its config only.

    Example:
        >>> trial_name(7, {"n_heads": 8, "act": "gelu", "lr": 1e-3})
        'trial007-n_heads8-act.gelu'
    """
    head = f"trial{number:03d}"
    spoken = {
        name: value
        for name, value in suggested.items()
        if classify(value) in ("int", "categorical")
    }
    if not spoken:
        return head
    return f"{head}-{format_name(spoken, max_bytes=_MAX_BYTES - len(head) - 1)}"
