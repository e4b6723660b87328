"""Fitting the parts of a name into a number of bytes: whole parts go, none is ever cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

DIGEST_BYTES: Final = 12
"""The length of `_h` and its ten characters."""


@dataclass(frozen=True)
class Part:
    """One part of a name.

    Attributes:
        text: as written.
        spoken: one of the fields of `{hparams}`; these are left out before the template's own.
    """

    text: str
    spoken: bool = False


def length(parts: Sequence[Part]) -> int:
    """The bytes of the joined parts; names are ASCII."""
    return sum(len(part.text) for part in parts) + max(len(parts) - 1, 0)


def join(parts: Sequence[Part]) -> str:
    """The parts as one text."""
    return "-".join(part.text for part in parts)


def bounded(parts: Sequence[Part], max_bytes: int, digest: Callable[[], str]) -> str:
    """Join the parts; when they are too long, leave some out and add the digest as the last.

    Args:
        parts: in order.
        max_bytes: at least `DIGEST_BYTES`.
        digest: called only when something is left out.
    """
    if length(parts) <= max_bytes:
        return join(parts)
    kept = _drop(parts, max_bytes - DIGEST_BYTES - 1)
    tail = Part(f"_h{digest()}")
    # A run's name may lose parts of its own behind a stem that already ends in the digest.
    return join(kept if tail.text in join(kept) else [*kept, tail])


def _drop(parts: Sequence[Part], room: int) -> list[Part]:
    # What cannot fit even alone goes first: one long text must not take all other fields along.
    kept = [part for part in parts if len(part.text) <= room]
    for spoken in (True, False):
        for index in range(len(kept) - 1, -1, -1):
            if length(kept) <= room:
                return kept
            if kept[index].spoken is spoken:
                del kept[index]
    return kept
