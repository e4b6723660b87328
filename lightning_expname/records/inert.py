"""A pickle read as data: nothing is imported, nothing called, whatever it holds.

It understands every opcode of protocols 0 to 5 (CPython's Lib/pickletools.py), but what would be
an object stays an `Opaque` note of what it would have been made of. Python's own Unpickler, even
with an inert `find_class`, hangs on a shared tuple as a key and fills the memory for one number
of its memo; here each step is counted and no key is hashed but scalars.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

MAX_STEPS: Final = 4_000_000
_MAX_KEY_BITS: Final = 64  # larger ints can be made to collide in a dict


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
class InertReader:
    """Reads one pickle after another from `data`.

    Attributes:
        data: the bytes.
        at: where the next pickle begins.
        names: of every global that was referred to.

    Example:
        >>> reader = InertReader(pickle.dumps({"lr": 0.1, "run": os.system}))
        >>> reader.load(), reader.names
        ({'lr': 0.1, 'run': Global(name='posix.system')}, {'posix.system'})
    """

    data: bytes
    at: int = 0
    names: set[str] = field(default_factory=set)
    steps: int = 0
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """The next pickle's value.

        Raises:
            PickleError: there is none, or it is damaged or too large.
        """
        self.stack, self.marks, self.memo = [], [], {}
        try:
            return self._run()
        except PickleError:
            raise
        except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
            raise PickleError(f"damaged at byte {self.at}: {type(error).__name__}") from error

    def _run(self) -> Any:
        data, operations = self.data, _OPERATIONS
        for _ in range(self.steps, MAX_STEPS):  # counted here: a method's call costs as much again
            code = data[self.at]
            self.at += 1
            self.steps += 1
            if code == _STOP:
                return self.stack.pop()
            operations[code](self)
            if self.steps > MAX_STEPS:
                break
        raise PickleError(f"more than {MAX_STEPS} steps")

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


_Operation = Callable[[InertReader], None]
_STOP: Final = ord(".")
_OPERATIONS: Final[dict[int, _Operation]] = {}


def _operation(*codes: int | str) -> Callable[[_Operation], _Operation]:
    def register(function: _Operation) -> _Operation:
        for code in codes:
            _OPERATIONS[ord(code) if isinstance(code, str) else code] = function
        return function

    return register


def _pushing(code: int | str, value: Callable[[InertReader], Any]) -> None:
    @_operation(code)
    def push(reader: InertReader) -> None:
        reader.stack.append(value(reader))


def _skipping(code: int | str, size: int) -> None:
    @_operation(code)
    def skip(reader: InertReader) -> None:
        reader.take(size)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def _counted(code: int, size: int, decode: Callable[[bytes], Any]) -> None:
    """What follows is a length of `size` bytes, then so many bytes."""
    _pushing(code, lambda reader: decode(reader.take(reader.number(size))))


def _latin(raw: bytes) -> str:
    return raw.decode("latin-1")


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)


def _whole(line: bytes) -> int | bool:
    return line == b"01" if line in (b"00", b"01") else int(line)


def _quoted(line: bytes) -> str:
    return line[1:-1].decode("latin-1")


_skipping(0x80, 1)  # PROTO
_skipping(0x95, 8)  # FRAME
_skipping(0x98, 0)  # READONLY_BUFFER
_pushing("N", lambda _: None)
_pushing(0x88, lambda _: True)
_pushing(0x89, lambda _: False)
_pushing("]", lambda _: [])
_pushing("}", lambda _: {})
_pushing(")", lambda _: ())
_pushing(0x8F, lambda _: [])  # EMPTY_SET
_pushing(0x97, lambda _: Stored(None))  # NEXT_BUFFER
_pushing("I", lambda reader: _whole(reader.line()))
_pushing("L", lambda reader: int(reader.line().rstrip(b"L")))
_pushing("F", lambda reader: float(reader.line()))
_pushing("J", lambda reader: _signed(reader.take(4)))
_pushing("K", InertReader.byte)
_pushing("M", lambda reader: reader.number(2))
_pushing("G", lambda reader: struct.unpack(">d", reader.take(8))[0])
_pushing("S", lambda reader: _quoted(reader.line()))
_pushing("V", lambda reader: reader.line().decode("raw-unicode-escape"))
_pushing("P", lambda reader: Stored(reader.line().decode("latin-1")))
_pushing("Q", lambda reader: Stored(reader.stack.pop()))
for _code, _size, _decode in (
    (0x8A, 1, _signed),  # LONG1, LONG4
    (0x8B, 4, _signed),
    (ord("T"), 4, _latin),
    (ord("U"), 1, _latin),
    (ord("X"), 4, _text),
    (0x8C, 1, _text),
    (0x8D, 8, _text),
    (ord("B"), 4, bytes),
    (ord("C"), 1, bytes),
    (0x8E, 8, bytes),
    (0x96, 8, bytes),
):
    _counted(_code, _size, _decode)
_pushing(0x82, lambda reader: reader.name("copyreg", str(reader.number(1))))  # EXT1, EXT2, EXT4
_pushing(0x83, lambda reader: reader.name("copyreg", str(reader.number(2))))
_pushing(0x84, lambda reader: reader.name("copyreg", str(reader.number(4))))
_pushing("g", lambda reader: reader.memo[int(reader.line())])
_pushing("h", lambda reader: reader.memo[reader.byte()])
_pushing("j", lambda reader: reader.memo[reader.number(4)])
_pushing("c", lambda reader: reader.name(_text(reader.line()), _text(reader.line())))
_pushing("2", lambda reader: reader.stack[-1])
_pushing("t", lambda reader: tuple(reader.since_mark()))
_pushing("l", lambda reader: reader.since_mark())
_pushing(0x91, lambda reader: reader.since_mark())  # FROZENSET


def _remembering(code: int | str, index: Callable[[InertReader], int]) -> None:
    @_operation(code)
    def remember(reader: InertReader) -> None:
        reader.memo[index(reader)] = reader.stack[-1]


_remembering("p", lambda reader: int(reader.line()))
_remembering("q", InertReader.byte)
_remembering("r", lambda reader: reader.number(4))
_remembering(0x94, lambda reader: len(reader.memo))


@_operation("(")
def _mark(reader: InertReader) -> None:
    reader.marks.append(len(reader.stack))


@_operation("0")
def _pop(reader: InertReader) -> None:
    if reader.marks and reader.marks[-1] == len(reader.stack):
        reader.marks.pop()
    else:
        reader.stack.pop()


@_operation("1")
def _pop_mark(reader: InertReader) -> None:
    reader.since_mark()


@_operation(0x85, 0x86, 0x87)
def _short_tuple(reader: InertReader) -> None:
    size = reader.data[reader.at - 1] - 0x84
    if len(reader.stack) < size:
        raise PickleError("its stack is empty")
    reader.stack[-size:] = [tuple(reader.stack[-size:])]


@_operation("a")
def _append(reader: InertReader) -> None:
    item = reader.stack.pop()
    _extend(reader.stack[-1], [item])


@_operation("e", 0x90)
def _appends(reader: InertReader) -> None:
    items = reader.since_mark()
    _extend(reader.stack[-1], items)


def _extend(target: Any, items: list[Any]) -> None:
    if isinstance(target, list):
        target += items


@_operation("s")
def _set_item(reader: InertReader) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    _set_items(reader.stack[-1], [key, value])


@_operation("u")
def _set_many(reader: InertReader) -> None:
    items = reader.since_mark()
    _set_items(reader.stack[-1], items)


@_operation("d")
def _dict(reader: InertReader) -> None:
    made: dict[Any, Any] = {}
    _set_items(made, reader.since_mark())
    reader.stack.append(made)


def _set_items(target: Any, items: list[Any]) -> None:
    into = target.items if isinstance(target, Opaque) else target
    if isinstance(into, dict):
        for key, value in zip(items[::2], items[1::2], strict=True):
            if _is_key(key):
                into[key] = value


def _is_key(key: object) -> bool:
    """Whether hashing it costs nothing; a tuple's cost is exponential when it shares its parts."""
    if type(key) is int:
        return key.bit_length() <= _MAX_KEY_BITS
    return key is None or type(key) in (str, float, bool, bytes)


@_operation(0x93)
def _stack_global(reader: InertReader) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    reader.stack.append(reader.name(module, name))


@_operation("i")
def _inst(reader: InertReader) -> None:
    named = reader.name(_text(reader.line()), _text(reader.line()))
    reader.stack.append(Opaque(named, tuple(reader.since_mark())))


@_operation("o")
def _obj(reader: InertReader) -> None:
    call, *args = reader.since_mark()
    reader.stack.append(Opaque(call, tuple(args)))


@_operation("R", 0x81)
def _call(reader: InertReader) -> None:
    args, call = reader.stack.pop(), reader.stack.pop()
    reader.stack.append(_made(reader, call, args))


@_operation(0x92)
def _call_with_keywords(reader: InertReader) -> None:
    keywords, args, call = (reader.stack.pop() for _ in range(3))
    reader.stack.append(Opaque(call, args, keywords if isinstance(keywords, dict) else {}))


_DICTS: Final = frozenset({"collections.OrderedDict", "builtins.dict", "__builtin__.dict"})
_LISTS: Final = frozenset(
    f"{module}.{name}"
    for module in ("builtins", "__builtin__")
    for name in ("list", "tuple", "set", "frozenset")
)


def _made(reader: InertReader, call: Any, args: Any) -> Any:
    """Containers are what they are; everything else stays a note of the call."""
    name = call.name if isinstance(call, Global) else ""
    first = args[0] if isinstance(args, tuple) and args else ()
    if name in _LISTS:
        return first if isinstance(first, (list, tuple)) and first else []
    if name in _DICTS:
        return _dict_of(reader, first)
    return Opaque(call, args)


def _dict_of(reader: InertReader, pairs: Any) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    if isinstance(pairs, (list, tuple)):
        reader.spend(len(pairs))
        for pair in pairs:
            if isinstance(pair, (list, tuple)) and len(pair) == 2:
                _set_items(made, list(pair))
    return made


@_operation("b")
def _build(reader: InertReader) -> None:
    state = reader.stack.pop()
    if isinstance(reader.stack[-1], Opaque):
        reader.stack[-1].state = state
