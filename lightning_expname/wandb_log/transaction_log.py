"""The framing of W&B's transaction log `run-<id>.wandb`.

A file header of 7 bytes (`:W&B`, the magic number 0xBEE1, a version), then LevelDB's log format
(https://github.com/google/leveldb/blob/main/doc/log_format.md): blocks of 32 KiB, which hold
chunks behind headers of 7 bytes. It differs from LevelDB's in two ways: the first block is shorter
by the file header, and the checksum is the CRC-32 of zlib instead of a masked CRC-32C.

The framing is read here because W&B's own reader in Python was removed before wandb 0.31.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import ExpNameError

HEADER: Final = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
_BLOCK: Final = 32 * 1024
_CHUNK: Final = struct.Struct("<IHB")  # checksum, size, kind
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


class LogError(ExpNameError):
    """A file is no transaction log of W&B, or its content was damaged."""


class _Chunk(NamedTuple):
    kind: int
    body: bytes
    end: int


def read_messages(path: Path) -> Iterator[bytes]:
    """The serialized messages of a log, in order.

    A torn tail, as a live or killed run leaves it, ends them silently: what W&B did not get to
    the disk was not recorded.

    Raises:
        LogError: the file is no transaction log, or a checksum does not fit.
    """
    data = path.read_bytes()
    _check_header(path, data)
    parts: list[bytes] = []
    for chunk in _chunks(path, data):
        if chunk.kind in (_FULL, _FIRST):
            parts.clear()
        parts.append(chunk.body)
        if chunk.kind in (_FULL, _LAST):
            yield b"".join(parts)
            parts.clear()


def _check_header(path: Path, data: bytes) -> None:
    found = data[: len(HEADER)]
    if not HEADER.startswith(found):
        raise LogError(
            f"{path} begins with {found!r}; a transaction log of W&B that can be read here begins"
            f" with {HEADER!r}. Give a file run-<id>.wandb, or report the version of wandb"
        )


def _chunks(path: Path, data: bytes) -> Iterator[_Chunk]:
    position = len(HEADER)
    while chunk := _chunk(path, data, _behind_padding(position)):
        yield chunk
        position = chunk.end


def _behind_padding(position: int) -> int:
    """A chunk's header is never split: less room than that at a block's end is padding."""
    left = _BLOCK - position % _BLOCK
    return position + left if left < _CHUNK.size else position


def _chunk(path: Path, data: bytes, position: int) -> _Chunk | None:
    """The chunk at a position; None at the end, and where the tail is torn."""
    start = position + _CHUNK.size
    if start > len(data):
        return None
    checksum, size, kind = _CHUNK.unpack_from(data, position)
    body = data[start : start + size]
    if len(body) < size or not any(data[position:start]):  # zeros: allocated, never written
        return None
    if zlib.crc32(body, zlib.crc32(bytes([kind]))) != checksum:
        raise LogError(f"{path}: the checksum at byte {position} does not fit; the file is damaged")
    if kind not in (_FULL, _FIRST, _MIDDLE, _LAST):
        raise LogError(f"{path}: unknown kind of chunk {kind} at byte {position}")
    return _Chunk(kind, body, start + size)
