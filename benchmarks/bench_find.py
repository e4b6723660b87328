"""Finding among many runs, beside MLflow's `search_runs` and a glob with `torch.load`.

Run `python benchmarks/bench_find.py [records]` (100 000 by default). Goals are for an idle
machine. MLflow is asked where it is installed, of as many runs, put into its SQLite tables.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rows import sizes, tell

from lightning_expname import find_runs
from lightning_expname.records import CheckpointPlace, RunRecord, claim
from lightning_expname.records.header import read_header
from lightning_expname.records.index import rebuild
from lightning_expname.records.store import _to_text

QUESTIONS = (("n_heads=7", "lr<0.00002"), ("run=*depth13-*",), ("act=gelu", "score>0.9999"))
WRITERS, EACH = 8, 1000


def record(number: int, folder: str) -> RunRecord:
    """One of many runs: a dozen hyper-parameters, sections as a real training has them."""
    hparams = {
        "d_model": 64 * (number % 16 + 1),
        "n_heads": number % 97,
        "depth": number % 31,
        "act": ("gelu", "relu", "silu")[number % 3],
        "dropout": (number % 10) / 10,
        "seed": number,
    }
    stem = f"d_model{hparams['d_model']}-depth{hparams['depth']}-n{number}-bs64"
    trainer = {"max_epochs": 10 + number % 5, "precision": "32-true", "devices": 1}
    environment = {"python": "3.11.7", "host": f"node{number % 8}", "torch": "2.13.0"}
    return RunRecord(
        id=f"r{number:07d}",
        project="Net-Digits",
        run=f"{stem}-lr{number % 1000 / 1e7}",
        stem=stem,
        model="Net",
        dataset="Digits",
        record=f"{folder}/{stem}.json",
        status="finished",
        hparams=hparams,
        config={
            "batch_size": 64,
            "lr": number % 1000 / 1e7,
            "optimizer": {"name": "AdamW", "betas": [0.9, 0.999], "eps": 1e-8},
            "trainer": trainer,
            "environment": environment,
        },
        created=f"2026-01-{number % 28 + 1:02d}T00:00:00+00:00",
        score=(number * 7919 % 100_003) / 100_003,
        monitor="val_acc",
        places=(CheckpointPlace(folder, stem + "-epoch{epoch}", f"{stem}-last"),),
    )


def fill(root: Path, numbers: range) -> None:
    """Records as files, in folders of a thousand."""
    for number in numbers:
        one = record(number, f"checkpoints/Net{number // 1000}/Digits")
        path = root / one.record
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_to_text(one), encoding="utf-8")


def settle(root: Path) -> None:
    """Folders as they are when nobody has written for a while."""
    old = time.time() - 100
    for folder, _, _ in os.walk(root / "checkpoints"):
        os.utime(folder, (old, old))


def timed(what: str, ask: Callable[[], Any], most: float | None = None, rounds: int = 15) -> float:
    """Tells the median milliseconds of a call that has been made before, and the least."""
    ask()
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        ask()
        spent.append(1000 * (time.perf_counter() - start))
    median = statistics.median(spent)
    tell(what, median, "ms", most=most, note=f"least {min(spent):.1f} ms")
    return median


def bench_records(root: Path, count: int) -> None:
    """The library, the process, catching up and rebuilding."""
    start = time.perf_counter()
    rebuild(root)
    tell(f"rebuild of {count} records", time.perf_counter() - start, "s", most=60)
    settle(root)
    rebuilt_again = time.perf_counter()
    find_runs("n_heads=7", root=root)
    tell("first question after it", time.perf_counter() - rebuilt_again, "s")
    for question in QUESTIONS:
        found = len(find_runs(*question, root=root))
        goal = 10 if len(question) == 2 else None  # thousands of hits take what reading them takes
        what = f"`find_runs{question}`: {found} of {count} runs"
        timed(what, lambda q=question: find_runs(*q, root=root), goal)
    command = [sys.executable, "-m", "lightning_expname", "find", *QUESTIONS[0]]
    command += ["--root", str(root)]

    def process() -> object:
        return subprocess.run(command, check=True, capture_output=True)

    timed("`expname find`, the whole process", process, 250, 7)
    fill(root, range(count, count + 100))
    start = time.perf_counter()
    find_runs(*QUESTIONS[0], root=root)
    tell("question after 100 new records", 1000 * (time.perf_counter() - start), "ms", most=100)


def _write(root: str, writer: int) -> None:
    for number in range(EACH):
        folder = f"checkpoints/Net{number % 40}/Digits"  # all writers meet in each
        one = record(10_000_000 + writer * EACH + number, folder)
        claim(Path(root), lambda ordinal, one=one: one)


def bench_writers(folder: Path) -> None:
    """Eight processes that claim at once: none may be lost."""
    find_runs(root=folder)
    start = time.perf_counter()
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(str(folder), n)) for n in range(WRITERS)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    spent = time.perf_counter() - start
    found = len(find_runs(root=folder))
    what = f"{WRITERS} processes adding {EACH} records each: found"
    tell(what, found, "records", least=WRITERS * EACH, note=f"{spent:.1f} s")
    assert found == WRITERS * EACH


def checkpoint(path: Path, size: int) -> None:
    """A checkpoint of 800 tensors; with a further tensor of `size` bytes."""
    import torch

    state = {f"layers.{n}.weight": torch.zeros(8) for n in range(800)}
    adam = {n: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(8)} for n in range(8)}
    content = {
        "epoch": 3,
        "global_step": 9,
        "state_dict": state,
        "optimizer_states": [{"state": adam, "param_groups": [{"lr": 0.001}]}],
        "hyper_parameters": {"d_model": 8, "n_heads": 7},
    }
    torch.save(content, path)
    if size:
        with (
            zipfile.ZipFile(path, "a", allowZip64=True) as archive,
            archive.open("archive/data/hole", "w", force_zip64=True) as hole,
        ):
            for _ in range(size >> 24):
                hole.write(bytes(1 << 24))


def bench_header(folder: Path) -> None:
    """What a checkpoint of 2 GB says of its run, from a warm page cache."""
    path = folder / "large.ckpt"
    checkpoint(path, 2 << 30)
    header = read_header(path)
    assert header.hyper_parameters == {"d_model": 8, "n_heads": 7}, header.problem
    size = path.stat().st_size / (1 << 30)
    timed(f"header of {size:.1f} GB, 800 tensors", lambda: read_header(path), 15)
    path.unlink()


def fill_mlflow(store: Any, count: int) -> str:
    """The same runs as rows of MLflow's own tables; gives the experiment's id."""
    from mlflow.store.tracking.dbmodels.models import (
        SqlLatestMetric,
        SqlParam,
        SqlRun,
        SqlTag,
    )
    from sqlalchemy import insert

    experiment = store.create_experiment("Net-Digits")
    with store.engine.begin() as db:
        for first in range(0, count, 1000):
            rows = [record(number, "x") for number in range(first, min(first + 1000, count))]
            runs = [
                {
                    "run_uuid": one.id,
                    "name": one.run,
                    "status": "FINISHED",
                    "lifecycle_stage": "active",
                    "experiment_id": int(experiment),
                    "artifact_uri": "x",
                    "user_id": "me",
                    "source_type": "LOCAL",
                    "source_name": "x",
                    "entry_point_name": "x",
                    "source_version": "x",
                    "start_time": 0,
                    "end_time": 0,
                }
                for one in rows
            ]
            db.execute(insert(SqlRun), runs)
            tags = [{"key": "mlflow.runName", "value": one.run, "run_uuid": one.id} for one in rows]
            db.execute(insert(SqlTag), tags)
            parameters = [
                {"key": key, "value": str(value), "run_uuid": one.id}
                for one in rows
                for key, value in one.hparams.items()
            ]
            db.execute(insert(SqlParam), parameters)
            metrics = [
                {"key": key, "value": value, "timestamp": 0, "step": 0, "is_nan": False}
                | {"run_uuid": one.id}
                for one in rows
                for key, value in (("score", one.score), ("lr", one.config["lr"]))
            ]
            db.execute(insert(SqlLatestMetric), metrics)
    return str(experiment)


def bench_mlflow(folder: Path, count: int) -> None:
    """The same three questions of MLflow: its parameters are texts, so numbers are metrics."""
    from mlflow.entities import ViewType
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"sqlite:///{folder / 'mlflow.db'}", str(folder))
    experiment = fill_mlflow(store, count)
    asked = (
        "params.n_heads = '7' AND metrics.lr < 0.00002",
        "attributes.run_name LIKE '%depth13-%'",
        "params.act = 'gelu' AND metrics.score > 0.9999",
    )
    for text in asked:

        def ask(text: str = text) -> list[Any]:
            """All pages, as our answer is whole."""
            found: list[Any] = []
            token = None
            while True:
                page = store.search_runs(
                    [experiment], text, ViewType.ACTIVE_ONLY, max_results=50_000, page_token=token
                )
                found += page
                token = page.token
                if not token:
                    return found

        timed(f"MLflow's search_runs, `{text}`: {len(ask())} runs", ask, None, 3)


def bench_glob(folder: Path) -> float:
    """Milliseconds a checkpoint, of `glob` and `torch.load`."""
    import torch

    for number in range(20):
        checkpoint(folder / f"{number}.ckpt", 0)

    def ask() -> list[Path]:
        return [
            path
            for path in folder.glob("*.ckpt")
            if torch.load(path, weights_only=True)["hyper_parameters"]["n_heads"] == 7
        ]

    return timed("glob and torch.load of 20 checkpoints", ask, None, 5) / 20


def main() -> None:
    """Print every figure beside its goal."""
    (count,) = sizes(records=100_000)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "root"
        fill(root, range(count))
        settle(root)
        bench_records(root, count)
        bench_header(Path(name))
        (Path(name) / "many").mkdir()
        bench_writers(Path(name) / "many")
        if importlib.util.find_spec("mlflow") is None:
            print("MLflow is not installed: not asked")
        else:
            bench_mlflow(Path(name), count)
        (Path(name) / "ckpt").mkdir()
        each = bench_glob(Path(name) / "ckpt")
        total = each * count / 1000
        what = f"glob and torch.load of {count} checkpoints"
        tell(what, total, "s", note=f"reckoned: {each:.1f} ms a checkpoint")


if __name__ == "__main__":
    main()
