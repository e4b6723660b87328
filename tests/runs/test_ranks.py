"""Two processes: one run. Every mode on every strategy is in tests/slow/life."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flavour import ExpNameLogger
from lit_models import LitRegressor, MultiModalTransformer, fit
from processes import train
from rank_checks import check_first

from lightning_expname.lifecycle import Lifecycle
from lightning_expname.records import is_alive, read_record

Read = Callable[..., list[Any]]


@pytest.mark.parametrize("strategy", ["ddp_fork"])
def test_ranks_share_one_run(expname_root: Path, expname_recorded: Read, strategy: str) -> None:
    ran = train(expname_root, strategy)
    assert ran.returncode == 0, ran.stderr
    check_first(expname_root, expname_recorded(), strategy)


def test_a_failure_on_one_rank_ends_all(expname_root: Path, expname_recorded: Read) -> None:
    ran = train(expname_root, "ddp", FAIL_RANK="1")
    assert ran.returncode != 0
    (record,) = (read_record(path) for path in (expname_root / "checkpoints").rglob("*.json"))
    assert "one rank alone" in ran.stderr
    assert is_alive(record.process) is False
    (run,) = expname_recorded(wait=0.0)
    told = {"failed": 1, "running": None}  # rank 0 may be killed outright, before it can say so
    assert run.exit_code == told[record.status], ran.stderr


class Awkward(LitRegressor):
    """A secret and a dict within a list among its arguments: the record has neither as it is."""

    def __init__(self, api_key: str, stages: list[dict[str, int]], options: dict[str, int]) -> None:
        super().__init__(MultiModalTransformer(8))
        self.stages, self.options = stages, options


def test_a_run_of_a_launched_process_is_known_by_its_module(expname_root: Path) -> None:
    key = "hf_abcdefghijklmnopqrstuvwxyz012345"
    module = Awkward(key, [{"width": 3}], {})
    logger = ExpNameLogger(offline=True)
    fit(logger, module=module)
    assert logger.record is not None
    assert key not in str(logger.record)
    here = Lifecycle(logger.options)  # as in the process that the training was launched from
    here.take_back(logger.record)
    assert here.belongs_to(module)
    assert not here.belongs_to(Awkward(key, [{"width": 4}], {}))
