"""An end is told as what it was, of the mode that it was the end of, and to everybody who asked."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from channels import Told
from plain_ends import TrialPruned

from lightning_expname.alerts import Alerts, Message
from lightning_expname.alerts.outcome import EVENTS, is_consequence
from lightning_expname.testing.slack_server import SlackServer


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def alerts(told: Told) -> Iterator[Alerts]:
    """Tells that channel alone."""
    one = Alerts(senders=[told], slack_webhook="", wandb=False, watchdog=False)
    yield one
    assert one.close(30)


def test_a_generator_is_watched_while_it_runs(alerts: Alerts, told: Told) -> None:
    @alerts.watch("predict")
    def predict(count: int) -> Iterator[int]:
        yield from range(count)
        raise ValueError("in the middle")

    numbers = predict(2)
    assert (next(numbers), next(numbers)) == (0, 1)
    assert alerts.close(30) and told.titles == []
    with pytest.raises(ValueError, match="in the middle"):
        next(numbers)
    assert alerts.close(30) and told.titles == ["predict failed"]


def test_a_generator_that_nobody_uses_to_its_end_is_interrupted(alerts: Alerts, told: Told) -> None:
    @alerts.watch("predict")
    def predict() -> Iterator[int]:
        yield from range(100)

    for number in (numbers := predict()):
        if number == 3:
            break
    numbers.close()  # type: ignore[attr-defined]  # it is a generator
    assert alerts.close(30) and told.titles == ["predict interrupted"]
    assert str(told.messages[0].reason).startswith("GeneratorExit: ")


def test_a_stream_is_watched_while_it_runs(alerts: Alerts, told: Told) -> None:
    @alerts.watch("predict")
    async def predict() -> AsyncIterator[int]:
        yield 1
        raise ValueError("in the middle")

    async def use() -> list[int]:
        return [number async for number in predict()]

    with pytest.raises(ValueError, match="in the middle"):
        asyncio.run(use())
    assert alerts.close(30) and told.titles == ["predict failed"]


@pytest.mark.parametrize("by", ["cancel", "Ctrl-C"])
def test_a_task_that_is_stopped_is_interrupted(alerts: Alerts, told: Told, by: str) -> None:
    @alerts.watch("tune")
    async def tune() -> None:
        if by == "cancel":
            asyncio.current_task().cancel()  # type: ignore[union-attr]  # it runs in one
        else:
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(30)

    with pytest.raises((asyncio.CancelledError, KeyboardInterrupt)):
        asyncio.run(tune())
    assert alerts.close(30) and told.titles == ["tune interrupted"]


class Job:
    async def __call__(self) -> None:
        await asyncio.sleep(0)
        raise ValueError("in the coroutine")


class Numbers:
    def __call__(self) -> Iterator[int]:
        yield 1
        raise ValueError("in the generator")


class Stream:
    async def __call__(self) -> AsyncIterator[int]:
        yield 1
        raise ValueError("in the stream")


async def run_through(items: AsyncIterator[int]) -> None:
    async for _ in items:
        pass


CALLABLES: dict[str, tuple[Any, Callable[[Any], object]]] = {
    "coroutine": (Job(), asyncio.run),
    "generator": (Numbers(), list),
    "stream": (Stream(), lambda items: asyncio.run(run_through(items))),
}


@pytest.mark.parametrize("is_partial", [False, True])
@pytest.mark.parametrize("kind", CALLABLES)
def test_a_callable_object_is_watched_while_it_runs(
    alerts: Alerts, told: Told, kind: str, is_partial: bool
) -> None:
    function, run = CALLABLES[kind]
    watched = alerts.watch("train")(functools.partial(function) if is_partial else function)
    with pytest.raises(ValueError, match=f"in the {kind}"):
        run(watched())
    assert alerts.close(30) and told.titles == ["train failed"]


@pytest.mark.parametrize("error", [KeyError("heartbeat"), BrokenPipeError(32, "Broken pipe")])
def test_who_is_alone_misses_no_peer(alerts: Alerts, told: Told, error: Exception) -> None:
    with pytest.raises(type(error)), alerts.watch("train"):
        raise error
    assert alerts.close(30)
    assert [message.consequence for message in told.messages] == [False]


def test_what_no_socket_raises_is_the_failure_itself() -> None:
    assert not is_consequence(KeyError("heartbeat"), 2)
    assert is_consequence(RuntimeError("Connection closed by peer [127.0.0.1]:1"), 2)
    assert is_consequence(ConnectionResetError(104, "Connection reset by peer"), 2)


def fail_and_then(alerts: Alerts, last: BaseException) -> None:
    try:
        with alerts.watch("train"):
            raise ValueError
    except ValueError:
        raise last


def test_what_goes_wrong_after_a_failure_is_told_as_well(alerts: Alerts, told: Told) -> None:
    with pytest.raises(OSError, match="the disk is full"), alerts.watch("tune"):
        fail_and_then(alerts, OSError("the disk is full"))
    assert alerts.close(30) and told.titles == ["train failed", "tune failed"]


def test_who_leaves_because_of_a_failure_tells_no_second_end(alerts: Alerts, told: Told) -> None:
    with pytest.raises(SystemExit), alerts.watch("tune"):
        fail_and_then(alerts, SystemExit(1))  # as Lightning does after Ctrl-C
    assert alerts.close(30) and told.titles == ["train failed"]


@pytest.mark.parametrize(
    ("inner", "heard"),
    [({}, ["train failed"]), ({"events": ("finished",)}, [])],
    ids=["another channel", "other events"],
)
def test_what_others_were_told_is_told_here_too(
    alerts: Alerts, told: Told, inner: dict[str, Any], heard: list[str]
) -> None:
    others = Told()
    also = Alerts(senders=[others], slack_webhook="", wandb=False, watchdog=False, **inner)
    with pytest.raises(ValueError), alerts.watch("tune"), also.watch("train"):
        raise ValueError
    assert alerts.close(30) and also.close(30)
    assert (told.titles, others.titles) == (["tune failed"], heard)


def side_by_side(work: Callable[[int], None], count: int = 3) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_trials_in_threads_are_parts_of_the_study(alerts: Alerts, told: Told) -> None:
    together = threading.Barrier(3)

    def trial(number: int) -> None:
        with alerts.watch("train", run=f"trial{number}"):
            together.wait(30)

    with alerts.watch("tune", model="lgbm"):
        side_by_side(trial)
    assert alerts.close(30)
    *trials, study = told.messages
    assert [one.within for one in trials] == ["tune: lgbm"] * 3
    assert [one.tally for one in trials] == [{}] * 3
    assert (study.title, study.tally) == ("tune finished: lgbm", {"finished": 3})


def test_threads_and_tasks_side_by_side_are_no_parts_of_each_other(
    alerts: Alerts, told: Told
) -> None:
    together = threading.Barrier(3)

    def work(number: int) -> None:
        with alerts.watch("train", run=f"thread{number}"):
            together.wait(30)

    async def task(number: int) -> None:
        with alerts.watch("train", run=f"task{number}"):
            await asyncio.sleep(0.1)

    async def tasks() -> None:
        await asyncio.gather(*map(task, range(3)))

    side_by_side(work)
    asyncio.run(tasks())
    assert alerts.close(30)
    assert [(one.within, one.tally) for one in told.messages] == [(None, {})] * 6


def test_a_mode_of_one_rank_alone_does_not_part_the_ranks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, value in {"WORLD_SIZE": "2", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        alerts = Alerts(senders=[told], slack_webhook="", wandb=False, watchdog=False)
        if rank == 0:
            with alerts.watch("save"):
                pass
        with pytest.raises(ValueError), alerts.watch("train"):
            raise ValueError
        assert alerts.close(30)
    assert told.titles == ["save finished", "train failed"]


def test_a_decorator_without_its_mode_is_an_error_at_once(alerts: Alerts) -> None:
    def main(config: object) -> None: ...

    with pytest.raises(TypeError, match=r"@alerts\.watch\('train'\)"):
        alerts.watch(main)  # type: ignore[arg-type]


def test_a_watch_may_be_entered_within_itself(alerts: Alerts, told: Told) -> None:
    watched = alerts.watch("train")
    with watched, watched:
        pass
    assert alerts.close(30) and told.titles == ["train finished"] * 2


@pytest.mark.parametrize(
    "facts",
    [
        {"monitor": Path("val_acc")},
        {"curve": [1, 2]},
        {"score": [1, 2]},
        {"thread": Path("a")},
        {"tally": {"a": "b"}},
    ],
    ids=str,
)
def test_odd_facts_leave_nothing_open(expname_slack: SlackServer, facts: dict[str, Any]) -> None:
    alerts = Alerts(wandb=False)
    with alerts.watch("train", **facts):
        pass
    assert alerts.close(60)
    assert [one.text for one in expname_slack.messages] == ["✅ train finished"]


def test_mode_and_monitor_keep_secrets(alerts: Alerts, told: Told) -> None:
    with alerts.watch("train token=xoxb-123456789", monitor="val_api_key=abcdefgh12345678"):
        pass
    assert alerts.close(30)
    assert "xoxb" not in told.titles[0] and "abcdefgh" not in str(told.messages[0].monitor)


class Secretive(Exception):
    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__expname"):
            raise RuntimeError("no such thing")
        return super().__getattribute__(name)


def test_an_exception_with_a_will_of_its_own_is_told(alerts: Alerts, told: Told) -> None:
    with pytest.raises(Secretive), alerts.watch("train"):
        raise Secretive
    assert alerts.close(30) and told.titles == ["train failed"]


class DivergedError(TrialPruned):
    """A user's own kind of pruning, which Optuna takes for one as well."""


class Exit(RuntimeError):
    """Called like typer's."""

    def __init__(self, code: int) -> None:
        self.exit_code = code


class Abort(RuntimeError): ...


Exit.__module__ = Abort.__module__ = "typer._click.exceptions"


@pytest.mark.parametrize(
    ("end", "title", "reason"),
    [
        (DivergedError("nan"), "train pruned", "DivergedError: nan"),
        (Exit(0), "train finished", None),
        (Exit(3), "train interrupted", "exit(3)"),
        (Abort(), "train interrupted", "Abort"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_other_packages_end_by(
    told: Told, end: Exception, title: str, reason: str | None
) -> None:
    alerts = Alerts(senders=[told], slack_webhook="", wandb=False, watchdog=False, events=EVENTS)
    with pytest.raises(type(end)), alerts.watch("train"):
        raise end
    assert alerts.close(30)
    assert [(one.title, one.reason) for one in told.messages[1:]] == [(title, reason)]


class Leaving:
    """A channel that ends its program, and whose thread must live on."""

    calls = 0

    def send(self, message: Message) -> None:
        self.calls += 1
        raise SystemExit(3)


@pytest.mark.filterwarnings("ignore::lightning_expname.observer.ExpNameWarning")
def test_a_channel_that_leaves_is_asked_again_and_not_waited_for() -> None:
    channel = Leaving()
    alerts = Alerts(senders=[channel], slack_webhook="", wandb=False, watchdog=False)
    for mode in ("train", "test"):
        with alerts.watch(mode):
            pass
    assert alerts.close(30)
    assert channel.calls == 2


def test_a_mode_that_its_program_leaves_open_was_not_killed(expname_slack: SlackServer) -> None:
    import subprocess
    import sys

    program = """
import threading, time
from lightning_expname.alerts import Alerts
alerts, begun = Alerts(), threading.Event()
def work():
    with alerts.watch("train"):
        begun.set()
        time.sleep(60)
threading.Thread(target=work, daemon=True).start()
begun.wait()
{last}
"""
    for last in ("", "raise ValueError('the reason')"):
        subprocess.run([sys.executable, "-c", program.format(last=last)], timeout=60)
    expname_slack.wait_for(2)
    time.sleep(0.5)
    said = "train interrupted · its process came to an end before it did"
    assert [one.text[2:].strip() for one in expname_slack.messages] == [
        said,
        "train failed · ValueError: the reason",
    ]
