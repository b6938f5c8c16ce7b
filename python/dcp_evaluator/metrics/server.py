"""An HTTP server for one registry of metrics, in a thread: OpenMetrics, or Prometheus' older text form."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client.exposition import make_wsgi_app
from prometheus_client.registry import CollectorRegistry

from ..errors import UsageError, reason_of
from .address import MetricsAddress, is_loopback

_MOST_AT_ONCE = 8
_SECONDS = 10.0  # for a request to come, and for its answer to be taken
_MAKING_ROOM = 1.0  # seconds
_REFUSALS = {403: "403 Forbidden", 404: "404 Not Found", 405: "405 Method Not Allowed"}

_Environment = dict[str, Any]
_Start = Callable[..., Any]


class MetricsServer:
    """Serves ``registry`` until it is closed. What collects there is called in threads of its own."""

    def __init__(self, registry: CollectorRegistry, address: MetricsAddress) -> None:
        """Raises UsageError where the address cannot be had."""
        try:
            family, *_, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
            self._server = _Server(family, where)
        except (OSError, UnicodeError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else "not a host name"
            raise UsageError(f"metrics cannot be served on {address.host} port {address.port}: {reason}") from None
        self.address = MetricsAddress(address.host, self._server.server_port)
        self._server.set_app(_checked(make_wsgi_app(registry), any_name=not address.is_loopback))
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._thread.join()
        self._server.server_close()

    def _serve(self) -> None:
        while not self._closed:  # ``serve_forever`` would wake up twice a second
            self._server.handle_request()


def _checked(app: _Start, *, any_name: bool) -> Callable[[_Environment, _Start], Iterable[bytes]]:
    """Refuses what is no GET of the metrics.

    Without ``any_name`` the server has to be called by a name of this machine: a web page whose own name leads to
    a loopback address (DNS rebinding) would read them otherwise.
    """

    def answer(environment: _Environment, start: _Start) -> Iterable[bytes]:
        status = 0
        if not any_name and not is_loopback(_name(environment.get("HTTP_HOST", ""))):
            status = 403
        elif environment["PATH_INFO"] not in ("/", "/metrics"):
            status = 404
        elif environment["REQUEST_METHOD"] != "GET":
            status = 405
        if not status:
            body: Iterable[bytes] = app(environment, start)
            return body
        start(_REFUSALS[status], [("Content-Type", "text/plain; charset=utf-8")])
        return (f"{_REFUSALS[status]}: metrics are at /metrics, for this machine\n".encode(),)

    return answer


def _name(host: str) -> str:
    """Of a ``Host`` field; empty where it is not one."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _cut(request: socket.socket) -> None:
    """Ends what its thread waits for."""
    with contextlib.suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Who scrapes is not told."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, family: int, where: Any) -> None:
        self.address_family = family
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self._open: list[socket.socket] = []
        super().__init__(where, _Handler)

    def server_bind(self) -> None:
        """As HTTPServer does, which also asks for the name of the address: that may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread. Of too many connections the oldest ends: it says nothing, or takes nothing."""
        if not self._free.acquire(blocking=False):
            for oldest in self._open[:1]:
                _cut(oldest)
            if not self._free.acquire(timeout=_MAKING_ROOM):
                self.shutdown_request(request)
                return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread can be started
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        deadline = threading.Timer(_SECONDS, _cut, (request,))  # a byte now and then does not put it off
        deadline.daemon = True
        self._open.append(request)
        try:
            deadline.start()
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self._open.remove(request)
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left, or said what is no HTTP."""
