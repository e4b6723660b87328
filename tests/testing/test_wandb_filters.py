"""The filters of W&B's public API, over one run."""

from __future__ import annotations

from typing import Any

import pytest

from lightning_expname.testing.wandb_filters import matches
from lightning_expname.testing.wandb_runs import RefusalError, ServedRun

RUN = ServedRun(
    "e",
    "p",
    "id",
    created="2026-01-01T00:00:00.000000Z",
    names=["first", "d_model4-bs8"],
    tags=["a", "b"],
    state="finished",
    config_json='{"lr": {"value": 0.1}, "net": {"value": {"depth": 2}}, "a.b": {"value": 1}}',
    summary_json='{"acc": 0.5}',
)


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({}, True),
        ({"display_name": "d_model4-bs8"}, True),
        ({"display_name": "first"}, False),
        ({"display_name": {"$regex": "^d_model4"}}, True),
        ({"tags": "b"}, True),
        ({"tags": {"$in": ["c", "a"]}}, True),
        ({"tags": {"$nin": ["c", "a"]}}, False),
        ({"tags": {"$ne": "a"}}, False),
        ({"config.lr": {"$gt": 0.01, "$lte": 0.1}}, True),
        ({"config.lr.value": 0.1}, True),
        ({"config.net.depth": {"$gte": 3}}, False),
        ({"config.a.b": 1}, True),
        ({"config.absent": {"$exists": False}}, True),
        ({"config.absent": {"$lt": 3}}, False),
        ({"summary_metrics.acc": {"$lt": 0.6}}, True),
        ({"nothing.known": None}, True),
        ({"$or": [{"state": "failed"}, {"state": "finished"}]}, True),
        ({"$nor": [{"state": "failed"}, {"state": "finished"}]}, False),
        ({"$and": [{"state": "finished"}, {"config.lr": 0.2}]}, False),
        ({"state": "finished", "config.lr": 0.2}, False),
    ],
)
def test_a_run_fits_or_not(filters: dict[str, Any], fits: bool) -> None:
    assert matches(RUN, filters) is fits


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(RefusalError, match=r"unknown operator \$near; known are \$eq"):
        matches(RUN, {"config.lr": {"$near": 1}})
