"""A server on 127.0.0.1, in threads of this process, that can go away and come back."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_STOP_SECONDS: Final = 10.0


class Loopback:
    """Listens on a free port, and after a stop on the same one again.

    Args:
        handler: of `http.server`, which answers the requests.
        port: 0 for a free one.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        self._handler = handler
        self._port = port
        self._sockets: _Sockets | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens, or did before it was stopped."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listens; does nothing if it does already."""
        if self._sockets is not None:
            return
        self._sockets = _Sockets(("127.0.0.1", self._port), self._handler)
        self._port = int(self._sockets.server_address[1])
        serve, options = self._sockets.serve_forever, {"poll_interval": 0.02}
        self._thread = threading.Thread(target=serve, kwargs=options, name=self.url, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Goes away: connections are cut, and new ones refused until `start`."""
        sockets, thread = self._sockets, self._thread
        self._sockets = self._thread = None
        if sockets is None or thread is None:
            return
        sockets.shutdown()
        sockets.cut()
        sockets.server_close()
        thread.join(_STOP_SECONDS)


class _Sockets(ThreadingHTTPServer):
    """Remembers its connections: stopping it cuts them, as a server that goes away does."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *args: Any) -> None:
        self._open: set[Any] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serves a connection in a thread of its own."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Closes a connection that is over."""
        self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        """Ends all connections."""
        for one in list(self._open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is the client's affair."""
