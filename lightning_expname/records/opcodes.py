"""The opcodes of pickle protocols 0 to 5 (CPython's Lib/pickletools.py), none of which calls."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from .machine import Global, Machine, Opaque, PickleError, Stored

_MAX_KEY_BITS: Final = 64  # larger ints can be made to collide in a dict
STOP: Final = ord(".")
OPERATIONS: Final[dict[int, Callable[[Machine], None]]] = {}
"""By opcode, what it does to the machine."""

_Operation = Callable[[Machine], None]
_UINT: Final = struct.Struct("<I")


def _operation(*codes: int | str) -> Callable[[_Operation], _Operation]:
    def register(function: _Operation) -> _Operation:
        for code in codes:
            OPERATIONS[ord(code) if isinstance(code, str) else code] = function
        return function

    return register


def _pushing(code: int | str, value: Callable[[Machine], Any]) -> None:
    @_operation(code)
    def push(reader: Machine) -> None:
        reader.stack.append(value(reader))


def _skipping(code: int | str, size: int) -> None:
    @_operation(code)
    def skip(reader: Machine) -> None:
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
_pushing("c", lambda reader: reader.name(_text(reader.line()), _text(reader.line())))
_pushing("2", lambda reader: reader.stack[-1])
_pushing("t", lambda reader: tuple(reader.since_mark()))
_pushing("l", lambda reader: reader.since_mark())
_pushing(0x91, lambda reader: reader.since_mark())  # FROZENSET


def _remembering(code: int | str, index: Callable[[Machine], int]) -> None:
    @_operation(code)
    def remember(reader: Machine) -> None:
        reader.memo[index(reader)] = reader.stack[-1]


_remembering("p", lambda reader: int(reader.line()))
_remembering(0x94, lambda reader: len(reader.memo))


# Nine in ten steps of a checkpoint are the following: each does all of its work itself, since calls
# are what a reader in Python spends its time on. Past the end they raise IndexError, struct.error.


@_operation("q")
def _remember_short(reader: Machine) -> None:
    at = reader.at
    reader.memo[reader.data[at]] = reader.stack[-1]
    reader.at = at + 1


@_operation("r")
def _remember_long(reader: Machine) -> None:
    at = reader.at
    reader.memo[_UINT.unpack_from(reader.data, at)[0]] = reader.stack[-1]
    reader.at = at + 4


@_operation("h")
def _recall_short(reader: Machine) -> None:
    at = reader.at
    reader.stack.append(reader.memo[reader.data[at]])
    reader.at = at + 1


@_operation("j")
def _recall_long(reader: Machine) -> None:
    at = reader.at
    reader.stack.append(reader.memo[_UINT.unpack_from(reader.data, at)[0]])
    reader.at = at + 4


@_operation("K")
def _small(reader: Machine) -> None:
    at = reader.at
    reader.stack.append(reader.data[at])
    reader.at = at + 1


@_operation("X")
def _unicode(reader: Machine) -> None:
    data, start = reader.data, reader.at + 4
    end = start + _UINT.unpack_from(data, reader.at)[0]
    if end > len(data):
        raise PickleError("it ends too early")
    reader.stack.append(data[start:end].decode("utf-8", "surrogatepass"))
    reader.at = end


@_operation("(")
def _mark(reader: Machine) -> None:
    reader.marks.append(len(reader.stack))


@_operation("0")
def _pop(reader: Machine) -> None:
    if reader.marks and reader.marks[-1] == len(reader.stack):
        reader.marks.pop()
    else:
        reader.stack.pop()


@_operation("1")
def _pop_mark(reader: Machine) -> None:
    reader.since_mark()


@_operation(0x85, 0x86, 0x87)
def _short_tuple(reader: Machine) -> None:
    size = reader.data[reader.at - 1] - 0x84
    if len(reader.stack) < size:
        raise PickleError("its stack is empty")
    reader.stack[-size:] = [tuple(reader.stack[-size:])]


@_operation("a")
def _append(reader: Machine) -> None:
    item = reader.stack.pop()
    _extend(reader.stack[-1], [item])


@_operation("e", 0x90)
def _appends(reader: Machine) -> None:
    items = reader.since_mark()
    _extend(reader.stack[-1], items)


def _extend(target: Any, items: list[Any]) -> None:
    if isinstance(target, list):
        target += items


@_operation("s")
def _set_item(reader: Machine) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    _set_items(reader.stack[-1], [key, value])


@_operation("u")
def _set_many(reader: Machine) -> None:
    items = reader.since_mark()
    _set_items(reader.stack[-1], items)


@_operation("d")
def _dict(reader: Machine) -> None:
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
def _stack_global(reader: Machine) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    reader.stack.append(reader.name(module, name))


@_operation("i")
def _inst(reader: Machine) -> None:
    named = reader.name(_text(reader.line()), _text(reader.line()))
    reader.stack.append(Opaque(named, tuple(reader.since_mark())))


@_operation("o")
def _obj(reader: Machine) -> None:
    call, *args = reader.since_mark()
    reader.stack.append(Opaque(call, tuple(args)))


@_operation("R", 0x81)
def _call(reader: Machine) -> None:
    args, call = reader.stack.pop(), reader.stack.pop()
    reader.stack.append(_made(reader, call, args))


@_operation(0x92)
def _call_with_keywords(reader: Machine) -> None:
    keywords, args, call = (reader.stack.pop() for _ in range(3))
    reader.stack.append(Opaque(call, args, keywords if isinstance(keywords, dict) else {}))


_DICTS: Final = frozenset({"collections.OrderedDict", "builtins.dict", "__builtin__.dict"})
_LISTS: Final = frozenset(
    f"{module}.{name}"
    for module in ("builtins", "__builtin__")
    for name in ("list", "tuple", "set", "frozenset")
)


def _made(reader: Machine, call: Any, args: Any) -> Any:
    """Containers are what they are; everything else stays a note of the call."""
    name = call.name if isinstance(call, Global) else ""
    first = args[0] if isinstance(args, tuple) and args else ()
    if name in _LISTS:
        return first if isinstance(first, (list, tuple)) and first else []
    if name in _DICTS:
        return _dict_of(reader, first)
    return Opaque(call, args)


def _dict_of(reader: Machine, pairs: Any) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    if isinstance(pairs, (list, tuple)):
        reader.spend(len(pairs))
        for pair in pairs:
            if isinstance(pair, (list, tuple)) and len(pair) == 2:
                _set_items(made, list(pair))
    return made


@_operation("b")
def _build(reader: Machine) -> None:
    state = reader.stack.pop()
    if isinstance(reader.stack[-1], Opaque):
        reader.stack[-1].state = state
