"""The record of a constructor's arguments, as it lies in a module's `__dict__`."""

from __future__ import annotations

from typing import Any, Final

RECORD_KEY: Final = "_expname_init"
"""The key of the record in a module's `__dict__`."""

RECORD_VERSION: Final = 1
"""Of the plain form, which pickles hold."""


class InitRecord:
    """Opaque and immutable: copies share it, and it pickles as a plain dict.

    There is one for every module, so it is as small as can be; `frames` knows how to read it.

    Attributes:
        source: the `Route` of the class, or the class.
        values: with a route the values of its parameters, else rows of `InitFrame`.
        last: with a route, the offset of the instruction that was running.
    """

    __slots__ = ("last", "source", "values")

    def __init__(self, source: Any, values: tuple[Any, ...], last: int = -1) -> None:
        self.source = source
        self.values = values
        self.last = last

    def __copy__(self) -> InitRecord:
        return self

    def __deepcopy__(self, memo: object) -> InitRecord:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        from .reading import to_plain  # `reading` knows frames, and frames make records

        return (dict, (to_plain(self),))
