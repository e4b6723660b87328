"""One callback for several Trainers, in threads too; and what a Trainer's end may look like."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from channels import Told
from endings import MARKER
from flavour import Callback, ExpNameAlerts, ModelCheckpoint, Trainer
from lit_models import fit, lit, loader, trainer

from lightning_expname.testing.slack_server import SlackServer

OVERWRITTEN = Path(__file__).with_name("overwritten_checkpoints.py")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def alerts(told: Told, expname_root: Path) -> Iterator[ExpNameAlerts]:
    """Tells that channel alone."""
    one = ExpNameAlerts(senders=[told], slack_webhook="", wandb=False, watchdog=False)
    yield one
    assert one.close(30)


class Steps(Callback):
    """Takes its time, and fails in the second epoch, if it is to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def on_train_batch_end(self, ran: Any, *given: Any) -> None:
        time.sleep(0.05)
        if self.fails and ran.current_epoch == 1:
            raise ValueError("in a thread")


def train(alerts: ExpNameAlerts, fails: bool) -> None:
    ran = trainer(False, alerts, Steps(fails=fails), enable_checkpointing=False)
    ran.fit(lit(), loader(), loader())


def test_trainers_in_threads_have_an_end_each(alerts: ExpNameAlerts, told: Told) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(train, alerts, fails) for fails in (False, True)]
    assert [type(one.exception()) for one in both] == [type(None), ValueError]
    assert alerts.close(30) and told.ends == ["train failed", "train finished"]
    assert [one.reason for one in told.messages if one.reason] == ["ValueError: in a thread"]


def test_trainings_in_threads_are_parts_of_the_study(alerts: ExpNameAlerts, told: Told) -> None:
    with alerts.watch("tune", model="net"), ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: train(alerts, fails=False), range(4)))
    assert alerts.close(30)
    *parts, whole = told.messages
    assert [(one.outcome, one.within) for one in parts] == [("finished", "tune: net")] * 4
    assert whole.tally == {"finished": 4}


def test_a_training_with_nothing_left_to_do_is_told(
    alerts: ExpNameAlerts, told: Told, expname_root: Path
) -> None:
    """The second of a chain of jobs, which resumes what was over."""
    for _ in range(2):
        last = ModelCheckpoint(dirpath=expname_root / "saved", save_last=True)
        trainer(False, alerts, last, epochs=1).fit(lit(), loader(), ckpt_path="last")
    trainer(False, alerts, epochs=0).fit(lit(), loader())
    assert alerts.close(30) and told.ends == ["train finished"] * 3


class TestsWithin(Callback):
    """Tests with the Trainer that fits, in one of its hooks."""

    def __init__(self, hook: str) -> None:
        setattr(self, hook, self._test)
        self.has_tested = False

    def _test(self, ran: Any, module: Any, *given: Any) -> None:
        if not self.has_tested:
            self.has_tested = True
            ran.test(module, loader(), verbose=False)


@pytest.mark.parametrize("hook", ["on_train_end", "on_fit_end"])
def test_a_test_within_the_fit_does_not_end_it(
    alerts: ExpNameAlerts, told: Told, hook: str
) -> None:
    fit(False, alerts, TestsWithin(hook))
    assert alerts.close(30) and told.ends == ["train finished"]


@pytest.mark.parametrize("is_same", [True, False])
def test_a_test_where_a_failure_is_told_does_not_hide_it(
    alerts: ExpNameAlerts, told: Told, is_same: bool
) -> None:
    class Rescue(Callback):
        def on_exception(self, ran: Any, module: Any, exception: BaseException) -> None:
            tester = ran if is_same else trainer(False, alerts)
            tester.test(lit(), loader(), verbose=False)

    broken = lit()
    broken.on_train_epoch_end = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with pytest.raises(ZeroDivisionError):
        fit(False, Rescue(), alerts, module=broken)
    fit(False, alerts)
    assert alerts.close(30) and told.ends == ["train failed", "train finished"]
    assert told.messages[0].reason == "ZeroDivisionError: division by zero"


def test_a_part_of_a_training_that_was_told_is_told_once(alerts: ExpNameAlerts, told: Told) -> None:
    def load() -> None:
        with alerts.watch("download"):
            raise OSError("no connection")

    module = lit()
    module.on_train_start = load  # type: ignore[method-assign]
    with pytest.raises(OSError, match="no connection"):
        fit(False, alerts, module=module)
    assert alerts.close(30) and told.ends == ["download failed"]
    assert told.messages[0].within == "train: MultiModalTransformer"


class LateFailure(Callback):
    def on_train_start(self, ran: Any, module: Any) -> None:
        time.sleep(0.5)

    def teardown(self, ran: Any, module: Any, stage: str) -> None:
        raise OSError("cannot clean up")


def test_a_teardown_that_fails_after_it_was_told_is_told_too(
    alerts: ExpNameAlerts, told: Told
) -> None:
    with pytest.raises(OSError, match="cannot clean up"):
        fit(False, alerts, LateFailure())
    assert alerts.close(30)
    first, second = told.messages
    assert (first.outcome, second.outcome) == ("finished", "failed")
    assert first.seconds and second.seconds and second.seconds >= first.seconds > 0.5
    assert first.began == second.began


def test_a_failure_before_the_next_training_is_not_the_teardowns(
    alerts: ExpNameAlerts, told: Told
) -> None:
    ran: Trainer = fit(False, alerts)
    time.sleep(0.5)
    with pytest.raises(Exception):  # Lightning's own, in whatever words
        ran.fit(lit(), 5)
    assert alerts.close(30)
    first, second = told.messages
    assert (first.outcome, second.outcome) == ("finished", "failed")
    assert first.began and second.began and second.began > first.began + 0.5


def test_a_kill_tells_the_checkpoint_that_is_there(
    expname_root: Path, expname_slack: SlackServer
) -> None:
    """Without our logger: each epoch overwrites what the epoch before saved."""
    program = [sys.executable, str(OVERWRITTEN)]
    ran = subprocess.run(program, cwd=expname_root, capture_output=True, text=True, timeout=120)
    assert MARKER in ran.stdout, ran.stderr
    (message,) = expname_slack.wait_for(1)
    (path,) = re.findall(r"\*Checkpoint\* `(.*)`", message.shown)
    assert Path(path).is_file()
    (score,) = re.findall(r"\*Best epoch_number\* `(.*)`", message.shown)
    assert (Path(path).stem, float(score)) == ("epoch=1-step=4", 1.0)
