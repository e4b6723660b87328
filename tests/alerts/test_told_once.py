"""An exception on its way through several modes: those that are wholes of one that was told."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from lightning_expname.alerts import Alerts, Message
from lightning_expname.testing.slack_server import SlackServer


class ToFile:
    """A channel that other processes have as well."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, message: Message) -> None:
        with self.path.open("a") as file:
            file.write(f"{message.title}\n")


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "told"


@pytest.fixture
def alerts(told: Path) -> Iterator[Alerts]:
    """Tells that channel alone, three times an hour."""
    one = Alerts(
        senders=[ToFile(told)], slack_webhook="", wandb=False, watchdog=False, max_per_hour=3
    )
    yield one
    assert one.close(30)


def titles(alerts: Alerts, told: Path) -> list[str]:
    assert alerts.close(30)
    return told.read_text().splitlines()


def fail(alerts: Alerts, mode: str, error: BaseException) -> None:
    with pytest.raises(type(error)), alerts.watch(mode):
        raise error


def test_a_study_whose_last_trial_was_held_back_says_why_it_ended(
    alerts: Alerts, told: Path
) -> None:
    def trial(number: int) -> None:
        with alerts.watch("train", run=f"trial{number}"):
            if number == 4:
                raise ValueError

    with pytest.raises(ValueError), alerts.watch("tune", model="lgbm"):
        list(map(trial, range(5)))
    trials = [f"train finished: trial{number}" for number in range(3)]
    assert titles(alerts, told) == [*trials, "tune failed: lgbm"]


def test_one_exception_that_ends_three_modes_in_turn_is_told_of_each(
    alerts: Alerts, told: Path
) -> None:
    """A result that several wait for, an error that a library made once."""
    error = RuntimeError("the data are gone")
    for mode in ("cnn", "rnn", "mlp"):
        fail(alerts, mode, error)
    assert titles(alerts, told) == ["cnn failed", "rnn failed", "mlp failed"]


def test_a_mode_that_fails_for_an_earlier_ones_failure_is_told(alerts: Alerts, told: Path) -> None:
    first = OSError("no connection")
    fail(alerts, "train", first)
    with pytest.raises(RuntimeError), alerts.watch("report"):
        raise RuntimeError("nothing to report") from first
    assert titles(alerts, told) == ["train failed", "report failed"]


def test_of_a_thread_that_another_alarm_watches_the_whole_says_nothing_again(
    alerts: Alerts, told: Path
) -> None:
    also = Alerts(senders=alerts._senders, slack_webhook="", wandb=False, watchdog=False)

    def trial() -> None:
        with also.watch("train"):
            raise ValueError

    with pytest.raises(ValueError), alerts.watch("tune"), ThreadPoolExecutor(1) as pool:
        pool.submit(trial).result()
    assert also.close(30)
    assert titles(alerts, told) == ["train failed"]


def _trial(alerts: Alerts) -> None:
    try:
        with alerts.watch("train"):
            raise ValueError
    finally:
        alerts.close(30)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_another_process_has_told_is_not_told_again(
    expname_slack: SlackServer, method: str
) -> None:
    alerts, context = Alerts(), multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, context) as pool, pytest.raises(ValueError), alerts.watch("tune"):
        pool.submit(_trial, alerts).result()
    assert alerts.close(30)
    assert [one.text for one in expname_slack.messages] == ["❌ train failed · ValueError"]


@pytest.mark.parametrize("fact", ["rank", "world", "outcome"])
def test_a_fact_that_is_not_the_users_to_say_is_an_error_at_once(alerts: Alerts, fact: str) -> None:
    with pytest.raises(TypeError, match=fact):
        alerts.watch("train", **{fact: 3})


class Truthless:
    """As an array of several numbers."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("the truth value of an array is ambiguous")

    __hash__ = None  # type: ignore[assignment]


def test_an_exit_with_an_array_is_the_users_own(alerts: Alerts, told: Path) -> None:
    with pytest.raises(SystemExit), alerts.watch("train"):
        raise SystemExit(Truthless())
    assert titles(alerts, told) == ["train interrupted"]
