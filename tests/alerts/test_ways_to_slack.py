"""What happens between here and the channel: redirections, proxies, plain text, W&B's queue."""

from __future__ import annotations

import socket
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from lightning_expname.alerts import Alerts, Message
from lightning_expname.alerts.run_alert import alert
from lightning_expname.observer import ExpNameWarning, _said
from lightning_expname.testing.slack_server import CHANNEL, TOKEN, SlackServer


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> None:
    _said.clear()


class _Redirecting(BaseHTTPRequestHandler):
    """Sends everything that is posted to another address, and takes what comes there."""

    server: Any

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(302)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.server.heard.append(self.headers.get("Authorization"))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *arguments: Any) -> None: ...


@pytest.fixture
def redirecting() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Redirecting)
    server.heard = []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.filterwarnings("ignore::lightning_expname.observer.ExpNameWarning")
@pytest.mark.parametrize("watchdog", [True, False])
def test_a_redirection_does_not_get_the_token(redirecting: Any, watchdog: bool) -> None:
    alerts = Alerts(
        slack_token="xoxb-123456789-secret",
        slack_channel=CHANNEL,
        slack_api_url=f"http://127.0.0.1:{redirecting.server_port}/api/",
        watchdog=watchdog,
    )
    with alerts.watch("train"):
        pass
    assert alerts.close(60)
    assert redirecting.heard and set(redirecting.heard) == {None}


@pytest.mark.parametrize(
    ("access", "said"),
    [
        ({"slack_webhook": "http://hooks.slack.com/services/s3cr3t"}, "starts with http://"),
        ({"slack_webhook": "https://hooks.slack.com/services/s3cr3té"}, "is no address"),
        ({"slack_token": "xoxb-s3cr3t\n2"}, "holds what no token has"),
        ({"slack_token": "xoxb-s3cr3té"}, "holds what no token has"),
        ({"slack_token": "xoxb-s3cr3t", "slack_channel": " "}, "needs a channel"),
        ({"slack_channel": "C0"}, "pass slack_token="),
        (
            {"slack_token": "xoxb-s3cr3t", "slack_api_url": "http://slack.com/api"},
            "shows the token",
        ),
    ],
)
def test_what_cannot_work_or_tells_the_secret_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, access: dict[str, str], said: str
) -> None:
    for name in ("SLACK_CHANNEL", "SLACK_BOT_TOKEN", "SLACK_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        alerts = Alerts(**{"slack_channel": CHANNEL, **access})  # type: ignore[arg-type]
        with alerts.watch("train"):
            pass
        assert alerts.close(5)
    (told,) = [str(one.message) for one in caught if one.category is ExpNameWarning]
    assert said in told and "s3cr3t" not in told


class Run:
    """A W&B run that remembers its alerts."""

    offline = True

    def __init__(self, url: str = "", **settings: str) -> None:
        self.settings = SimpleNamespace(base_url=url, **settings)
        self.alerts: list[dict[str, str]] = []

    def alert(self, **data: str) -> None:
        "".join(data.values()).encode()  # W&B's protocol takes no half characters
        self.alerts.append(data)


def test_of_a_long_failure_wandb_gets_what_is_known_and_its_end() -> None:
    run = Run()
    message = Message(
        "train",
        "failed",
        run="half \ud800",
        reason="ValueError: the reason",
        checkpoint="a/b.ckpt",
        traceback="x" * 20_000 + "the end",
    )
    assert alert(run, message) is None
    (told,) = run.alerts
    assert "Reason: ValueError: the reason\n" in told["text"]
    assert "Checkpoint: a/b.ckpt\n" in told["text"]
    assert told["text"].endswith("the end")
    assert len(told["text"]) <= 6000


class OnlineRun(Run):
    offline = False


@pytest.mark.parametrize("given", ["environment", "settings"])
def test_wandb_behind_a_proxy_is_reached_by_it(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        if given == "environment":
            monkeypatch.setenv("https_proxy", url)
        settings = {"https_proxy": url} if given == "settings" else {}
        run = OnlineRun("https://wandb.invalid", **settings)
        assert alert(run, Message("train", "finished")) is None
    assert len(run.alerts) == 1
    monkeypatch.setenv("no_proxy", "wandb.invalid")
    assert "cannot be reached" in str(alert(run, Message("train", "finished")))


def test_a_name_server_that_does_not_answer_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *name, **kind: released.wait(30) and [])
    start = time.monotonic()
    run = OnlineRun("https://wandb.invalid")
    assert "cannot be reached" in str(alert(run, Message("train", "failed")))
    assert time.monotonic() - start < 15
    released.set()


@pytest.mark.parametrize("watchdog", [True, False])
def test_a_thread_that_somebody_deleted_is_begun_again(
    expname_slack: SlackServer, watchdog: bool
) -> None:
    alerts = Alerts(
        slack_webhook=None,
        slack_token=TOKEN,
        slack_channel=CHANNEL,
        slack_api_url=expname_slack.api_url,
        events=("started", "finished"),
        watchdog=watchdog,
    )
    with alerts.watch("tune", model="lgbm"):
        expname_slack.wait_for(1)
        expname_slack.messages.clear()
        with alerts.watch("train"):
            pass
    assert alerts.close(30)
    start, *others = expname_slack.messages
    assert [start.text, start.thread] == ["▶️ train started", None]
    assert [one.thread for one in others] == [start.stamp] * 2
