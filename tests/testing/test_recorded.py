"""The reader against real offline runs, an independent reader, and damaged files."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
import wandb

from lightning_expname import ExpNameError
from lightning_expname.testing import LogError, Recorded, find_recorded, read_recorded
from lightning_expname.wandb_log.folding import _change, _history_value
from lightning_expname.wandb_log.transaction_log import HEADER, read_messages

ROWS = 40
LONG = "가" * 30_000  # spans several blocks of the log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The transaction log of one finished offline run that uses every kind of message."""
    root = tmp_path_factory.mktemp("one run")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CACHE", "CONFIG", "DATA"):
            patch.setenv(f"WANDB_{kind}_DIR", str(root / kind))
        wandb.teardown()  # W&B reads the environment on its first use
        _record(root)
        wandb.teardown()
    (path,) = find_recorded(root)
    return path


def _record(root: Path) -> None:
    run = wandb.init(
        project="proj",
        name="first",
        id="abc123",
        group="a group",
        job_type="train",
        tags=["one", "two"],
        notes="some notes",
        dir=str(root),
        mode="offline",
        config={"d_model": 64, "lr": 1e-5, "optimizer": {"name": "AdamW"}, "long": LONG},
        settings={"silent": True, "console": "off"},
    )
    run.name = "second"
    run.config.update({"late": True, "optimizer": {"name": "SGD"}}, allow_val_change=True)
    run.define_metric("val/*", step_metric="epoch")
    for step in range(ROWS):
        run.log({"loss": 1 / (step + 1), "epoch": step, "nested": {"a": step}})
    run.log({"text": "x", "inf": math.inf, "none": None})
    run.summary["best"] = {"score": 0.5}
    run.alert("a title", "a text", level="WARN", wait_duration=2)
    artifact = wandb.Artifact("weights", "model", metadata={"epoch": 3})
    (root / "w.bin").write_bytes(b"w")
    artifact.add_file(str(root / "w.bin"))
    run.log_artifact(artifact, aliases=["best"])
    run.finish(exit_code=3)


def test_everything_that_was_said_is_read_back(log: Path) -> None:
    run = read_recorded(log, wait=5.0)
    assert (run.project, run.name, run.run_id) == ("proj", "second", "abc123")
    assert (run.names[0], run.group, run.job_type) == ("first", "a group", "train")
    assert (run.tags, run.notes, run.exit_code) == (("one", "two"), "some notes", 3)
    assert (run.config["d_model"], run.config["lr"]) == (64, 1e-5)
    assert (run.config["late"], run.config["optimizer"]) == (True, {"name": "SGD"})
    assert run.config["long"] == LONG
    assert run.series("loss") == [1 / (step + 1) for step in range(ROWS)]
    assert run.history[5]["nested"] == {"a": 5}
    assert run.history[ROWS]["text"] == "x"
    assert run.history[ROWS]["inf"] == math.inf
    assert [row["_step"] for row in run.history] == list(range(ROWS + 1))
    assert run.summary["best"] == {"score": 0.5}
    assert {"name": "val/*", "step_metric": "epoch"} in run.metrics
    assert run.wandb_version.startswith(wandb.__version__.split(".")[0])
    assert run.started > 1.7e9


def test_alerts_and_artifacts_are_read_back(log: Path) -> None:
    run = read_recorded(log)
    (alert,) = run.alerts
    assert (alert["title"], alert["text"], alert["level"]) == ("a title", "a text", "WARN")
    assert alert["wait_seconds"] == 2.0
    weights = [row for row in run.artifacts if row["name"] == "weights"]
    assert [(row["type"], row["metadata"], list(row["files"])) for row in weights] == [
        ("model", {"epoch": 3}, ["w.bin"])
    ]
    assert "best" in weights[0]["aliases"]


def test_wandbs_own_reader_sees_the_same(log: Path) -> None:
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(log)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "No such command" in shown.stderr:
        pytest.skip("`wandb leet inspect` came with wandb 0.31")
    assert shown.returncode == 0, shown.stderr
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    run = read_recorded(log)
    assert len(records) == len(run.kinds)
    _compare(records, run)


def _compare(records: list[dict[str, Any]], run: Recorded) -> None:
    """It writes 1.0 as 1, inf as a text, and joins nested keys: what is left must be equal."""
    assert [record["type"] for record in records] == list(run.kinds)
    shown = {kind: [row[kind] for row in records if row["type"] == kind] for kind in run.kinds}
    assert [row["display_name"] for row in shown["run"]] == list(run.names)
    first = shown["run"][0]
    assert (first["run_id"], first["project"], first["run_group"]) == ("abc123", "proj", run.group)
    assert first["config"]["update"]["long"] == run.config["long"]
    rows = [row["item"] for row in shown["history"]]
    for key in ("loss", "epoch", "_step", "text", "_timestamp"):
        assert [row[key] for row in rows if key in row] == run.series(key)
    assert [row["nested.a"] for row in rows[:ROWS]] == [row["a"] for row in run.series("nested")]
    assert [end["exit_code"] for end in shown["exit"]] == [run.exit_code]


def test_the_runs_directory_is_as_good_as_the_file(log: Path) -> None:
    assert read_recorded(log.parent) == read_recorded(log)


def test_a_torn_tail_is_what_was_recorded_so_far(log: Path, tmp_path: Path) -> None:
    whole, data = read_recorded(log), log.read_bytes()
    torn = tmp_path / "run-torn.wandb"
    for size in range(0, len(data), len(data) // 150):
        torn.write_bytes(data[:size])
        run = read_recorded(torn)
        assert run.kinds == whole.kinds[: len(run.kinds)]
        assert run.history == whole.history[: len(run.history)]
        assert run.exit_code is None


def test_zeros_behind_the_end_are_no_message(log: Path, tmp_path: Path) -> None:
    padded = tmp_path / "run-padded.wandb"
    padded.write_bytes(log.read_bytes() + bytes(100_000))
    assert read_recorded(padded).kinds == read_recorded(log).kinds


def test_every_flipped_bit_is_noticed(log: Path, tmp_path: Path) -> None:
    data = log.read_bytes()
    expected = list(read_messages(log))
    damaged = tmp_path / "run-damaged.wandb"
    for position in range(len(HEADER), len(data), len(data) // 150):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        damaged.write_bytes(changed)
        try:
            found = list(read_messages(damaged))
        except LogError as error:
            assert str(damaged) in str(error)
        else:  # a length that points behind the end of the file looks like a torn tail
            assert found == expected[: len(found)]
            assert len(found) < len(expected)


@pytest.mark.parametrize("content", [b"PK\x03\x04", b":W&B\xe1\xbe\x01", b":W&C"])
def test_another_file_is_an_error_that_says_what_is_expected(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "run-other.wandb"
    path.write_bytes(content)
    with pytest.raises(ExpNameError, match=r"run-<id>\.wandb"):
        read_recorded(path)


def test_a_directory_of_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="holds 0 files"):
        read_recorded(tmp_path)


def test_an_unknown_kind_of_chunk_is_an_error(tmp_path: Path) -> None:
    kind = bytes([9])
    path = tmp_path / "run-kind.wandb"
    path.write_bytes(HEADER + struct.pack("<IHB", zlib.crc32(b"x", zlib.crc32(kind)), 1, 9) + b"x")
    with pytest.raises(LogError, match="unknown kind of chunk 9"):
        read_recorded(path)


def test_waiting_ends_when_the_run_never_does(log: Path, tmp_path: Path) -> None:
    alive = tmp_path / "run-alive.wandb"
    alive.write_bytes(log.read_bytes()[:-40])
    before = time.monotonic()
    assert read_recorded(alive, wait=0.2).exit_code is None
    assert 0.2 <= time.monotonic() - before < 5.0


def test_runs_of_one_second_are_found_in_the_order_of_their_creation(expname_root: Path) -> None:
    ids = ["c", "a", "d", "b"]
    for run_id in ids:
        wandb.init(project="p", id=run_id, reinit="finish_previous", settings={"silent": True})
    wandb.finish()
    for path in find_recorded(expname_root):  # `finish` returns before the last file is complete
        assert read_recorded(path, wait=60.0).exit_code == 0
    assert [read_recorded(path).run_id for path in find_recorded(expname_root)] == ids


def test_removed_and_nested_keys_are_applied() -> None:
    from wandb.proto.wandb_internal_pb2 import ConfigRecord

    tree: dict[str, Any] = {"a": {"b": 1, "c": 2}, "d": 3, "e": 4}
    message = ConfigRecord()
    message.update.add(nested_key=["d", "x"], value_json="5")
    message.remove.add(nested_key=["a", "b"])
    message.remove.add(nested_key=["e", "y"])
    message.remove.add(key="unknown")
    _change(tree, message)
    assert tree == {"a": {"c": 2}, "d": {"x": 5}, "e": 4}


def test_history_values_of_wandb_before_0_31() -> None:
    from wandb.proto.wandb_internal_pb2 import HistoryItem

    assert _history_value(HistoryItem(key="a", value_json="[1, 2.5]")) == [1, 2.5]
