"""What an inert reader gave, as values that JSON can hold."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .inert import Global, Opaque, Stored

_MAX_DEPTH: Final = 20
_MAX_NODES: Final = 20_000
_MAX_TEXT: Final = 20_000
_MAX_BITS: Final = 1024
_UNKNOWN: Final = object()
_FORMATS: Final[Mapping[str, str]] = {
    "DoubleStorage": "<d",
    "FloatStorage": "<f",
    "HalfStorage": "<e",
    "LongStorage": "<q",
    "IntStorage": "<i",
    "ShortStorage": "<h",
    "CharStorage": "<b",
    "ByteStorage": "<B",
    "BoolStorage": "<?",
}
_CONTENTS: Final = ("_content", "_val")  # of omegaconf's containers and nodes


def plain_dict(value: Any, read_storage: Callable[[str, int, int], bytes]) -> dict[str, Any]:
    """A mapping as plain values; what could only be made by code is left out.

    Args:
        value: of an `InertReader`; anything but a mapping gives an empty dict.
        read_storage: gives the bytes of a tensor's storage: key, offset, size.
    """
    made = _Plain(read_storage).make(value, 0)
    return made if isinstance(made, dict) else {}


@dataclass
class _Plain:
    read_storage: Callable[[str, int, int], bytes]
    left: int = _MAX_NODES

    def make(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth > _MAX_DEPTH:
            return _UNKNOWN
        if value is None or type(value) in (bool, float):
            return value
        if type(value) is int:
            return value if value.bit_length() <= _MAX_BITS else _UNKNOWN
        if type(value) is str:
            return value[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
        if isinstance(value, (list, tuple)):
            return self._list(value, depth)
        return self._dict(value, depth) if isinstance(value, dict) else self._other(value, depth)

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        items = (self.make(item, depth + 1) for item in value[: max(self.left, 0)])
        return [None if item is _UNKNOWN else item for item in items]

    def _dict(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, item in value.items():
            if self.left < 0:
                break
            plain = self.make(item, depth + 1)
            if plain is not _UNKNOWN:
                name = key if isinstance(key, str) else repr(key)
                made[name[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")] = plain
        return made

    def _other(self, value: Any, depth: int) -> Any:
        if isinstance(value, Global):
            return value.name.rpartition(".")[2]
        if not isinstance(value, Opaque):
            return _UNKNOWN
        name = value.call.name if isinstance(value.call, Global) else ""
        if name.startswith("torch._utils._rebuild_tensor"):
            return self._scalar(value.args)
        if name.startswith("pathlib."):
            return "/".join(map(str, value.args)).replace("//", "/")
        if value.items:
            return self._dict(value.items, depth)
        return self._state(name, value.state, depth)

    def _state(self, name: str, state: Any, depth: int) -> Any:
        if not isinstance(state, dict):
            return _UNKNOWN
        if name == "argparse.Namespace":
            return self._dict(state, depth)
        content = next((key for key in _CONTENTS if key in state), None)
        return _UNKNOWN if content is None else self.make(state[content], depth + 1)

    def _scalar(self, args: Any) -> Any:
        """A number that was kept as a tensor of no dimension: `best_model_score` is one."""
        try:
            stored, offset, size = args[:3]
            _, kind, key = stored.key[:3]
            if not isinstance(stored, Stored) or size or not isinstance(key, str):
                return _UNKNOWN
            return self._number(kind.name.rpartition(".")[2], key, offset)
        except (TypeError, ValueError, KeyError, AttributeError, struct.error):
            return _UNKNOWN

    def _number(self, kind: str, key: str, offset: int) -> Any:
        if kind == "BFloat16Storage":  # the upper half of a float
            return struct.unpack("<f", b"\0\0" + self.read_storage(key, offset * 2, 2))[0]
        width = struct.calcsize(_FORMATS[kind])
        return struct.unpack(_FORMATS[kind], self.read_storage(key, offset * width, width))[0]
