"""Which old checkpoints are one run's: those of one folder, one configuration and one name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..records.header import CheckpointHeader
from .shapes import shape_of


@dataclass(frozen=True)
class Group:
    """One run's checkpoints in one folder, the oldest first."""

    headers: tuple[CheckpointHeader, ...]

    def joined(self, other: Group) -> Group:
        """Both as one run's."""
        return Group(tuple(sorted((*self.headers, *other.headers), key=_age)))

    @property
    def folder(self) -> Path:
        return self.newest.path.parent

    @property
    def newest(self) -> CheckpointHeader:
        return self.headers[-1]

    @property
    def identity(self) -> Mapping[str, Any]:
        return self.newest.identity or {}

    @property
    def prefix(self) -> str:
        """What the names have in common, before epoch and step."""
        told = (shape_of(one.path.stem) for one in reversed(self.headers))
        return next((shape.prefix for shape in told if not shape.is_last), "")


def group(headers: Iterable[CheckpointHeader]) -> list[Group]:
    """Sorts checkpoints into runs; a `last.ckpt` goes to the run of its folder that fits."""
    made: dict[tuple[str, ...], list[CheckpointHeader]] = {}
    lasts = []
    for header in headers:
        shape = shape_of(header.path.stem)
        if shape.is_last and not shape.prefix:
            lasts.append(header)
        else:
            made.setdefault((*_key(header), shape.prefix), []).append(header)
    for header in lasts:
        near = [key for key in made if key[:-1] == _key(header)]
        made.setdefault(near[0] if len(near) == 1 else (*_key(header), ""), []).append(header)
    return [Group(tuple(sorted(one, key=_age))) for one in made.values()]


def _key(header: CheckpointHeader) -> tuple[str, ...]:
    identity = (header.identity or {}).get("id")
    told = [identity, header.hyper_parameters, header.data_hyper_parameters]
    return str(header.path.parent), json.dumps(told, sort_keys=True, default=str)


def _age(header: CheckpointHeader) -> tuple[int, int, float]:
    epoch = -1 if header.epoch is None else header.epoch
    step = -1 if header.step is None else header.step
    return step, epoch, header.path.stat().st_mtime
