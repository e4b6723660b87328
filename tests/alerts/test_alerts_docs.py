"""What docs/alerts.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer

from lightning_expname.alerts import DEADLINE, DEFAULT_EVENTS, Alerts
from lightning_expname.alerts.courier import PATIENCE, RETRY_AFTER_MAX
from lightning_expname.alerts.senders import MESSAGE_TIMEOUT
from lightning_expname.testing import SlackServer

TEXT = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_its_examples_run(
    expname_root: Path, expname_slack: SlackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(BLOCKS) == 4
    names: dict[str, Any] = {"Trainer": Trainer}
    for block in BLOCKS:
        exec(block, names)  # our own text
        if isinstance(alerts := names.get("alerts"), Alerts):
            assert alerts.close(60)
    told = [message.text for message in expname_slack.messages]
    assert told == ["✅ tune finished: lgbm", "✅ predict finished"]
    with names["alerts"].watch("train"):
        pass
    assert names["alerts"].close(60)
    assert capsys.readouterr().out == "train finished\n"
    expname_slack.messages.clear()
    names["test_that_the_end_is_told"](expname_slack)


def test_its_figures_are_the_programs() -> None:
    assert (MESSAGE_TIMEOUT, DEADLINE, PATIENCE, RETRY_AFTER_MAX) == (30, 10.0, 600.0, 30.0)
    assert repr(DEFAULT_EVENTS).replace("'", '"') in TEXT
