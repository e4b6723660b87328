"""A Slack that keeps us waiting: half a minute later the message is there."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from test_plain_ends import run

from lightning_expname.alerts import Alerts
from lightning_expname.testing import SlackServer


def test_after_an_hour_asked_for_it_comes_within_a_minute(expname_slack: SlackServer) -> None:
    alerts = Alerts()
    expname_slack.next_modes.extend(["ok", "429"])  # the probe, then the message
    with alerts.watch("train"):
        pass
    assert alerts.close(60)
    assert len(expname_slack.messages) == 1


def test_after_a_request_without_an_answer_it_comes_once(expname_slack: SlackServer) -> None:
    alerts = Alerts()
    expname_slack.next_modes.extend(["ok", "hang"])
    with alerts.watch("train"):
        pass
    assert alerts.close(60)
    assert [mode for _, mode in expname_slack.requests] == ["ok", "hang", "ok"]
    assert len(expname_slack.messages) == 1


def spin() -> None:
    while True:
        pass


def test_a_slack_that_answers_late_on_a_busy_machine_has_each_end_once(
    expname_slack: SlackServer,
) -> None:
    """Two processes use up the cores, and each answer comes seven seconds after the message."""
    ends = ["SIGKILL", "exception", "well", "segfault", "os._exit", "SIGINT"] * 3
    loops = [multiprocessing.get_context("fork").Process(target=spin) for _ in range(2)]
    expname_slack.mode = "slow"
    try:
        for loop in loops:
            loop.start()
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(run, ends))
        expname_slack.wait_for(len(ends), 120)
        time.sleep(8.0)  # when an answer that was given up would have been asked for again
    finally:
        for loop in loops:
            loop.kill()
    told = Counter(one.text.split(": ")[0][2:].strip() for one in expname_slack.messages)
    assert told == {
        "train killed": 9,
        "train failed": 3,
        "train finished": 3,
        "train interrupted": 3,
    }
