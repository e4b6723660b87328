"""Lightning's ends, for real: a representative few; `tests/slow/alerts` has them all."""

from __future__ import annotations

from pathlib import Path

import pytest
from endings import train_until

from lightning_expname.records import read_record
from lightning_expname.testing.slack_server import SlackServer

RUN = "d_model16-n_heads8-n_layers4-activation.gelu-bs16"


def record_of(root: Path) -> str:
    (path,) = (root / "checkpoints").rglob("*.json")
    return read_record(path).status


@pytest.mark.parametrize(
    ("end", "code", "outcome"), [("SIGTERM", 0, "interrupted"), ("SIGKILL", -9, "killed")]
)
def test_a_training_stopped_from_outside_is_told_once(
    expname_root: Path, expname_slack: SlackServer, end: str, code: int, outcome: str
) -> None:
    got, messages = train_until(expname_slack, expname_root, end)
    assert got == code
    (message,) = messages
    assert f"train {outcome}: {RUN}" in message.text
    assert "checkpoints/MultiModalTransformer/KEMDy19/" in message.shown
    assert record_of(expname_root) == outcome
    assert expname_slack.refused == []


def test_of_two_ranks_the_one_that_failed_speaks(
    expname_root: Path, expname_slack: SlackServer
) -> None:
    _, messages = train_until(expname_slack, expname_root, "exception", "1", "2")
    (message,) = messages
    assert f"train failed: {RUN}-lr1e-05 · ValueError: the reason" in message.text
    assert "`1 of 2`" in message.shown
