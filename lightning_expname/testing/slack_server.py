"""A Slack that records: incoming webhooks, chat.postMessage and uploads, on this machine.

It checks what the real one checks, and can be as unwell as the real one can be.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from .slack_rules import faults

TOKEN: Final = "xoxb-0000000000-recording"
CHANNEL: Final = "C0RECORDING"
WEBHOOK_PATH: Final = "/services/T0000/B0000/recording"
HANG_SECONDS: Final = 60.0
SLOW_SECONDS: Final = 7.0

MODES: Final = (
    "ok",
    "429",
    "500",
    "502",
    "hang",
    "slow",
    "html",
    "invalid_auth",
    "channel_not_found",
    "no_service",
)
"""How the server answers: `slow` takes the message at once and says so after `SLOW_SECONDS`, `hang`
takes nothing and never answers; `refused` is `SlackServer.stop`."""


@dataclass(frozen=True)
class Posted:
    """One message that Slack took.

    Attributes:
        body: as it was posted.
        at: when, as `time.monotonic` counts.
        stamp: its `ts`, by which a thread is known.
        files: what was uploaded to it: (file name, content).
    """

    body: Mapping[str, Any]
    at: float
    stamp: str
    files: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What a notification shows."""
        return str(self.body.get("text", ""))

    @property
    def thread(self) -> str | None:
        """The `ts` of the thread that it was posted in."""
        return self.body.get("thread_ts")

    @property
    def shown(self) -> str:
        """All its text, one block below the other."""
        texts = (block.get("text", {}).get("text", "") for block in self.body.get("blocks", []))
        return "\n".join(texts)


class SlackServer:
    """A recording Slack on loopback; a context manager.

    Attributes:
        mode: how it answers from now on, see `MODES`; `next_modes` are used up first.
        messages: what it took, in order.
        requests: (path, how it was answered) of everything that came.
        refused: what it did not take, and why.

    Example:
        >>> with SlackServer() as slack:
        ...     with Alerts(slack_webhook=slack.webhook_url).watch("train"):
        ...         train()
        ...     (message,) = slack.wait_for(1)
    """

    def __init__(self) -> None:
        self.mode = "ok"
        self.next_modes: deque[str] = deque()
        self.messages: list[Posted] = []
        self.requests: list[tuple[str, str]] = []
        self.refused: list[list[str]] = []
        self._uploads: dict[str, tuple[str, bytes]] = {}
        self._changed = threading.Condition()
        self._released = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.start()

    @property
    def webhook_url(self) -> str:
        """The address of its incoming webhook."""
        return f"http://127.0.0.1:{self._port}{WEBHOOK_PATH}"

    @property
    def api_url(self) -> str:
        """Where its Web API is; its bot's token is `TOKEN`, its channel `CHANNEL`."""
        return f"http://127.0.0.1:{self._port}/api/"

    def start(self) -> None:
        """Listens, on the same port as before `stop`."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self._port), _Handler)
            self._server.slack = self
            self._port = self._server.server_address[1]
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """From now on, connections are refused."""
        server, self._server = self._server, None
        self._released.set()
        if server is not None:
            server.shutdown()
            server.server_close()
        self._released = threading.Event()

    def __enter__(self) -> SlackServer:
        return self

    def __exit__(self, *reason: object) -> None:
        self.stop()

    def wait_for(self, count: int, seconds: float = 30.0) -> list[Posted]:
        """The messages, as soon as there are so many; fewer when time runs out."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.messages) >= count, seconds)
            return list(self.messages)

    @contextmanager
    def unwell(self, mode: str) -> Iterator[None]:
        """Answers in another mode for a while."""
        before, self.mode = self.mode, mode
        try:
            yield
        finally:
            self.mode = before

    def _take(self, path: str, body: bytes, token: str) -> tuple[int, dict[str, str], bytes]:
        """The answer to one request."""
        mode = self.next_modes.popleft() if self.next_modes else self.mode
        with self._changed:
            self.requests.append((path, mode))
        if mode == "hang":
            self._released.wait(HANG_SECONDS)
            raise ConnectionAbortedError
        unwell = _unwell(mode, is_webhook=path.startswith("/services/"))
        answer = unwell or self._route(path, body, token)
        if mode == "slow":
            self._released.wait(SLOW_SECONDS)
        with self._changed:
            self._changed.notify_all()
        return answer

    def _route(self, path: str, body: bytes, token: str) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/services/"):
            return self._webhook(path, body)
        if path.startswith("/upload/"):
            name, _ = self._uploads[path]
            self._uploads[path] = (name, body)
            return 200, {}, b"OK"
        return self._api(path.removeprefix("/api/"), body, token)

    def _webhook(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if path != WEBHOOK_PATH:
            return 404, {}, b"no_service"
        try:
            message = json.loads(body)
        except ValueError:
            return 400, {}, b"invalid_payload"
        error = self._post(message)[0]
        return (400, {}, error.encode()) if error else (200, {}, b"ok")

    def _api(self, method: str, body: bytes, token: str) -> tuple[int, dict[str, str], bytes]:
        if token != TOKEN:
            return _json(200, ok=False, error="invalid_auth" if token else "not_authed")
        data = _arguments(body)
        if method == "chat.postMessage":
            return self._chat(data)
        if method == "files.getUploadURLExternal":
            path = f"/upload/F{len(self._uploads)}"
            self._uploads[path] = (str(data.get("filename")), b"")
            return _json(
                200, ok=True, upload_url=f"http://127.0.0.1:{self._port}{path}", file_id=path[8:]
            )
        if method == "files.completeUploadExternal":
            return self._complete(data)
        return _json(200, ok=False, error="unknown_method")

    def _chat(self, data: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if data.get("channel") != CHANNEL:
            return _json(200, ok=False, error="channel_not_found")
        thread = data.get("thread_ts")
        if thread is not None and thread not in [one.stamp for one in self.messages]:
            return _json(200, ok=False, error="thread_not_found")
        error, stamp = self._post(data)
        if error:
            return _json(200, ok=False, error=error)
        return _json(200, ok=True, ts=stamp, channel=CHANNEL)

    def _complete(self, data: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        files = data["files"] if isinstance(data["files"], list) else json.loads(data["files"])
        found = [one for one in self.messages if one.stamp == data.get("thread_ts")]
        if data.get("channel_id") != CHANNEL or not found:
            return _json(200, ok=False, error="invalid_channel")
        found[0].files.extend(self._uploads[f"/upload/{one['id']}"] for one in files)
        with self._changed:
            self._changed.notify_all()
        return _json(200, ok=True, files=[{"id": one["id"]} for one in files])

    def _post(self, message: dict[str, Any]) -> tuple[str, str]:
        """Slack's error, or empty, and the message's time stamp."""
        if not message.get("text") and not message.get("blocks"):
            return "no_text", ""
        found = faults(message)
        with self._changed:
            if found:
                self.refused.append(found)
                return "invalid_blocks", ""
            stamp = f"{1_700_000_000 + len(self.messages)}.000100"
            self.messages.append(Posted(message, time.monotonic(), stamp))
            self._changed.notify_all()
        return "", stamp


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    slack: SlackServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed, or did not wait: no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        path = urlsplit(self.path).path
        status, headers, body = self.server.slack._take(path, self.rfile.read(length), token)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Tests read what was recorded, not what is printed."""


def _unwell(mode: str, *, is_webhook: bool) -> tuple[int, dict[str, str], bytes] | None:
    """The answer of a Slack that is not well, or does not want us."""
    if mode == "429":
        return 429, {"Retry-After": "3600"}, b'{"ok":false,"error":"ratelimited"}'
    if mode in ("500", "502"):
        return int(mode), {}, b"server_error"
    if mode == "html":
        return 200, {"Content-Type": "text/html"}, b"<!doctype html><html>please log in</html>"
    if mode in ("ok", "slow"):
        return None
    if is_webhook:
        return (403 if mode == "invalid_auth" else 404), {}, mode.encode()
    return _json(200, ok=False, error=mode)


def _json(status: int, **data: Any) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return status, headers, json.dumps(data).encode()


def _arguments(body: bytes) -> dict[str, Any]:
    """A method's arguments: JSON, or a form."""
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return dict(parse_qsl(body.decode()))
    return data if isinstance(data, dict) else {}
