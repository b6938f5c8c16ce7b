"""The evaluator for DCP's own programs: start-up files, then lines over TCP or stdio, one sandbox a connection.

Python is not in the path of the data: a connection's descriptor goes to the zygote and is closed here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import signal
import socket
import stat
import sys
from collections.abc import Callable, Sequence

from .errors import UsageError
from .gpu_pool import GpuPool
from .zygote import Zygote, describe_exit, exit_status

_BACKLOG = 128
_NOTICE, _INFO = 5, 6


class _Ended(Exception):
    """SIGINT or SIGTERM."""

    def __init__(self, number: int) -> None:
        self.number = number


class LineEvaluator:
    """Sandboxes that speak lines. ``level``: syslog level (0-7) up to which notices go to stderr."""

    def __init__(self, files: Sequence[str], *, memory_limit: int | None, level: int, warm: int, spares: int | None):
        self._level = level
        self._selector = selectors.DefaultSelector()
        self._brokers: dict[int, socket.socket] = {}
        self.zygote = Zygote("line", files=files, memory_limit=memory_limit, spares=spares)
        self.pool = GpuPool(warm)
        self.last_exit = ""

    def notice(self, level: int, text: str) -> None:
        if level <= self._level:
            print(f"dcp-evaluator: {text}", file=sys.stderr, flush=True)

    def watch(self, stream: socket.socket | Zygote, callback: Callable[[], None]) -> None:
        self._selector.register(stream, selectors.EVENT_READ, callback)

    def connect(self, channel_in: int, channel_out: int) -> int:
        """A new sandbox on these descriptors, which stay the caller's."""
        broker, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            number = self.zygote.spawn(channel_in, channel_out, theirs.fileno())
        self._brokers[number] = broker
        self._selector.register(broker, selectors.EVENT_READ, lambda: self._on_broker(number))
        return number

    def step(self) -> None:
        """Waits for something to happen and handles it."""
        for key, _ in self._selector.select():
            key.data()

    def on_zygote(self) -> None:
        for message in self.zygote.receive():
            if message.kind == "spawned":
                self.notice(7, f"sandbox {message.sandbox} is process {message.text}")
                continue
            if message.kind == "refused":
                self.notice(3, f"a sandbox cannot be made: {message.text}")
                self.last_exit = "exit 1"
            else:
                self.notice(_INFO, f"sandbox {message.sandbox} ended ({describe_exit(message.text)})")
                self.last_exit = message.text
            self._forget(message.sandbox)

    def _on_broker(self, number: int) -> None:
        broker = self._brokers.get(number)  # gone, where its sandbox ended in the same turn
        if broker is not None and not self.pool.answer(broker, number):
            self._selector.unregister(broker)

    def _forget(self, number: int) -> None:
        broker = self._brokers.pop(number, None)
        if broker is not None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(broker)
            broker.close()
        self.pool.release(number)

    def close(self) -> None:
        self.pool.close()
        self.zygote.close()
        for broker in self._brokers.values():
            broker.close()
        self._selector.close()


def serve_tcp(files: Sequence[str], address: str, port: int, *, memory_limit: int | None, level: int) -> int:
    """Serves until SIGINT or SIGTERM. Returns the exit status. Raises UsageError, InstallationError, ZygoteError."""
    listeners = _listen(address, port)
    _catch_signals()
    evaluator = None
    try:
        evaluator = LineEvaluator(files, memory_limit=memory_limit, level=level, warm=1, spares=None)
        evaluator.zygote.wait_ready()
        evaluator.watch(evaluator.zygote, evaluator.on_zygote)
        for listener in listeners:
            evaluator.watch(listener, lambda listener=listener: _accept(listener, evaluator))  # type: ignore[misc]
            host, bound = listener.getsockname()[:2]
            evaluator.notice(_NOTICE, f"listening on {host} port {bound}")
        while True:
            evaluator.step()
    except _Ended:
        return 0
    finally:
        _ignore_signals()
        for listener in listeners:
            listener.close()
        if evaluator is not None:
            evaluator.close()


def _listen(address: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address of that name; at least one. Raises UsageError."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise UsageError(f"the address {address} cannot be resolved: {error.strerror}") from None
    listeners: list[socket.socket] = []
    problem: OSError | None = None
    for family, kind, protocol, _, where in sorted(set(found), key=lambda entry: entry[0]):
        listener = None
        try:
            listener = socket.socket(family, kind, protocol)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if port == 0 and listeners:
                where = (where[0], listeners[0].getsockname()[1], *where[2:])
            listener.bind(where)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            listeners.append(listener)
        except OSError as error:
            if listener is not None:
                listener.close()
            # A machine without IPv6 has no ::1; any other fault counts.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) or not listeners:
                problem = problem or error
    if problem is not None or not listeners:
        for listener in listeners:
            listener.close()
        reason = problem.strerror if problem else "no address"
        raise UsageError(f"cannot listen on {address} port {port}: {reason}{_remedy(problem)}")
    return listeners


def _remedy(problem: OSError | None) -> str:
    if problem is not None and problem.errno == errno.EADDRINUSE:
        return "; another program uses the port, choose one with -p"
    if problem is not None and problem.errno == errno.EACCES:
        return "; ports below 1024 need privileges, choose another with -p"
    return ""


def _accept(listener: socket.socket, evaluator: LineEvaluator) -> None:
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return
    except OSError as error:
        evaluator.notice(4, f"a connection cannot be accepted: {error.strerror}")
        return
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            evaluator.connect(connection.fileno(), connection.fileno())
        except OSError as error:
            evaluator.notice(3, f"a connection cannot be served: {error.strerror}")


def serve_stdio(files: Sequence[str], *, memory_limit: int | None, level: int) -> int:
    """One sandbox on stdin and stdout. Returns its exit status."""
    _catch_signals()
    evaluator = None
    relays: list[_Relay] = []
    try:
        evaluator = LineEvaluator(files, memory_limit=memory_limit, level=min(level, 4), warm=0, spares=0)
        if _is_stream(0) and _is_stream(1):
            evaluator.connect(0, 1)
            _replace_by_null(0, 1)
        else:
            relays = _connect_by_relay(evaluator)
        evaluator.watch(evaluator.zygote, evaluator.on_zygote)
        while not evaluator.last_exit:
            evaluator.step()
        for relay in relays:
            relay.finish()
        return exit_status(evaluator.last_exit)
    except _Ended as ended:
        return 128 + ended.number
    finally:
        _ignore_signals()
        if evaluator is not None:
            evaluator.close()


def _is_stream(fd: int) -> bool:
    """Whether a sandbox can use it itself: a terminal belongs to our process group, a file cannot be polled."""
    try:
        mode = os.fstat(fd).st_mode
    except OSError as error:
        raise UsageError(f"standard {'input' if fd == 0 else 'output'} is closed: {error.strerror}") from None
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _replace_by_null(*fds: int) -> None:
    """So that the peer sees the end as soon as the sandbox ends."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in fds:
        os.dup2(null, fd)
    os.close(null)


class _Relay:
    """Copies one descriptor to another on a thread of its own."""

    def __init__(self, source: int, sink: socket.socket | int) -> None:
        import threading

        self._source = source
        self._sink = sink
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Waits until the source has ended."""
        self._thread.join()

    def _copy(self) -> None:
        sink = self._sink if isinstance(self._sink, int) else self._sink.fileno()
        try:
            while data := os.read(self._source, 1 << 16):
                view = memoryview(data)
                while view:
                    view = view[os.write(sink, view) :]
        except OSError:
            pass
        if not isinstance(self._sink, int):
            self._sink.shutdown(socket.SHUT_WR)


def _connect_by_relay(evaluator: LineEvaluator) -> list[_Relay]:
    input_end, sandbox_in = socket.socketpair()
    output_end, sandbox_out = socket.socketpair()
    with sandbox_in, sandbox_out:
        evaluator.connect(sandbox_in.fileno(), sandbox_out.fileno())
    _Relay(0, input_end)
    return [_Relay(output_end.detach(), 1)]


def _catch_signals() -> None:
    def end(number: int, frame: object) -> None:
        raise _Ended(number)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)


def _ignore_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
