"""HTTP for the loopback W&B server: one request at a time per connection, bounded in size."""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from base64 import b64decode
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import unquote, urlparse

from .wandb_faults import Fault
from .wandb_runs import Json

MAX_BODY: Final = 64 * 1024 * 1024
_OPERATION: Final = re.compile(r"\b(?:query|mutation)\s+(\w+)")


class Answer(Exception):  # noqa: N818  # leaves a request early; most are no errors
    """An HTTP answer."""

    def __init__(self, status: int, body: bytes | Json = b"") -> None:
        super().__init__(status)
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"


class Site(Protocol):
    """What the handler asks of the server."""

    api_key: str

    def noted(self, request: str, body: bytes) -> Fault | None: ...

    def graphql(self, operation: str, query: str, variables: Json) -> Json: ...

    def rest(self, method: str, path: str, body: bytes) -> Answer: ...


def handler_for(site: Site) -> type[BaseHTTPRequestHandler]:
    """The handler's class; http.server wants one per server."""
    return type("Handler", (_Handler,), {"site": site})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60.0
    site: ClassVar[Site]

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed into the tests' output."""

    def _serve(self) -> None:
        try:
            answer = self._answer(self._body())
        except Answer as early:
            answer = early
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  # http.server's names

    def _answer(self, body: bytes) -> Answer:
        path = unquote(urlparse(self.path).path)
        request = _parsed(body) if path == "/graphql" else {}
        operation = _operation(request["query"]) if request else f"{self.command} {path}"
        if fault := self.site.noted(operation, body):
            time.sleep(fault.delay)
            if fault.status is not None:
                return Answer(fault.status, _errors(fault.message))
        if not request:
            return self.site.rest(self.command, path, body)
        self._check_key()
        data = self.site.graphql(operation, request["query"], request.get("variables") or {})
        return Answer(200, {"data": data})

    def _check_key(self) -> None:
        """W&B's clients send `api:KEY` as the basic authorization."""
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        sent = b64decode(text).decode("utf-8", "replace") if kind == "Basic" else ""
        if sent != f"api:{self.site.api_key}":
            raise Answer(401, _errors("user is not logged in; the key is the one in environment()"))

    def _body(self) -> bytes:
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        body = self._chunks() if chunked else self._sized()
        if self.headers.get("Content-Encoding") != "gzip":
            return body
        try:
            return gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as error:
            raise Answer(400, _errors(f"the body is no gzip: {error}")) from error

    def _sized(self) -> bytes:
        size = int(self.headers.get("Content-Length") or 0)
        self._check_size(size)
        return self.rfile.read(size)

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self._check_size(sum(map(len, parts)))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _check_size(self, size: int) -> None:
        if size > MAX_BODY:
            self.close_connection = True
            raise Answer(413, _errors(f"{size} bytes; this server takes {MAX_BODY} at most"))


def _parsed(body: bytes) -> Json:
    try:
        request = json.loads(body)
    except ValueError as error:
        raise refusal(f"no JSON: {error}") from error
    if not isinstance(request, dict) or not isinstance(request.get("query"), str):
        raise refusal("no GraphQL request: it needs a `query`")
    return request


def _operation(query: str) -> str:
    found = _OPERATION.search(query)
    return found[1] if found else " ".join(query.split())[:80]


def _errors(message: str) -> Json:
    return {"errors": [{"message": message, "path": []}], "data": None}


def refusal(message: str) -> Answer:
    """The answer 400 in GraphQL's form."""
    return Answer(400, _errors(message))
