"""``dcp-evaluator -p PORT FILE...``: every TCP connection gets a fresh sandbox."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Sequence

from ..errors import ZygoteError, reason_of
from ..gpu.options import GpuOptions
from ..metrics.address import MetricsAddress
from ..net.listener import ACCEPT_PAUSE, accept_waiting, address_name, listen, peer_name, prepare_connection
from ..processes.terminal import has_terminal
from ..processes.zygote import DEFAULT_MEMORY
from ..service.activation import activated_listeners
from ..service.journal import ERROR, NOTICE, WARNING
from ..service.manager import ServiceManager
from ..settings.settings import Settings
from .beat import Beat
from .evaluator import LineEvaluator
from .observation import StatusSockets, serve_metrics
from .signals import ENDING, Signals
from .status import Serving

_MEMORY_OF_A_SANDBOX = 32 << 20  # most use less
_FEW_CPUS = 16
_SANDBOXES_OF_A_CPU = 16  # each with a connection, and most of them waiting
_SHORTEST_LIFE = 1.0  # seconds; a zygote that ends earlier is not replaced


def serve_tcp(
    files: Sequence[str],
    settings: Settings,
    address: str,
    port: int,
    *,
    memory_limit: int | None,
    most: int | None,
    peer_timeout: int,
    level: int,
    gpu: GpuOptions | None,
    metrics: MetricsAddress | None = None,
) -> int:
    """Serves until a signal ends it, or the last sandbox after SIGUSR1, on the sockets of a service manager if it has
    handed some over. Returns the exit status. Raises UsageError, InstallationError, ZygoteError.

    ``most``: how many sandboxes there may be at a time; None for as many as this machine bears. ``peer_timeout``:
    seconds after which a peer that gives no sign of life counts as gone. ``metrics``: where they are served.
    """
    reason = "as many as --max-sandboxes allows"
    if most is None:
        most = sandboxes_of_machine(settings, memory_limit)
        reason = "as many as this machine bears; --max-sandboxes may allow more"
    manager = ServiceManager.of_environment()
    listeners = activated_listeners() or listen(address, port)
    with contextlib.ExitStack() as stack:
        stack.callback(manager.close)
        for listener in listeners:
            stack.enter_context(listener)
        signals = Signals((*ENDING, signal.SIGUSR1))
        stack.callback(signals.close)
        evaluator = LineEvaluator(
            files, settings, memory_limit=memory_limit, level=level, warm=1, spares=None, gpu=gpu, signals=signals
        )
        stack.callback(evaluator.close)
        if metrics is not None:
            serve_metrics(evaluator, most, metrics, stack)
        status = StatusSockets(evaluator, Serving(_addresses(listeners), most, settings))
        stack.callback(status.close)
        _Server(evaluator, listeners, most, reason, peer_timeout, manager, status).run()
        manager.stopping("Ends")
    return 0


def _addresses(listeners: Sequence[socket.socket]) -> tuple[str, ...]:
    return tuple(address_name(*listener.getsockname()[:2]) for listener in listeners)


def sandboxes_of_machine(settings: Settings, memory_limit: int | None) -> int:
    """How many there may be at a time, by memory and CPUs, where nobody has said.

    Memory limits count where somebody has set the sum; DCP's programs set large ones.
    """
    cpus = max(_FEW_CPUS, len(os.sched_getaffinity(0)))
    of_each = memory_limit or min(DEFAULT_MEMORY, settings.max_memory)
    room = settings.max_memory // (of_each if settings.max_memory_given else _MEMORY_OF_A_SANDBOX)
    return max(1, min(room, _SANDBOXES_OF_A_CPU * cpus))


class _Server:
    def __init__(
        self,
        evaluator: LineEvaluator,
        listeners: Sequence[socket.socket],
        most: int,
        reason: str,
        peer_timeout: int,
        manager: ServiceManager,
        status: StatusSockets,
    ) -> None:
        self._status = status
        self._most = most
        self._reason = reason
        self._peer_timeout = peer_timeout
        self._evaluator = evaluator
        self._evaluator.take_signal = self._take_signal
        self._listeners = listeners
        self._has_terminal = has_terminal()
        self._is_draining = False
        self._paused_until: float | None = None
        self._ready_since = 0.0
        self._beat = Beat(manager, self.describe)

    def run(self) -> None:
        if not self._wait_ready():
            return
        for listener in self._listeners:
            host, port = listener.getsockname()[:2]
            self._evaluator.notice(NOTICE, f"listening on {host} port {port}")
        self._resume()
        self._beat.begin()
        while not self._is_done():
            try:
                self._step()
            except ZygoteError as error:
                self._replace_zygote(error)
        if self._evaluator.signal is not None:
            name = signal.Signals(self._evaluator.signal).name
            self._evaluator.notice(NOTICE, f"{name}: it ends, with {self._sandboxes()}")

    def describe(self) -> str:
        """How it goes, in one line."""
        served = self._evaluator.counters.sandboxes_started - self._evaluator.sandboxes
        return f"{'Drains' if self._is_draining else 'Ready'}: {self._sandboxes()} of {self._most}, {served} have ended"

    def _sandboxes(self) -> str:
        count = self._evaluator.sandboxes
        return f"{count} sandbox{'' if count == 1 else 'es'}"

    def _is_done(self) -> bool:
        return self._evaluator.signal is not None or (self._is_draining and self._evaluator.sandboxes == 0)

    def _step(self) -> None:
        wait = self._beat.turn()
        if self._paused_until is not None:
            left = self._paused_until - time.monotonic()
            if left <= 0:
                return self._resume()
            wait = left if wait is None else min(left, wait)
        return self._evaluator.step(wait)

    def _take_signal(self, number: int) -> bool:
        """Whether the evaluator goes on."""
        if number == signal.SIGUSR1:
            self._drain()
            return True
        if number == signal.SIGHUP and not self._has_terminal:
            self._evaluator.notice(
                NOTICE, "SIGHUP: nothing is read anew; SIGUSR1 ends it with its last sandbox, SIGTERM at once"
            )
            return True
        return False

    def _drain(self) -> None:
        """No new connection; another evaluator may listen on the port at once."""
        if self._is_draining:
            return
        self._is_draining = True
        self._pause()
        self._paused_until = None
        for listener in self._listeners:
            accept_waiting(listener, self._serve, self._warn)
            listener.close()
        self._listeners = ()
        self._status.close()
        self._evaluator.notice(NOTICE, f"SIGUSR1: no more connections; {self._sandboxes()} left, then it ends")

    def _wait_ready(self) -> bool:
        ready = self._evaluator.wait_ready()
        self._ready_since = time.monotonic()
        return ready

    def _replace_zygote(self, error: ZygoteError) -> None:
        """All sandboxes have ended with it; their peers see the end of the connection."""
        if self._is_draining:
            self._evaluator.notice(ERROR, str(error))
            return self._evaluator.forget_all()
        if time.monotonic() - self._ready_since < _SHORTEST_LIFE:
            raise error
        self._evaluator.notice(ERROR, f"{error}; starting it again")
        self._evaluator.restart()
        self._wait_ready()
        return None

    def _resume(self) -> None:
        self._paused_until = None
        for listener in self._listeners:
            self._evaluator.watch(listener, lambda listener=listener: self._accept(listener))  # type: ignore[misc]

    def _pause(self) -> None:
        self._paused_until = time.monotonic() + ACCEPT_PAUSE
        for listener in self._listeners:
            self._evaluator.unwatch(listener)

    def _accept(self, listener: socket.socket) -> None:
        if not self._is_draining and not accept_waiting(listener, self._serve, self._warn):
            self._pause()

    def _warn(self, text: str) -> None:
        self._evaluator.notice(WARNING, text)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            self._connect(connection)

    def _connect(self, connection: socket.socket) -> None:
        if self._evaluator.sandboxes >= self._most:
            return self._refuse(connection, f"{self._most} sandboxes run, {self._reason}")
        try:
            prepare_connection(connection, self._peer_timeout)
            self._evaluator.connect(connection.fileno(), connection.fileno(), peer_name(connection))
        except OSError as error:
            self._evaluator.notice(ERROR, f"a connection cannot be served: {reason_of(error)}")
        return None

    def _refuse(self, connection: socket.socket, reason: str) -> None:
        self._evaluator.counters.connections_refused += 1
        self._evaluator.warn_of_peer(f"a connection is refused: {reason}")
        with contextlib.suppress(OSError):  # the peer has left
            connection.send(f"DIE: {reason}\n".encode(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
