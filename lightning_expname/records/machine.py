"""What a pickle's reader works on: the bytes, a stack, a memo; and notes of what stays unmade."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

MAX_STEPS: Final = 4_000_000


class PickleError(ValueError):
    """The bytes are no whole pickle, or one of excessive size."""


@dataclass(frozen=True)
class Global:
    """A name that the pickle refers to: a class or a function."""

    name: str


@dataclass(frozen=True)
class Stored:
    """A reference to what lies outside of the pickle: a tensor's storage."""

    key: Any


@dataclass(eq=False)
class Opaque:
    """An object that was not made: `call` of `args`, its `items` and its `state`."""

    call: Any
    args: Any
    items: dict[Any, Any] = field(default_factory=dict)
    state: Any = None


@dataclass
class Machine:
    """The state between two opcodes.

    Attributes:
        data: the bytes.
        at: where the next opcode, or the next pickle, begins.
        names: of every global that was referred to.
        steps: work done so far.
    """

    data: bytes
    at: int = 0
    names: set[str] = field(default_factory=set)
    steps: int = 0
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def spend(self, steps: int) -> None:
        """Counts work done; a pickle may not ask for more than its share."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise PickleError(f"more than {MAX_STEPS} steps")

    def take(self, size: int) -> bytes:
        """The next bytes, all of them."""
        end = self.at + size
        if size < 0 or end > len(self.data):
            raise PickleError("it ends too early")
        start, self.at = self.at, end
        return self.data[start:end]

    def number(self, size: int) -> int:
        """An unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def byte(self) -> int:
        """The next byte."""
        found = self.data[self.at]
        self.at += 1
        return found

    def line(self) -> bytes:
        """The bytes before the next line end."""
        return self.take(self.data.index(b"\n", self.at) - self.at + 1)[:-1]

    def since_mark(self) -> list[Any]:
        """Takes what was pushed since the last mark."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def name(self, module: object, name: object) -> Global:
        """Notes a global."""
        if not (isinstance(module, str) and isinstance(name, str)):
            raise PickleError("a global without a name")
        self.names.add(f"{module}.{name}")
        return Global(f"{module}.{name}")
