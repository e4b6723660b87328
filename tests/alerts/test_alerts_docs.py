"""What docs/alerts.md shows is so."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import test_plain_ends
from lightning.pytorch import Trainer

from lightning_expname.alerts import DEADLINE, DEFAULT_EVENTS, Alerts
from lightning_expname.alerts.courier import PATIENCE, RETRY_AFTER_MAX
from lightning_expname.alerts.senders import MESSAGE_TIMEOUT
from lightning_expname.testing import SlackServer

HERE = Path(__file__).parent
TEXT = (HERE.parents[1] / "docs" / "alerts.md").read_text(encoding="utf-8")
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


PLAIN = ("test_plain_ends", "test_hostile_use", "test_out_of_memory", "test_true_ends")


def _ids(*cases: tuple[object, ...]) -> set[str]:
    return {"-".join(map(str, case)) for case in cases}


def test_every_end_that_it_lists_is_tested() -> None:
    rows = [[cell.strip() for cell in row.split("|")] for row in TEXT.split("\n") if "|" in row]
    table = [row[1:-1] for row in rows if len(row) == 7][2:]
    slow = runpy.run_path(str(HERE.parent / "slow/alerts/test_every_end.py"))
    (cases,) = [mark.args[1] for mark in test_plain_ends.test_each_end_is_told_once.pytestmark]
    known = [
        _ids(*cases) | _tests(*PLAIN),
        _ids(*slow["ALONE"]) | set(slow),
        _ids(*slow["TOGETHER"], *slow["ELSEWHERE"]),
    ]
    named = [{one for row in table for one in re.findall(r"`(.*?)`", row[2 + n])} for n in range(3)]
    assert len(table) == 20
    assert [these - those for these, those in zip(named, known, strict=True)] == [set()] * 3
    for row in table:
        told = row[1].split()[0].strip(",").replace("nothing", "None")
        ids = [one for one in re.findall(r"`(.*?)`", " ".join(row[2:])) if "test_" not in one]
        assert {one.rpartition("-")[2] for one in ids} <= {told}


def _tests(*modules: str) -> set[str]:
    texts = [(HERE / f"{module}.py").read_text(encoding="utf-8") for module in modules]
    return set(re.findall(r"^def (test_\w+)", "\n".join(texts), re.MULTILINE))


def test_its_figures_are_the_programs() -> None:
    assert (MESSAGE_TIMEOUT, DEADLINE, PATIENCE, RETRY_AFTER_MAX) == (30, 10.0, 600.0, 30.0)
    assert repr(DEFAULT_EVENTS).replace("'", '"') in TEXT
