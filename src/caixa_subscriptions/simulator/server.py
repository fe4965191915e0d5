"""A threading WSGI server for loopback, on the standard library's."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

POLL_SECONDS = 0.05  # how long `shutdown()` may take
LINGER_SECONDS = 5.0  # how long a caller may go on sending after its answer


class ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    """One thread a request: a webhook's receiver calls back while it is being delivered."""

    daemon_threads = True
    request_queue_size = 64

    def server_bind(self) -> None:
        # Not super's: it looks the host's name up, which may take seconds without a network.
        # A restart must not wait for the last connections to be forgotten.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def shutdown_request(self, request: Any) -> None:
        """Closed with a body unread, a socket answers the rest of it with a reset, and the caller
        may see that and not the refusal. So the rest is read first (RFC 9112, 9.6)."""
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            _read_rest(request)
        self.close_request(request)

    @property
    def url(self) -> str:
        return f"http://{self.server_name}:{self.server_port}"


def _read_rest(request: socket.socket) -> None:
    """Until the caller closes; raises TimeoutError when it takes too long."""
    end = time.monotonic() + LINGER_SECONDS
    while (left := end - time.monotonic()) > 0:
        request.settimeout(left)
        if not request.recv(65536):
            return


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        pass

    def get_environ(self) -> dict[str, Any]:
        """With the path as it was sent, as other servers have it."""
        return {**super().get_environ(), "REQUEST_URI": self.path}

    def address_string(self) -> str:
        return str(self.client_address[0])


def serve(
    application: Callable[..., Any], *, host: str = "127.0.0.1", port: int = 0
) -> ThreadingWSGIServer:
    """Serve in a background thread; end with `shutdown()` and `server_close()`."""
    server = ThreadingWSGIServer((host, port), _Handler)
    server.set_app(application)
    thread = threading.Thread(
        target=server.serve_forever, args=(POLL_SECONDS,), name="simulator-server", daemon=True
    )
    thread.start()
    return server
