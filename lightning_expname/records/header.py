"""`read_header`: what a checkpoint says of its run, without its weights and without running it."""

from __future__ import annotations

import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from .inert import InertReader
from .plain import plain_dict

KEY: Final = "lightning_expname"
"""Of the run's identity in a checkpoint."""

Format = Literal["zip", "legacy", "tar", "fsdp", "deepspeed", "directory", "unknown"]

_MAX_BYTES: Final = 32 << 20  # of a pickle without its weights; that of 10 000 tensors has 3 MB
_LEGACY_MAGIC: Final = 0x1950A86A20F9469CFC6C  # torch/serialization.py
_PARTS: Final[Mapping[str, Format]] = {
    "meta.pt": "fsdp",
    "checkpoint/mp_rank_00_model_states.pt": "deepspeed",
}
_HARMLESS: Final = (
    "torch._utils._rebuild_",
    "torch.serialization._get_layout",
    "torch.Size",
    "torch.device",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "argparse.Namespace",
    "_codecs.encode",
    "numpy.core.multiarray.",
    "numpy._core.multiarray.",
    "numpy.dtype",
    "numpy.ndarray",
    "pathlib.",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
)
_HARMLESS_BUILTINS: Final = frozenset(
    {
        "dict",
        "list",
        "set",
        "frozenset",
        "tuple",
        "complex",
        "int",
        "float",
        "str",
        "bytes",
        "bool",
        "bytearray",
        "object",
    }
)
_TORCH_TYPES: Final = ("Storage", "Tensor", "float", "bfloat", "int", "uint", "bool", "complex")


@dataclass(frozen=True)
class CheckpointHeader:
    """A checkpoint without its tensors.

    Attributes:
        path: as it was given, absolute.
        format: how it is stored.
        identity: of the run that wrote it under this package, None of any other.
        epoch, step: of the training when it was saved; the first epoch is 0.
        hyper_parameters: plain values; what needs code to be made is left out.
        data_hyper_parameters: those of the datamodule.
        callbacks: their states, plain, by Lightning's keys.
        lr: the learning rate that the first optimizer began with.
        lightning_version: that wrote it.
        foreign: globals of the pickle beyond torch's and plain containers: to load it without
            `weights_only=True` would import or run them.
        problem: why nothing more is known, None when it was read.
    """

    path: Path
    format: Format = "unknown"
    identity: Mapping[str, Any] | None = None
    epoch: int | None = None
    step: int | None = None
    hyper_parameters: Mapping[str, Any] = field(default_factory=dict)
    data_hyper_parameters: Mapping[str, Any] = field(default_factory=dict)
    callbacks: Mapping[str, Any] = field(default_factory=dict)
    lr: float | None = None
    lightning_version: str | None = None
    foreign: tuple[str, ...] = ()
    problem: str | None = None


_ReadStorage = Callable[[str, int, int], bytes]
"""Gives `size` bytes at an offset of a tensor's storage."""


def read_header(path: str | os.PathLike[str]) -> CheckpointHeader:
    """What a checkpoint says of its run.

    No code of the checkpoint is run and no tensor is loaded. Whatever is wrong with it is told
    in `problem`; nothing is raised.

    Example:
        >>> read_header("checkpoints/Net/Digits/depth2-bs64-epoch3.ckpt").identity["run"]
        'depth2-bs64-lr0.001'
    """
    where = Path(path).absolute()
    try:
        if where.is_dir():
            return _read_directory(where)
        if where.exists() and not where.is_file():  # whoever opens a pipe waits for ever
            return CheckpointHeader(where, problem="a device or pipe, no file")
        return _read_file(where)
    except Exception as error:
        # Formats of decades, damaged in any way: zipfile alone raises six types.
        return CheckpointHeader(where, problem=f"cannot be read: {type(error).__name__}: {error}")


def _read_directory(path: Path) -> CheckpointHeader:
    for part, kind in _PARTS.items():
        if (path / part).is_file():
            return replace(_read_file(path / part), path=path, format=kind)
    return CheckpointHeader(path, "directory", problem="a directory, but no sharded checkpoint")


def _read_file(path: Path) -> CheckpointHeader:
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return CheckpointHeader(path, problem="an empty file")
    if start[:4] == b"PK\x03\x04":
        return _read_zip(path)
    if start[257:262] == b"ustar":
        return _read_tar(path)
    return _read_legacy(path)


def _read_zip(path: Path) -> CheckpointHeader:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        return CheckpointHeader(path, "zip", problem="a torn zip file: its end is missing")
    with archive:
        name = next((one for one in archive.namelist() if one.endswith("/data.pkl")), None)
        if name is None:
            return CheckpointHeader(path, "zip", problem="a zip file, but no checkpoint")
        reader = InertReader(_bounded(archive, name))

        def read_storage(key: str, offset: int, size: int) -> bytes:
            member = archive.getinfo(f"{name.removesuffix('data.pkl')}data/{key}")
            return _stored_bytes(path, member, offset, size)

        return _header(path, "zip", reader.load(), reader, read_storage)


def _stored_bytes(path: Path, member: zipfile.ZipInfo, offset: int, size: int) -> bytes:
    """A few bytes of an entry as it lies in the file, without reading what lies before them.

    Torch compresses none of its entries. To skip in one that is compressed is to unpack it all.
    """
    if member.compress_type != zipfile.ZIP_STORED or not 0 <= offset <= member.file_size - size:
        raise KeyError(member.filename)
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)  # PKWARE's APPNOTE 4.3.7: a local header has 30 bytes
        lengths = struct.unpack("<HH", file.read(4))  # then the name and an extra field
        file.seek(sum(lengths) + offset, os.SEEK_CUR)
        return file.read(size)


def _bounded(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        return _checked(file.read(_MAX_BYTES + 1))


def _checked(data: bytes) -> bytes:
    if len(data) > _MAX_BYTES:
        raise ValueError(f"its pickle has more than {_MAX_BYTES >> 20} MB without the weights")
    return data


def _read_tar(path: Path) -> CheckpointHeader:
    with tarfile.open(path, "r:") as archive:
        member = archive.extractfile("pickle")
        if member is None:
            return CheckpointHeader(path, "tar", problem="a tar file, but no checkpoint")
        reader = InertReader(_checked(member.read(_MAX_BYTES + 1)))
    return _header(path, "tar", reader.load(), reader, _no_storage)


def _read_legacy(path: Path) -> CheckpointHeader:
    """A magic number, the protocol, facts of the system and the object: four pickles in a row."""
    with path.open("rb") as file:
        reader = InertReader(file.read(_MAX_BYTES))
    try:
        magic = reader.load()
    except ValueError:
        return CheckpointHeader(path, problem="not a checkpoint")
    if type(magic) is not int or magic != _LEGACY_MAGIC:
        foreign = _foreign(reader.names)
        return CheckpointHeader(path, foreign=foreign, problem="a pickle, but no checkpoint")
    _protocol, _system, content = (reader.load() for _ in range(3))
    return _header(path, "legacy", content, reader, _no_storage)


def _no_storage(key: str, *_: int) -> bytes:
    raise KeyError(key)


def _header(
    path: Path, kind: Format, content: Any, reader: InertReader, read_storage: _ReadStorage
) -> CheckpointHeader:
    header = CheckpointHeader(path, kind, foreign=_foreign(reader.names))
    if not isinstance(content, dict):
        return replace(header, problem="a torch file, but no checkpoint of Lightning")
    known = {"pytorch-lightning_version", "global_step", KEY, "hyper_parameters"}
    if not known & content.keys():
        return replace(header, problem="a torch file, but no checkpoint of Lightning")

    def part(name: str) -> dict[str, Any]:
        return plain_dict(content.get(name), read_storage)

    version = content.get("pytorch-lightning_version")
    return replace(
        header,
        identity=part(KEY) or None,
        epoch=_count(content.get("epoch")),
        step=_count(content.get("global_step")),
        hyper_parameters=part("hyper_parameters"),
        data_hyper_parameters=part("datamodule_hyper_parameters"),
        callbacks=part("callbacks"),
        lr=_lr(content),
        lightning_version=version if isinstance(version, str) else None,
    )


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 1 << 63 else None


def _lr(content: Mapping[Any, Any]) -> float | None:
    """Schedulers keep the first rate as `initial_lr` beside the present one."""
    try:
        group = content["optimizer_states"][0]["param_groups"][0]
        rate = group.get("initial_lr", group["lr"])
    except (KeyError, IndexError, TypeError, AttributeError):
        return None
    return rate if type(rate) is float else None


def _foreign(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if not _is_harmless(name)))


def _is_harmless(name: str) -> bool:
    module, _, own = name.rpartition(".")
    if module in ("builtins", "__builtin__"):
        return own in _HARMLESS_BUILTINS
    if module in ("torch", "torch.storage"):
        ours = own.startswith(_TORCH_TYPES) or own.endswith(_TORCH_TYPES)
        if ours or own in ("Size", "device"):
            return True
    return name.startswith(_HARMLESS)
