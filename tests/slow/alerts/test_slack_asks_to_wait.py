"""A Slack that keeps us waiting: half a minute later the message is there."""

from __future__ import annotations

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
