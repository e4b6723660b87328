"""What users do that nobody expects: each was a fault, or could have been one."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_plain_ends import PROGRAM, children_of, wait_until_gone

from lightning_expname.alerts import Alerts, Message, ranks, run_alert
from lightning_expname.alerts.ranks import Place, process_start, share_of, wins
from lightning_expname.alerts.watchdog import is_supported
from lightning_expname.observer import ExpNameWarning, _said
from lightning_expname.testing.slack_server import CHANNEL, TOKEN, SlackServer

SECRET = "T0000/B0000/s3cr3tS3cr3t"


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> None:
    _said.clear()


@pytest.mark.parametrize(
    "url",
    [
        f"https://hooks.slack.com/services/{SECRET} x",
        f"https://hooks.sl ack.com/{SECRET}",
        f"https://hooks.slack.com/{SECRET}\x7f",
    ],
)
def test_an_address_with_a_space_is_no_address(url: str) -> None:
    with pytest.warns(ExpNameWarning, match="is no address") as said:
        Alerts(slack_webhook=url)
    assert "s3cr3t" not in str(said[0].message)


def test_an_address_may_end_with_a_line_break(expname_slack: SlackServer) -> None:
    alerts = Alerts(slack_webhook=f" {expname_slack.webhook_url}\n")
    with alerts.watch("train"):
        pass
    assert alerts.close(60)
    assert len(expname_slack.messages) == 1


@pytest.mark.parametrize("watchdog", [True, False])
def test_no_warning_tells_the_address(expname_slack: SlackServer, watchdog: bool) -> None:
    """The user's own channel says it, in an error of its own."""
    hook = f"https://hooks.slack.com/services/{SECRET}"

    class Talkative:
        def send(self, message: Message) -> None:
            raise KeyError(f"{hook}?token={expname_slack.webhook_url}")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        alerts = Alerts(senders=[Talkative()], watchdog=watchdog)
        with alerts.watch("train"):
            pass
        assert alerts.close(60)
    said = " ".join(str(one.message) for one in caught)
    assert "Talkative: " in said
    assert "s3cr3t" not in said and "recording" not in said


def test_a_webhook_in_a_traceback_is_removed(expname_slack: SlackServer) -> None:
    hook = f"https://hooks.slack.com/services/{SECRET}"
    alerts = Alerts()
    with pytest.raises(ValueError), alerts.watch("train", run="<!channel>"):
        raise ValueError(f"cannot post to {hook} nor to {expname_slack.webhook_url}")
    assert alerts.close(60)
    (message,) = expname_slack.messages
    said = str(message.body)
    assert "s3cr3t" not in said and "recording" not in said and "<!channel>" not in said
    assert "cannot post to https://hooks.slack.com/&lt;redacted&gt;" in message.shown


class Huge(Exception):
    def __str__(self) -> str:
        return "x" * (30 << 20) + f" xoxb-{'1' * 30}"


def test_thirty_megabytes_of_reason_are_told_in_short(expname_slack: SlackServer) -> None:
    told: list[Message] = []

    class Memory:
        def send(self, message: Message) -> None:
            told.append(message)

    alerts = Alerts(senders=[Memory()])
    start = time.monotonic()
    with pytest.raises(Huge), alerts.watch("train"):
        raise Huge
    assert time.monotonic() - start < 20
    assert alerts.close(60)
    assert "train failed · Huge: xxx" in expname_slack.messages[0].text
    assert len(told[0].reason or "") <= 5000
    assert len(told[0].traceback or "") <= 21_000


def test_no_cut_leaves_the_end_of_a_secret(expname_slack: SlackServer) -> None:
    told: list[Message] = []

    class Memory:
        def send(self, message: Message) -> None:
            told.append(message)

    token = f"xoxb-{'9' * 40}"
    for room in range(19_900, 20_060, 20):
        alerts = Alerts(senders=[Memory()], watchdog=False, slack_webhook="", max_per_hour=99)
        with pytest.raises(ValueError), alerts.watch("train"):
            raise ValueError(f"{token}{'-' * (room - 60)}")
        assert alerts.close(60)
    assert "999" not in "".join(str(message.traceback) for message in told)
    assert "999" not in "".join(str(message.reason) for message in told)


class Mine(Alerts):
    def __init__(self, colour: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.colour = colour


def test_a_copy_keeps_what_a_subclass_adds(expname_slack: SlackServer) -> None:
    alerts = Mine("red", max_per_hour=3)
    with alerts.watch("train"):
        for twin in (copy.deepcopy(alerts), pickle.loads(pickle.dumps(alerts))):
            assert (twin.colour, twin._max_per_hour, twin._scopes) == ("red", 3, [])
    assert alerts.close(60)


class ToFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, message: Message) -> None:
        time.sleep(0.2)  # it must be waited for
        with self.path.open("a") as file:
            file.write(f"{message.title} · {message.reason}\n")


def _work(alerts: Alerts, end: str) -> None:
    alerts.begin("work")
    if end == "exception":
        raise ValueError("the child's")
    if end == "sys.exit":
        sys.exit(3)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("exception", "work failed · ValueError: the child's\n"),
        ("sys.exit", "work interrupted · sys.exit(3)\n"),
    ],
)
def test_the_end_of_a_child_is_told(tmp_path: Path, method: str, end: str, said: str) -> None:
    alerts = Alerts(slack_webhook="", senders=[ToFile(tmp_path / "told")], watchdog=False)
    with alerts.watch("outer"):  # in the parent: the child begins anew
        process = multiprocessing.get_context(method).Process(target=_work, args=(alerts, end))
        process.start()
        process.join(60)
    assert alerts.close(60)
    assert (tmp_path / "told").read_text() == f"{said}outer finished · None\n"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no terminals")
def test_a_closed_terminal_is_told(expname_slack: SlackServer) -> None:
    import fcntl
    import termios

    def lead_the_terminal() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.setsid()
        fcntl.ioctl(inner, termios.TIOCSCTTY, 0)

    outer, inner = os.openpty()
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), "well", "30"],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        preexec_fn=lead_the_terminal,
    )
    os.close(inner)
    assert b"begun" in os.read(outer, 1000)
    os.close(outer)
    assert process.wait(60) == -signal.SIGHUP
    (message,) = expname_slack.wait_for(1)
    assert "train killed" in message.text


def test_without_proc_the_ranks_still_know_their_launch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    exact = process_start()
    monkeypatch.setattr(ranks, "_PROC", tmp_path)
    monkeypatch.setattr(ranks, "_IMPORTED", exact + 60)  # a slow import, after the others failed
    assert exact - 2.5 < process_start() <= exact + 0.5


def test_where_no_claim_can_be_made_the_first_rank_speaks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    ends = [wins(Message("train", "failed"), Place(rank, 2, "run")) for rank in (0, 1)]
    assert ends == [(True, "failed"), (False, "failed")]


def test_ranks_with_other_channels_do_not_silence_each_other() -> None:
    environment = {"MASTER_PORT": "29500"}
    keys = {share_of("train", 1, environment, told=told) for told in ("", "a channel", "another")}
    assert len(keys) == 3


def test_a_study_is_one_thread(expname_slack: SlackServer) -> None:
    alerts = Alerts(
        slack_token=TOKEN,
        slack_channel=CHANNEL,
        slack_api_url=expname_slack.api_url,
        events=("started", "finished"),
    )
    for study in ("lgbm", "xgboost"):
        with alerts.watch("tune", model=study):
            for trial in ("a", "b"):
                with alerts.watch("train", run=trial):
                    pass
    assert alerts.close(60)
    first, second = [one for one in expname_slack.messages if one.thread is None]
    assert ["lgbm" in first.text, "xgboost" in second.text] == [True, True]
    threads = [one.thread or one.stamp for one in expname_slack.messages]
    assert threads == [first.stamp] * 6 + [second.stamp] * 6
    shown = [one for one in expname_slack.messages if one.body.get("reply_broadcast")]
    assert ["tune finished" in one.text for one in shown] == [True, True]  # no trial is broadcast


def test_a_watchdog_leaves_though_a_child_holds_its_pipe(expname_slack: SlackServer) -> None:
    alerts = Alerts(wandb=False)
    with alerts.watch("train"):
        assert (running := alerts._dispatch._watchdog) is not None
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        child.start()
    try:
        assert alerts.close(30)
        assert running.has_ended()
    finally:
        child.kill()
        child.join()


@pytest.mark.filterwarnings("error::ResourceWarning")
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_no_process_and_no_file_is_left_behind(expname_slack: SlackServer) -> None:
    """A sweep begins and ends a mode a thousand times."""
    before, others = os.listdir("/proc/self/fd"), children_of(os.getpid())
    alerts = Alerts(wandb=False)
    for _ in range(5):
        with alerts.watch("train"):
            pass
        assert alerts.close(60)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= len(before)
    assert set(children_of(os.getpid())) <= set(others)


def test_many_open_files_do_not_keep_it_from_listening(expname_slack: SlackServer) -> None:
    program = """
import os, resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2048), hard))
files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
from lightning_expname.alerts import Alerts
with Alerts().watch("train") as watched:
    watched.update(run="x" * 4000, curve=tuple((float(n), n / 7) for n in range(60_000)))
"""
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
    (message,) = expname_slack.wait_for(1)
    assert "train finished: xxx" in message.text


def test_a_bundled_application_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_supported()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not is_supported()


def test_a_watchdog_that_is_stopped_does_not_stop_the_work(expname_slack: SlackServer) -> None:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), "well", "2"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    (watchdog,) = children_of(process.pid)
    os.kill(watchdog, signal.SIGSTOP)
    start = time.monotonic()
    assert process.wait(60) == 0
    assert time.monotonic() - start < 40
    assert expname_slack.messages == []
    os.kill(watchdog, signal.SIGCONT)
    (message,) = expname_slack.wait_for(1)
    assert "train finished" in message.text
    wait_until_gone(watchdog)


def test_the_exception_keeps_no_secret(expname_slack: SlackServer) -> None:
    """Error trackers show its attributes, and `multiprocessing` pickles it."""
    alerts = Alerts(slack_token=TOKEN, slack_channel=CHANNEL, slack_api_url=expname_slack.api_url)
    with pytest.raises(ValueError) as raised, alerts.watch("train"):
        raise ValueError("no")
    assert TOKEN.encode() not in pickle.dumps(raised.value)
    assert TOKEN not in str(vars(raised.value)) and vars(raised.value)
    assert alerts.close(60)


@pytest.mark.parametrize("url", ["http://localhost:notaport", "http://[::1", "", "http://a:99999"])
def test_an_address_that_is_none_is_not_waited_for(url: str) -> None:
    run = SimpleNamespace(settings=SimpleNamespace(base_url=url, http_proxy=None))
    start = time.monotonic()
    assert "W&B cannot be reached" in str(run_alert.alert(run, Message("train", "finished")))
    assert time.monotonic() - start < run_alert.REACH_SECONDS / 2


def test_modes_that_ended_are_not_kept() -> None:
    """Those that end in another order than they began, as threads and generators do."""
    alerts = Alerts(wandb=False, watchdog=False)
    first = alerts.begin("train")
    assert first is not None
    ended = weakref.ref(first)
    for _ in range(3):
        second = alerts.begin("train")
        alerts.end(first, "finished")
        first = second
    del second
    gc.collect()
    assert ended() is None
    alerts.end(first, "finished")


def test_one_watch_in_two_threads_ends_the_mode_of_each() -> None:
    told: list[Message] = []
    memory = SimpleNamespace(send=told.append)
    watched = Alerts(wandb=False, watchdog=False, senders=[memory]).watch("train")
    may_end, has_begun = threading.Event(), threading.Event()

    def slow() -> None:
        with watched:
            watched.update(run="slow")
            has_begun.set()
            may_end.wait(10)

    thread = threading.Thread(target=slow)
    with watched:
        thread.start()
        assert has_begun.wait(10)
        watched.update(run="quick")
    may_end.set()
    thread.join()
    assert watched._alerts.close(10)
    assert [message.run for message in told] == ["quick", "slow"]
