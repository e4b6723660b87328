"""One study under every strategy and storage; then a fit and a test in the same script."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Ran, Run

from lightning_expname.testing import find_recorded, read_recorded

QUICK = {("ddp", "memory"), ("ddp", "sqlite"), ("ddp_spawn", "journal"), ("ddp_fork", "memory")}
"""Each strategy and each storage once; PostgreSQL has its own tests. The others are long."""
CASES = [
    ("auto", "journal"),
    *(
        (one, kind) if (one, kind) in QUICK else pytest.param(one, kind, marks=pytest.mark.long)
        for one in ("ddp", "ddp_spawn", "ddp_fork")
        for kind in ("memory", "journal", "sqlite")
    ),
    ("torchrun", "journal"),
]


def study(run: Run, root: Any, strategy: str, storage: str, *arguments: str) -> Ran:
    url = f"sqlite:///{root}/study.db" if storage == "sqlite" else storage
    by_torchrun = strategy == "torchrun"
    return run("ddp" if by_torchrun else strategy, url, *arguments, torchrun=by_torchrun)


def check(ran: Ran, strategy: str) -> None:
    assert ran.code == 0, ran.output[-4000:]
    in_step = strategy in ("ddp", "torchrun")  # the others have one script, and spawned ranks
    assert sorted(ran.ranks) == ([0, 1] if in_step else [0])
    first = ran.ranks[0]
    trials = first["trials"]
    assert [one["state"] for one in trials] == [
        "COMPLETE",
        "COMPLETE",
        "PRUNED",
        "COMPLETE",
        "PRUNED",
    ]
    assert [one["steps"] for one in trials] == [[0, 1, 2, 3]] * 2 + [[0], [0, 1, 2, 3], [0]]
    assert [one["params"] for one in trials] == [
        {key: value for key, value in one.items() if key != "number"} for one in first["seen"]
    ]
    assert first["best"] == trials[3]["params"]
    assert first["value"] == trials[3]["value"] == pytest.approx(0.73)
    for other in ran.ranks.values():
        for key in ("best", "value", "trial", "tested"):
            assert other[key] == first[key]
        assert other["seen"] == first["seen"]


@pytest.mark.parametrize(("strategy", "storage"), CASES)
def test_exact_trials_equal_ranks_true_pruning(
    run: Run, root: Any, strategy: str, storage: str
) -> None:
    check(study(run, root, strategy, storage), strategy)
    best = json.loads((root / "hparams/Net/Noise/5_trials/best_params.json").read_text())
    assert best == json.loads((root / "rank0.json").read_text())["best"]


@pytest.mark.parametrize("strategy", ["ddp", pytest.param("ddp_spawn", marks=pytest.mark.long)])
def test_every_trial_is_one_run_on_all_ranks(run: Run, root: Any, strategy: str) -> None:
    ran = study(run, root, strategy, "journal", "--logged")
    check(ran, strategy)
    *runs, study_run = [read_recorded(path, wait=5.0) for path in find_recorded(root)]
    assert [one.summary["trial_state"] for one in runs] == [
        one["state"] for one in ran.ranks[0]["trials"]
    ]
    assert study_run.job_type == "study"
    assert {(one.group, one.job_type, one.exit_code) for one in runs} == {("Net-Noise", "tune", 0)}
    for number, one in enumerate(runs):
        assert one.name.startswith(f"trial{number:03d}-width")
    assert ran.ranks[0]["run"]["id"] == runs[3].run_id


@pytest.mark.parametrize("strategy", ["auto", "ddp", "ddp_fork"])
def test_a_failure_on_all_ranks_is_one_failed_trial(run: Run, root: Any, strategy: str) -> None:
    event = "early all fail" if strategy == "ddp_fork" else "all fail"
    ran = study(run, root, strategy, "journal", "--event", event)
    assert ran.code == 0, ran.output[-4000:]
    states = [one["state"] for one in ran.ranks[0]["trials"]]
    assert states == ["COMPLETE", "COMPLETE", "PRUNED", "FAIL", "PRUNED"]
    assert "ValueError" in ran.ranks[0]["trials"][3]["attrs"]["expname:error"]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param("rank 0 fails", marks=pytest.mark.long),
        "rank 1 fails",
        "rank 0 is killed",
        pytest.param("rank 1 is killed", marks=pytest.mark.long),
    ],
)
def test_one_rank_alone_ends_all_in_bounded_time_and_resumes(
    run: Run, root: Any, event: str
) -> None:
    ran = study(run, root, "ddp", "journal", "--event", event)
    assert ran.code != 0
    assert not ran.ranks
    again = study(run, root, "ddp", "journal")
    assert again.code == 0, again.output[-4000:]
    done = [one["state"] for one in again.ranks[0]["trials"] if one["state"] != "FAIL"]
    failed = [one for one in again.ranks[0]["trials"] if one["state"] == "FAIL"]
    assert len(failed) == 1
    counted = "expname:error" in failed[0]["attrs"]
    assert len(done) == (4 if counted else 5)


@pytest.mark.parametrize(
    "event", ["rank 0 is killed", pytest.param("rank 1 fails", marks=pytest.mark.long)]
)
def test_in_a_process_of_its_own_a_trial_dies_alone(run: Run, root: Any, event: str) -> None:
    ran = study(run, root, "ddp", "journal", "--isolate", "process", "--event", event)
    assert ran.code == 0, ran.output[-4000:]
    trials = ran.ranks[0]["trials"]
    assert [one["state"] for one in trials] == ["COMPLETE", "COMPLETE", "PRUNED", "FAIL", "PRUNED"]
    assert trials[3]["attrs"]["expname:error"]
