"""``dcp-evaluator -p PORT FILE...``: every TCP connection gets a fresh sandbox."""

from __future__ import annotations

import contextlib
import errno
import resource
import socket
import time
from collections.abc import Sequence

from .errors import UsageError, ZygoteError
from .gpu_options import GpuOptions
from .lines import ERROR, NOTICE, WARNING, LineEvaluator

_BACKLOG = 1024
_ACCEPTED_AT_ONCE = 64
_PAUSE = 0.1  # seconds without accepting, when the system has no descriptor or memory for one more
_SHORTEST_LIFE = 1.0  # seconds; a zygote that ends earlier is not replaced
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def serve_tcp(
    files: Sequence[str], address: str, port: int, *, memory_limit: int | None, level: int, gpu: GpuOptions | None
) -> int:
    """Serves until a signal ends it. Returns the exit status. Raises UsageError, InstallationError, ZygoteError."""
    listeners = _listen(address, port)
    with contextlib.ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(listener)
        _allow_many_descriptors()
        evaluator = LineEvaluator(files, memory_limit=memory_limit, level=level, warm=1, spares=None, gpu=gpu)
        stack.callback(evaluator.close)
        _Server(evaluator, listeners).run()
    return 0


class _Server:
    def __init__(self, evaluator: LineEvaluator, listeners: Sequence[socket.socket]) -> None:
        self._evaluator = evaluator
        self._listeners = listeners
        self._paused_until: float | None = None
        self._ready_since = 0.0

    def run(self) -> None:
        if not self._wait_ready():
            return
        for listener in self._listeners:
            host, port = listener.getsockname()[:2]
            self._evaluator.notice(NOTICE, f"listening on {host} port {port}")
        self._resume()
        while self._evaluator.signal is None:
            try:
                self._step()
            except ZygoteError as error:
                self._replace_zygote(error)

    def _step(self) -> None:
        if self._paused_until is None:
            return self._evaluator.step()
        left = self._paused_until - time.monotonic()
        if left <= 0:
            return self._resume()
        return self._evaluator.step(left)

    def _wait_ready(self) -> bool:
        ready = self._evaluator.wait_ready()
        self._ready_since = time.monotonic()
        return ready

    def _replace_zygote(self, error: ZygoteError) -> None:
        """All sandboxes have ended with it; their peers see the end of the connection."""
        if time.monotonic() - self._ready_since < _SHORTEST_LIFE:
            raise error
        self._evaluator.notice(ERROR, f"{error}; starting it again")
        self._evaluator.restart()
        self._wait_ready()

    def _resume(self) -> None:
        self._paused_until = None
        for listener in self._listeners:
            self._evaluator.watch(listener, lambda listener=listener: self._accept(listener))  # type: ignore[misc]

    def _pause(self) -> None:
        self._paused_until = time.monotonic() + _PAUSE
        for listener in self._listeners:
            self._evaluator.unwatch(listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._evaluator.notice(WARNING, f"a connection cannot be accepted: {error.strerror}")
                if error.errno in _OUT_OF_RESOURCES:
                    self._pause()
                return
            with connection:
                self._connect(connection)

    def _connect(self, connection: socket.socket) -> None:
        try:
            connection.setblocking(True)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._evaluator.connect(connection.fileno(), connection.fileno())
        except OSError as error:
            self._evaluator.notice(ERROR, f"a connection cannot be served: {error.strerror}")


def _allow_many_descriptors() -> None:
    """The zygote, which inherits it, holds two descriptors a connection."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(address: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address of that name; at least one. Raises UsageError."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a host name"
        raise UsageError(f"the address {address!r} cannot be resolved: {reason}") from None
    listeners: list[socket.socket] = []
    for family, (host, _, *scope) in sorted({(entry[0], entry[4]) for entry in found}, key=lambda entry: entry[0]):
        try:
            listeners.append(_bind(family, (host, port, *scope)))
            port = listeners[0].getsockname()[1]  # where it was 0, all on the port that the first one got
        except OSError as error:
            # A machine without IPv6 has no ::1; any other fault counts.
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) and listeners:
                continue
            for listener in listeners:
                listener.close()
            reason = f"{error.strerror}{_remedy(error)}"
            raise UsageError(f"cannot listen on {address} port {port}: {reason}") from None
    return listeners


def _bind(family: int, where: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(where)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "; another program uses the port, choose one with -p"
    if error.errno == errno.EACCES:
        return "; ports below 1024 need privileges, choose another with -p"
    if error.errno == errno.EADDRNOTAVAIL:
        return "; this machine has no such address"
    return ""
