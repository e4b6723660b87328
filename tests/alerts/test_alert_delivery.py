"""Whatever Slack does, the work goes on, and what can be told is told once."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lightning_expname.alerts import Alerts, Message, RefusedError, SlackBot, UnavailableError
from lightning_expname.alerts import ranks as ranks_module
from lightning_expname.alerts.courier import Courier, _pause
from lightning_expname.alerts.ranks import CONSEQUENCE_DELAY, Place, process_start, share_of, wins
from lightning_expname.alerts.throttle import Throttle
from lightning_expname.observer import ExpNameWarning, _said
from lightning_expname.testing.slack_server import CHANNEL, TOKEN, SlackServer


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> None:
    _said.clear()


@pytest.mark.parametrize("watchdog", [True, False])
@pytest.mark.parametrize("mode", ["500", "502", "html"])
def test_a_slack_that_recovers_gets_it_once(
    expname_slack: SlackServer, mode: str, watchdog: bool
) -> None:
    alerts = Alerts(watchdog=watchdog)
    expname_slack.next_modes.extend(["ok", mode])  # the probe, then the message
    with alerts.watch("train"):
        pass
    assert alerts.close(60)
    assert [mode for _, mode in expname_slack.requests] == ["ok", mode, "ok"]
    assert len(expname_slack.messages) == 1


@pytest.mark.parametrize("watchdog", [True, False])
def test_a_slack_that_takes_it_and_answers_late_has_it_once(
    expname_slack: SlackServer, watchdog: bool
) -> None:
    alerts = Alerts(watchdog=watchdog)
    expname_slack.next_modes.extend(["ok", "slow"])
    with alerts.watch("train"):
        pass
    assert alerts.close(60)
    assert [mode for _, mode in expname_slack.requests] == ["ok", "slow"]
    assert len(expname_slack.messages) == 1


@pytest.mark.parametrize("watchdog", [True, False])
@pytest.mark.parametrize("mode", ["hang", "refused", "429", "500"])
def test_a_dead_slack_holds_nobody_up(
    expname_slack: SlackServer, mode: str, watchdog: bool
) -> None:
    expname_slack.mode = mode
    if mode == "refused":
        expname_slack.stop()
    alerts = Alerts(watchdog=watchdog)
    start = time.monotonic()
    with alerts.watch("train"):
        pass
    assert time.monotonic() - start < 5.0  # no time-out of a request was waited for
    assert not alerts.close(0.5)
    assert expname_slack.messages == []


@pytest.mark.filterwarnings("ignore::lightning_expname.observer.ExpNameWarning")
def test_a_message_is_delivered_when_slack_comes_back(expname_slack: SlackServer) -> None:
    expname_slack.stop()
    alerts = Alerts()
    with alerts.watch("train"):
        pass
    time.sleep(1.0)
    expname_slack.start()
    assert alerts.close(60)
    assert len(expname_slack.messages) == 1


def test_a_retry_after_of_an_hour_is_not_waited_for() -> None:
    assert _pause(0, 3600.0) == 30.0
    assert _pause(0, 2.0) == 2.0
    assert [_pause(n, None) for n in (0, 1, 2, 99)] == [0.5, 1.0, 2.0, 15.0]


@pytest.mark.parametrize("watchdog", [True, False])
@pytest.mark.parametrize(
    ("access", "mode", "advice"),
    [
        ({"slack_webhook": "{base}/services/gone"}, "ok", "make a new webhook"),
        ({"slack_token": "xoxb-wrong", "slack_channel": CHANNEL}, "ok", "check SLACK_BOT_TOKEN"),
        ({"slack_token": TOKEN, "slack_channel": "#nope"}, "ok", "check SLACK_CHANNEL"),
        ({"slack_token": TOKEN, "slack_channel": CHANNEL}, "invalid_auth", "SLACK_BOT_TOKEN"),
    ],
)
def test_a_wrong_setting_is_said_once_at_the_start(
    expname_slack: SlackServer, access: dict[str, str], mode: str, advice: str, watchdog: bool
) -> None:
    base = expname_slack.webhook_url.split("/services")[0]
    access = {name: value.format(base=base) for name, value in access.items()}
    expname_slack.mode = mode
    alerts = Alerts(**access, slack_api_url=expname_slack.api_url, watchdog=watchdog)  # type: ignore[arg-type]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")  # before anybody can warn
        with alerts.watch("train"):
            end = time.monotonic() + 30
            while not said(caught, advice) and time.monotonic() < end:
                time.sleep(0.05)
            early = said(caught, advice)
            with alerts.watch("test"):  # its message is refused as well, and not said again
                pass
        alerts.close(30)
    assert (early, said(caught, advice)) == (1, 1)


def said(caught: list[warnings.WarningMessage], advice: str) -> int:
    told = [one for one in caught if issubclass(one.category, ExpNameWarning)]
    return sum(advice in str(one.message) for one in told)


@pytest.mark.parametrize(
    ("access", "advice"),
    [
        ({"slack_webhook": "hooks.slack.com/services/T/B/x"}, "it starts with https://"),
        ({"slack_token": TOKEN}, "needs a channel"),
    ],
)
def test_an_obvious_mistake_is_said_when_it_is_made(
    monkeypatch: pytest.MonkeyPatch, access: dict[str, str], advice: str
) -> None:
    monkeypatch.delenv("SLACK_CHANNEL", raising=False)
    with pytest.warns(ExpNameWarning, match=advice):
        Alerts(**access)  # type: ignore[arg-type]


def test_bare_text_is_sent_where_the_layout_is_refused(
    expname_slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"text": "train finished", "blocks": [{"type": "unknown"}]}
    monkeypatch.setattr("lightning_expname.alerts.senders.payload", lambda message: broken)
    SlackBot(TOKEN, CHANNEL, api_url=expname_slack.api_url).send(Message("train", "finished"))
    (message,) = expname_slack.messages
    assert message.text == "train finished"


def test_what_a_sweep_does_not_say_is_summed_up(expname_slack: SlackServer) -> None:
    alerts = Alerts(max_per_hour=2)
    for _ in range(7):
        with alerts.watch("train"):
            pass
    assert alerts.close(60)
    texts = [message.text for message in expname_slack.messages]
    assert texts == [*["✅ train finished"] * 2, "🧾 not told one by one: 5 finished"]


def test_a_whole_sums_up_its_parts(expname_slack: SlackServer) -> None:
    alerts = Alerts(max_per_hour=1)
    with alerts.watch("tune", model="lgbm") as watched:
        for number in range(5):
            try:
                with alerts.watch("train"):
                    assert number % 2 == 0
            except AssertionError:
                pass
        watched.update(score=0.5, monitor="auc")
    assert alerts.close(60)
    part, whole = expname_slack.messages
    assert "*Within* `tune: lgbm`" in part.shown
    assert whole.text == "✅ tune finished: lgbm"
    assert "*Parts* `3 finished, 2 failed`" in whole.shown
    assert "*Best auc* `0.5`" in whole.shown


@pytest.mark.parametrize("watchdog", [True, False])
def test_no_message_overtakes_an_earlier_one(expname_slack: SlackServer, watchdog: bool) -> None:
    alerts = Alerts(watchdog=watchdog)
    expname_slack.next_modes.extend(["ok", "500"])  # the probe; the first has to be sent again
    for mode in ("first", "second", "third"):
        with alerts.watch(mode):
            pass
    assert alerts.close(60)
    texts = [message.text for message in expname_slack.messages]
    assert texts == ["✅ first finished", "✅ second finished", "✅ third finished"]


def test_one_exception_through_two_modes_is_one_message(expname_slack: SlackServer) -> None:
    alerts = Alerts()
    with pytest.raises(ValueError), alerts.watch("tune"), alerts.watch("train"):
        raise ValueError
    assert alerts.close(60)
    (message,) = expname_slack.messages
    assert message.text == "❌ train failed · ValueError"


def test_functions_and_coroutines_are_watched_at_each_call(expname_slack: SlackServer) -> None:
    alerts = Alerts()

    @alerts.watch("predict")
    def predict(value: int) -> int:
        """Its own words."""
        return value + 1

    @alerts.watch("serve")
    async def serve() -> int:
        await asyncio.sleep(0)
        return 1 // 0

    assert (predict(1), predict(value=2), predict.__doc__) == (2, 3, "Its own words.")
    with pytest.raises(ZeroDivisionError):
        asyncio.run(serve())
    assert alerts.close(60)
    texts = [message.text[2:].strip().split(" · ")[0] for message in expname_slack.messages]
    assert texts == ["predict finished", "predict finished", "serve failed"]


def test_a_misspelt_fact_is_an_error_at_once(expname_slack: SlackServer) -> None:
    with pytest.raises(TypeError, match="dataste"):
        Alerts().watch("train", dataste="diabetes")


@pytest.mark.parametrize("score", [float("nan"), float("inf"), "good", object(), None])
def test_odd_facts_do_not_silence_it(expname_slack: SlackServer, score: Any) -> None:
    alerts = Alerts()
    with alerts.watch("train", dataset=Path("/a"), score=score, run=7):
        pass
    assert alerts.close(60)
    (message,) = expname_slack.messages
    assert "train finished: 7" in message.text


class Refusing:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.sent: list[str] = []

    def send(self, message: Message) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(message.title)


def test_a_senders_failure_is_its_own() -> None:
    troubles: list[str] = []
    later, never, odd = UnavailableError("busy", 0.01), RefusedError("no"), KeyError("bug")
    senders = [Refusing(later), Refusing(never), Refusing(odd), Refusing()]
    courier = Courier(senders, ["finished"], troubles.append)
    courier.submit(Message("train", "finished"), Place(), lambda _: None)
    assert courier.drain(30)
    assert [len(one.sent) for one in senders] == [1, 0, 0, 1]
    assert sorted(troubles) == ["Refusing: 'bug'", "Refusing: no"]


def test_a_sender_that_hangs_holds_up_no_other() -> None:
    release = threading.Event()

    class Hanging:
        def send(self, message: Message) -> None:
            release.wait(30)

    quick = Refusing()
    courier = Courier([Hanging(), quick], ["finished"], lambda _: None)
    courier.submit(Message("train", "finished"), Place(), lambda _: None)
    assert not courier.drain(0.5)
    assert quick.sent == ["train finished"]
    release.set()
    assert courier.drain(30)


def test_a_message_waits_for_an_earlier_one_that_the_ranks_agree_on(tmp_path: Path) -> None:
    channel = Refusing()
    courier = Courier([channel], ["started", "finished", "failed"], lambda _: None)
    place = Place(world=2, share="run", folder=str(tmp_path))
    courier.submit(Message("train", "finished"), place, lambda _: None)
    courier.submit(Message("test", "started"), place, lambda _: None)
    assert not courier.drain(0.0)  # the ranks have not agreed yet
    assert courier.drain(30)
    assert channel.sent == ["train finished", "test started"]


def claims(folder: Path, *messages: Message, since: float = 0.0) -> list[tuple[bool, str]]:
    """All ranks claim at the same time."""
    found: dict[int, tuple[bool, str]] = {}
    place = Place(world=len(messages), share="run", since=since, folder=str(folder))

    def claim(rank: int, message: Message) -> None:
        found[rank] = wins(message, Place(**{**vars(place), "rank": rank}))

    threads = [threading.Thread(target=claim, args=pair) for pair in enumerate(messages)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CONSEQUENCE_DELAY + 30)
    return [found[rank] for rank in range(len(messages))]


def test_the_rank_that_failed_speaks_for_all(tmp_path: Path) -> None:
    gone = Message("train", "failed", consequence=True)
    ends = [Message("train", "killed"), Message("train", "failed"), gone]
    assert claims(tmp_path, *ends) == [(False, "failed"), (True, "failed"), (False, "failed")]


def test_of_equal_ends_one_speaks(tmp_path: Path) -> None:
    won = claims(tmp_path, *[Message("train", "failed")] * 8)
    assert sum(speaks for speaks, _ in won) == 1
    assert claims(tmp_path, *[Message("train", "finished")] * 3)[1:] == [(False, "finished")] * 2


def test_an_earlier_launch_on_the_same_port_does_not_count(tmp_path: Path) -> None:
    old = Message("train", "failed", began=time.time() - 3600)
    assert claims(tmp_path, old) == [(True, "failed")]
    new = Message("train", "failed", began=time.time())
    assert claims(tmp_path, new, since=process_start()) == [(True, "failed")]
    assert claims(tmp_path, new, since=process_start()) == [(False, "failed")]


def test_ranks_that_find_an_old_claim_at_once_agree_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On one port after the other launch, and both fail in the same step."""
    read = ranks_module._read

    def slow_read(*arguments: Any) -> Any:
        found = read(*arguments)
        time.sleep(random.uniform(0.0, 0.01))  # in which the other rank reads the same
        return found

    monkeypatch.setattr(ranks_module, "_read", slow_read)
    with ThreadPoolExecutor(2) as ranks:
        for number in range(40):
            old = {"outcome": "failed", "began": 1.0}
            (tmp_path / f"{number}.json").write_text(json.dumps(old))
            together = threading.Barrier(2)

            def fail(rank: int, number: int = number, together: Any = together) -> bool:
                place = Place(rank, 2, str(number), since=1000.0, folder=str(tmp_path))
                together.wait(30)
                return wins(Message("train", "failed", began=2000.0), place)[0]

            assert sum(ranks.map(fail, range(2))) == 1


def test_where_the_ranks_have_nothing_in_common_the_first_speaks() -> None:
    ends = [wins(Message("train", "failed"), Place(rank, 2)) for rank in (0, 1)]
    assert ends == [(True, "failed"), (False, "failed")]
    assert share_of("train", 1, {}) is None
    environment = {"MASTER_PORT": "29500"}
    assert share_of("train", 1, environment) != share_of("test", 1, environment)


def test_the_throttle_forgets_after_an_hour() -> None:
    throttle = Throttle(2)
    assert [throttle.lets_through("failed", now) for now in (0, 1, 2, 3599)] == [1, 1, 0, 0]
    assert throttle.lets_through("failed", 3600)
    assert (throttle.take_held(), throttle.take_held()) == ({"failed": 2}, {})
