"""`WandbServer`: W&B on the loopback, for tests of what a run does online.

It speaks to the real client, of which nothing is replaced: what wandb sends is what is seen here.
"""

from __future__ import annotations

import json
import re
import threading
import traceback
from collections import deque
from dataclasses import dataclass
from typing import Final

from . import wandb_artifact_queries, wandb_run_queries
from .loopback import Loopback
from .wandb_artifacts import ServedArtifact
from .wandb_faults import Fault, Faults
from .wandb_http import MAX_BODY, Answer, handler_for, refusal
from .wandb_runs import DEFAULT_ENTITY, Json, RefusalError, Runs, ServedRun
from .wandb_state import ServedAlert, ServerState

_API_KEY: Final = "local" + "0" * 40  # W&B's clients want 40 characters; it opens nothing
_OPERATIONS: Final = {**wandb_run_queries.OPERATIONS, **wandb_artifact_queries.OPERATIONS}
_REQUESTS_KEPT: Final = 10_000


@dataclass(frozen=True)
class Request:
    """One request: `operation` is GraphQL's name of it, or `METHOD /path`."""

    operation: str
    body: str


class WandbServer:
    """A W&B server on 127.0.0.1, in threads of this process; it needs the standard library only.

    It answers what wandb 0.31 asks: runs and everything about them, resuming, `wandb sync`,
    artifacts, and the public API. It refuses what the real server was seen to refuse: too long
    names, job types, tags and artifact names, a deleted run's id, a wrong key. An operation that it
    does not know is refused and listed in `unknown`, so that a new version of wandb shows itself:
    assert that it is empty.

    Attributes:
        requests: the last 10 000 requests.
        unknown: what was asked and is not implemented, and failures of the server itself.
        entity: the entity of runs that name none.

    Example:
        >>> with WandbServer() as server:  # doctest: +SKIP
        ...     subprocess.run(["python", "train.py"], env={**os.environ, **server.environment()})
        ...     [run] = server.runs.values()
        >>> run.name, run.config["d_model"], run.state  # doctest: +SKIP
        ('d_model64-bs8-lr0.001', 64, 'finished')
    """

    entity: Final = DEFAULT_ENTITY
    api_key: str = _API_KEY

    def __init__(self, port: int = 0) -> None:
        self._loopback = Loopback(handler_for(self), port)
        self._state = ServerState()
        self._faults = Faults()
        self._lock = threading.RLock()
        self.requests: deque[Request] = deque(maxlen=_REQUESTS_KEPT)
        self.unknown: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens, or did before it was stopped."""
        return self._loopback.url

    @property
    def runs(self) -> Runs:
        """All runs, by entity, project and id."""
        return self._state.runs

    @property
    def alerts(self) -> list[ServedAlert]:
        """All alerts, in the order of their arrival."""
        return self._state.alerts

    @property
    def artifacts(self) -> list[ServedArtifact]:
        """All artifacts, in the order of their creation."""
        return list(self._state.artifacts)

    @property
    def blobs(self) -> dict[str, bytes]:
        """The contents of the artifacts' files, by the keys in `ServedArtifact.files`."""
        return self._state.blobs

    def run(self, path: str) -> ServedRun:
        """The run at `entity/project/id`, at `project/id`, or with this `id`.

        Raises:
            LookupError: there is no such run, or more than one.
        """
        wanted = path.split("/")
        found = [run for run in self.runs.values() if run.path.split("/")[-len(wanted) :] == wanted]
        if len(found) != 1:
            known = ", ".join(run.path for run in self.runs.values()) or "none"
            raise LookupError(f"{len(found)} runs fit {path!r}; the server has {known}")
        return found[0]

    def environment(self) -> dict[str, str]:
        """The environment variables that send a process here."""
        return {
            "WANDB_BASE_URL": self.url,
            "WANDB_API_KEY": self.api_key,
            "WANDB_MODE": "online",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def start(self) -> WandbServer:
        """Listens: on a free port, then always on the same. What it knows is kept."""
        self._loopback.start()
        self._state.url = self.url
        return self

    def stop(self) -> None:
        """Goes away: connections are cut, and new ones refused until `start`."""
        self._loopback.stop()

    def __enter__(self) -> WandbServer:
        return self.start()

    def __exit__(self, *reason: object) -> None:
        self.stop()

    def fail(
        self,
        match: str,
        *,
        status: int | None = 500,
        times: int | None = 1,
        delay: float = 0.0,
        message: str = "ordered by the test",
    ) -> None:
        """Lets the next requests fail.

        Args:
            match: a regular expression, searched in `Request.operation`: "UpsertBucket" starts and
                renames runs, "file_stream" carries history, "NotifyScriptableRunAlert" alerts.
            status: of the answer; None only delays.
            times: how many requests fail; None for all until `heal`.
            delay: seconds before each answer.
            message: of the error.

        Example:
            >>> server = WandbServer()
            >>> server.fail("UpsertBucket", status=503, times=2)
        """
        self._faults.order(Fault(match, status, times, delay, message))

    def refuse(self, match: str = "", *, status: int = 403, message: str = "refused") -> None:
        """Refuses all requests that fit, until `heal`: no right to the project, for example."""
        self.fail(match, status=status, times=None, message=message)

    def heal(self) -> None:
        """No more faults; a stopped server listens again."""
        self._faults.clear()
        self.start()

    def noted(self, request: str, body: bytes) -> Fault | None:
        """Keeps a request; gives the fault that was ordered for it."""
        self.requests.append(Request(request, body[:100_000].decode("utf-8", "replace")))
        return self._faults.meet(request)

    def graphql(self, operation: str, query: str, variables: Json) -> Json:
        """Answers one GraphQL operation.

        Raises:
            Answer: it is refused or not implemented.
        """
        if operation not in _OPERATIONS:
            if "__type" in query or "__schema" in query:
                return _no_more_is_known(query)
            self.unknown.append(operation)
            raise refusal(f"{operation!r} is not implemented by this loopback server")
        values = {**variables, **(variables.get("input") or {})}
        try:
            with self._lock:
                return _OPERATIONS[operation](self._state, values)
        except RefusalError as error:
            raise refusal(str(error)) from error
        except Exception as error:  # a mistake here must not look like a flaky network
            traceback.print_exc()
            self.unknown.append(f"{operation}: {error!r}")
            raise refusal(f"the loopback server failed: {error!r}") from error

    def rest(self, method: str, path: str, body: bytes) -> Answer:
        """Answers what is no GraphQL: the stream of lines, and the contents of files."""
        with self._lock:
            if path.startswith("/blob/"):
                return _stored(method, self.blobs, path.removeprefix("/blob/"), body)
            if path.startswith("/runfile/"):
                return self._run_file(method, path, body)
            if path.endswith("/file_stream") and method == "POST":
                return self._stream(path, body)
        if path.startswith("/sdk/otel"):  # the client's own telemetry
            return Answer(200, {})
        self.unknown.append(f"{method} {path}")
        return Answer(404, {})

    def _run_file(self, method: str, path: str, body: bytes) -> Answer:
        _, _, entity, project, run_id, name = path.split("/", 5)
        run = self.runs.get((entity, project, run_id))
        return Answer(404, {}) if run is None else _stored(method, run.files, name, body)

    def _stream(self, path: str, body: bytes) -> Answer:
        _, _, entity, project, run_id, _ = path.split("/")
        run = self.runs.get((entity, project, run_id))
        if run is None:
            return Answer(404, {"error": "run not found"})
        run.stream(json.loads(body))
        return Answer(200, {"exitcode": None, "limits": {}})


def _stored(method: str, kept: dict[str, bytes], name: str, body: bytes) -> Answer:
    if method == "PUT":
        if sum(map(len, kept.values())) + len(body) > 4 * MAX_BODY:
            return Answer(507, {})
        kept[name] = body
        return Answer(200, {})
    return Answer(200, kept[name]) if name in kept else Answer(404, {})


def _no_more_is_known(query: str) -> Json:
    """To a client that asks what fields this server has: none beyond those that it expects."""
    asked = re.findall(r"(\w+)\s*:\s*__type\b", query)
    return {"__type": None, **{alias: {"fields": []} for alias in asked}}


def unexplained(server: WandbServer) -> str:
    """What to say of operations that the server does not know; empty when there are none."""
    if not server.unknown:
        return ""
    asked = sorted(set(server.unknown))
    return (
        f"W&B's client asked what the loopback server does not know: {', '.join(asked)}."
        " It was written for wandb 0.22 to 0.31; report the version that asks"
    )
