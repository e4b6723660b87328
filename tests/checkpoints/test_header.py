"""A checkpoint's header is read without its weights, and never by running it."""

from __future__ import annotations

import collections
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lightning_expname.records.header import read_header
from lightning_expname.records.inert import InertReader, PickleError

CONTENT: dict[str, Any] = {
    "epoch": 3,
    "global_step": 100,
    "pytorch-lightning_version": "2.6.0",
    "state_dict": {"w": torch.ones(3)},
    "optimizer_states": [{"state": {}, "param_groups": [{"lr": 0.5, "initial_lr": 1e-3}]}],
    "callbacks": {"ModelCheckpoint{}": {"best_model_score": torch.tensor(0.75), "monitor": "acc"}},
    "hyper_parameters": {"n": 8, "act": "gelu", "path": Path("a/b"), "f": torch.tensor([1.0])},
    "lightning_expname": {"id": "abc", "run": "n8"},
}


def saved(path: Path, content: Any = CONTENT, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


@pytest.mark.parametrize(("kind", "is_zip"), [("zip", True), ("legacy", False)])
def test_what_torch_saved_is_read(tmp_path: Path, kind: str, is_zip: bool) -> None:
    header = read_header(saved(tmp_path / "x.ckpt", _use_new_zipfile_serialization=is_zip))
    assert (header.format, header.problem, header.foreign) == (kind, None, ())
    assert header.identity == {"id": "abc", "run": "n8"}
    assert (header.epoch, header.step, header.lr) == (3, 100, 1e-3)
    assert header.hyper_parameters == {"n": 8, "act": "gelu", "path": "a/b"}
    state = header.callbacks["ModelCheckpoint{}"]
    assert state["monitor"] == "acc"
    assert state.get("best_model_score") == (0.75 if is_zip else None)


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int8]
)
def test_a_scalar_tensor_is_its_number(tmp_path: Path, dtype: torch.dtype) -> None:
    content = {**CONTENT, "callbacks": {"a": {"score": torch.tensor([9, 3], dtype=dtype)[1]}}}
    assert read_header(saved(tmp_path / "x", content)).callbacks == {"a": {"score": 3}}


def test_sharded_checkpoints_are_directories(tmp_path: Path) -> None:
    for name in ("fsdp/meta.pt", "deep/checkpoint/mp_rank_00_model_states.pt"):
        (tmp_path / name).parent.mkdir(parents=True)
        saved(tmp_path / name)
    formats = [read_header(tmp_path / name).format for name in ("fsdp", "deep")]
    assert formats == ["fsdp", "deepspeed"]
    assert read_header(tmp_path / "fsdp").identity == {"id": "abc", "run": "n8"}
    assert "no sharded" in (read_header(tmp_path).problem or "")


def test_a_legacy_tar_is_recognised(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x", "w", format=tarfile.USTAR_FORMAT) as archive:
        raw = pickle.dumps({"epoch": 1, "global_step": 2})
        member = tarfile.TarInfo("pickle")
        member.size = len(raw)
        archive.addfile(member, io.BytesIO(raw))
    header = read_header(tmp_path / "x")
    assert (header.format, header.epoch, header.problem) == ("tar", 1, None)


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_hostile_pickle_does_not_run(tmp_path: Path, is_zip: bool) -> None:
    content = {**CONTENT, "bad": Hostile(tmp_path / "owned")}
    path = saved(tmp_path / "x", content, _use_new_zipfile_serialization=is_zip)
    header = read_header(path)
    assert header.foreign == (f"{os.name}.system",)
    assert header.identity == {"id": "abc", "run": "n8"}
    assert not (tmp_path / "owned").exists()
    torch.load(path, weights_only=False)  # it would have
    assert (tmp_path / "owned").exists()


BOMBS = {
    "one number of the memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "a shared tuple as a key": b"\x80\x02}K\x01" + b"2\x86" * 60 + b"Ns.",
    "a shared list": b"\x80\x02X\x10\0\0\0hyper_parameters0]" + b"].",
    "a length beyond the end": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_neither_hangs_nor_fills_the_memory(name: str) -> None:
    reader = InertReader(BOMBS[name])
    try:
        reader.load()
    except PickleError as error:
        assert "early" in str(error)  # only the last of them is refused
    assert reader.at <= len(BOMBS[name])


def test_a_billion_laughs_are_cut(tmp_path: Path) -> None:
    laughs: Any = "ha"
    for _ in range(60):
        laughs = [laughs, laughs]
    header = read_header(saved(tmp_path / "x", {"epoch": 1, "hyper_parameters": {"a": laughs}}))
    assert header.epoch == 1


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_reads_back(protocol: int) -> None:
    value = {
        "a": [1, -1, 300, 70_000, 1 << 80, 1.5, None, True, "é\n", b"x", (), (1,), (1, 2, 3, 4)],
        "b": collections.OrderedDict(c=1),
        "d": ["long" * 100, {"e": {}}],
    }
    read = InertReader(pickle.dumps(value, protocol)).load()
    if protocol > 2:  # before, bytes were a call
        assert read == value
    assert {**read, "a": read["a"][:9]} == {**value, "a": value["a"][:9]}


@settings(max_examples=300, deadline=None)
@example(b"h")  # ends before the byte that it asks for
@given(st.binary(max_size=300))
def test_any_bytes_are_a_value_or_an_error(data: bytes) -> None:
    reader = InertReader(data)
    try:
        reader.load()
    except PickleError:
        assert reader.at <= len(data)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_checkpoint_is_told(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "x"
    is_zip, is_cut = data.draw(st.booleans()), data.draw(st.booleans())
    raw = bytearray(saved(path, _use_new_zipfile_serialization=is_zip).read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    if is_cut:
        del raw[at:]
    else:
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    header = read_header(path)  # a legacy file that lost only its weights is still read
    assert header.problem is None or header.identity is None
    if is_cut and is_zip:
        assert header.problem


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"hello", pickle.dumps([1])])
def test_what_is_no_checkpoint_says_so(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x").write_bytes(raw)
    assert read_header(tmp_path / "x").problem
    assert read_header(tmp_path / "missing").problem


def test_other_zips_are_no_checkpoints(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("a/b", "c")
    assert read_header(tmp_path / "x").problem == "a zip file, but no checkpoint"
    weights = read_header(saved(tmp_path / "y", {"w": torch.ones(1)}))
    assert weights.problem == "a torch file, but no checkpoint of Lightning"


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_no_storage_is_unpacked_to_skip_in_it(
    tmp_path: Path, kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number far inside of 2 GB of zeros, which are 9 MB when packed, took half a minute."""
    whole = zipfile.ZipFile(saved(tmp_path / "whole", {**CONTENT, "hyper_parameters": {}}))
    opened: list[str] = []
    with zipfile.ZipFile(tmp_path / "x.ckpt", "w", kind) as packed:
        for name in whole.namelist():
            packed.writestr(name, whole.read(name))
    monkeypatch.setattr(zipfile.ZipFile, "open", _noted(zipfile.ZipFile.open, opened))
    header = read_header(tmp_path / "x.ckpt")
    assert [PurePosixPath(name).name for name in opened] == ["data.pkl"]
    score = header.callbacks["ModelCheckpoint{}"].get("best_model_score")
    assert score == (0.75 if kind == zipfile.ZIP_STORED else None)


def _noted(opens: Any, into: list[str]) -> Any:
    def noting(archive: zipfile.ZipFile, name: Any, *args: Any, **options: Any) -> Any:
        into.append(getattr(name, "filename", name))
        return opens(archive, name, *args, **options)

    return noting
