"""A checkpoint's file name as the template that it was made from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_COUNTER: Final = re.compile(r"-v\d+$")
_SHOWN: Final = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z_][\w/]*)=(-?\d[\d.e+-]*?|nan|inf)(?=$|-|_|\s)"
)
_SPOKEN: Final = re.compile(r"(?:(?<=-)|(?<=_)|^)(epoch|step)(\d+)(?=$|-|_)")


@dataclass(frozen=True)
class Shape:
    """The template of a name, without extension: `epoch={epoch}-step={step}`.

    Attributes:
        template: numbers of epochs, steps and metrics as placeholders.
        prefix: what stands before the first of them, without separators at its end.
        is_last: whether it is a copy of the last checkpoint.
    """

    template: str
    prefix: str
    is_last: bool


def shape_of(stem: str) -> Shape:
    """The shape of a file name without extension.

    Example:
        >>> shape_of("d_model8-bs64-epoch13").template, shape_of("epoch=3-step=10-v1").template
        ('d_model8-bs64-epoch{epoch}', 'epoch={epoch}-step={step}')
    """
    name = _COUNTER.sub("", stem)
    shown = _SHOWN.search(name)
    pattern = _SHOWN if shown else _SPOKEN
    template = pattern.sub(r"\1={\1}" if shown else r"\1{\1}", name)
    first = pattern.search(name)
    is_last = name == "last" or name.endswith("-last")
    prefix = name[: first.start()] if first else name.removesuffix("last")
    return Shape(template, prefix.rstrip("-_ "), is_last)
