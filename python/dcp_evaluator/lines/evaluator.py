"""Sandboxes that speak DCP's line protocol; ``server`` and ``stdio`` give them their connections.

Python is not in the path of the data: a connection's descriptor goes to the zygote.
"""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from ..gpu.options import GpuOptions
from ..metrics.counters import Counters
from ..processes.allowance import Allowance
from ..processes.exit_status import ExitStatus
from ..processes.zygote import Zygote
from ..processes.zygote_messages import Exited, Refused, Spawned
from ..sandboxes.services import SandboxServices
from ..sandboxes.spawn import spawn_on
from ..settings.settings import Settings

ERROR, WARNING, NOTICE, INFO, DEBUG = 3, 4, 5, 6, 7
"""Levels of notices, syslog's."""

_WARNINGS_AT_ONCE, _WARNINGS_A_SECOND = 20, 0.1


class Owner(Protocol):
    """Who is told what becomes of sandboxes, and of the evaluator. Called by ``LineEvaluator.step``."""

    def notice(self, level: int, text: str) -> None:
        """In place of stderr; ``level`` is one of those above."""

    def sandbox_started(self, number: int, pid: int) -> None: ...

    def sandbox_ended(self, number: int, reason: str) -> None: ...


class LineEvaluator:
    """A zygote with the start-up files loaded, its sandboxes, and the event loop over all of them.

    ``level``: up to which notices go to stderr. ``warm``: GPU hosts that wait. ``spares``: sandboxes that wait.
    ``take_signals``: SIGINT, SIGTERM and SIGHUP become ``signal``; only on the main thread of a program.
    """

    def __init__(
        self,
        files: Sequence[str],
        settings: Settings,
        *,
        memory_limit: int | None,
        level: int,
        warm: int,
        spares: int | None,
        gpu: GpuOptions | None = None,
        take_signals: bool = True,
        owner: Owner | None = None,
    ) -> None:
        """Raises InstallationError, ZygoteError."""
        self.signal: int | None = None
        self.last_exit: ExitStatus | None = None
        self.counters = Counters()
        self._level = level
        self._owner = owner
        self._warnings = Allowance(_WARNINGS_AT_ONCE, _WARNINGS_A_SECOND)
        self._warnings_left_out = 0
        self._selector = selectors.DefaultSelector()
        self._service_sockets: dict[int, socket.socket] = {}
        self._began: dict[int, float] = {}
        self._start_zygote = partial(Zygote, "line", settings, files=files, memory_limit=memory_limit, spares=spares)
        self._signals = _Signals() if take_signals else None
        if self._signals is not None:
            self.watch(self._signals, self._on_signal)
        self._zygote = self._start_zygote()
        self._ready = False
        self.watch(self._zygote, self._on_zygote)
        self._services = SandboxServices(settings, warm, gpu, self.counters)

    @property
    def sandboxes(self) -> int:
        """How many have a connection."""
        return len(self._service_sockets)

    @property
    def is_ready(self) -> bool:
        """Whether the start-up files are loaded; ``connect`` waits for that."""
        return self._ready

    def notice(self, level: int, text: str) -> None:
        if level > self._level:
            return
        if self._owner is not None:
            self._owner.notice(level, text)
        else:
            print(f"dcp-evaluator: {text}", file=sys.stderr, flush=True)

    def warn_of_peer(self, text: str) -> None:
        """A notice that peers can cause as often as they like: only so many of them are written."""
        if not self._warnings.take(1):
            self._warnings_left_out += 1
            return
        if self._warnings_left_out:
            text += f" ({self._warnings_left_out} such notices before this one were left out)"
        self._warnings_left_out = 0
        self.notice(WARNING, text)

    def watch(self, stream: _Watchable, callback: Callable[[], None]) -> None:
        self._selector.register(stream, selectors.EVENT_READ, callback)

    def unwatch(self, stream: _Watchable) -> None:
        with contextlib.suppress(KeyError, ValueError):  # ValueError: it is closed
            self._selector.unregister(stream)

    def step(self, timeout: float | None = None) -> None:
        """Waits for something to happen and handles it. Raises ZygoteError when the zygote has ended."""
        for key, _ in self._selector.select(timeout):
            key.data()

    def wait_ready(self) -> bool:
        """Waits until the start-up files are loaded; False when a signal came first. Raises ZygoteError."""
        while not self._ready and self.signal is None:
            self.step()
        return self._ready

    def connect(self, channel_in: int, channel_out: int) -> int:
        """A new sandbox on these descriptors, which stay the caller's. Returns its number.

        Raises OSError, ZygoteError.
        """
        number, service_socket = spawn_on(self._zygote, channel_in, channel_out)
        self._service_sockets[number] = service_socket
        self._began[number] = time.monotonic()
        self.counters.sandboxes_started += 1
        self.watch(service_socket, lambda: self._on_service(number))
        return number

    def restart(self) -> None:
        """Takes a new zygote after the old one has ended, and all sandboxes with it.

        Raises InstallationError, ZygoteError; then it may be called again.
        """
        self.unwatch(self._zygote)
        self._zygote.close()
        for number in list(self._service_sockets):
            self._tell_end(number, "its zygote has ended")
            self._count_end(number, "zygote_ended")
            self._forget(number)
        self.counters.zygote_restarts += 1
        self._zygote = self._start_zygote()
        self._ready = False
        self.watch(self._zygote, self._on_zygote)

    def close(self) -> None:
        """Ends all processes."""
        self._zygote.close()
        self._services.close()
        for service_socket in self._service_sockets.values():
            service_socket.close()
        self._selector.close()
        if self._signals is not None:
            self._signals.close()

    def _on_signal(self) -> None:
        assert self._signals is not None
        self.signal = self._signals.receive()

    def _on_zygote(self) -> None:
        if not self._ready:
            self._zygote.wait_ready()
            self._ready = True
        for message in self._zygote.receive():
            match message:
                case Spawned(number, pid):
                    self.notice(DEBUG, f"sandbox {number} is process {pid}")
                    self._services.admit(number, pid)
                    if self._owner is not None:
                        self._owner.sandbox_started(number, pid)
                case Refused(number, reason):
                    self.notice(ERROR, f"a sandbox cannot be made: {reason}")
                    self._ended(number, ExitStatus(1), "refused", f"it cannot be made: {reason}")
                case Exited(number, status) if status.is_other_protocol:
                    self.warn_of_peer(f"a connection is closed: {status}")
                    self._ended(number, status, "other_protocol")
                case Exited(number, status):
                    self.notice(NOTICE if status.by_signal else INFO, f"sandbox {number} ended ({status})")
                    self._ended(number, status, _how(status))

    def _on_service(self, number: int) -> None:
        service_socket = self._service_sockets.get(number)  # gone, where its sandbox ended in the same turn
        if service_socket is not None and not self._services.answer(service_socket, number):
            self.unwatch(service_socket)
            service_socket.close()

    def _ended(self, number: int, status: ExitStatus, how: str, reason: str = "") -> None:
        self.last_exit = status
        self._count_end(number, how)
        self._tell_end(number, reason or str(status))
        self._forget(number)

    def _count_end(self, number: int, how: str) -> None:
        if (began := self._began.pop(number, None)) is not None:
            self.counters.sandbox_ended(how, lifetime=time.monotonic() - began)

    def _tell_end(self, number: int, reason: str) -> None:
        if self._owner is not None:
            self._owner.sandbox_ended(number, reason)

    def _forget(self, number: int) -> None:
        service_socket = self._service_sockets.pop(number, None)
        if service_socket is not None:
            self.unwatch(service_socket)
            service_socket.close()
        self._services.release(number)


def _how(status: ExitStatus) -> str:
    """One of HOW_SANDBOXES_END."""
    if status.by_signal:
        return "killed"
    if status.is_out_of_memory:
        return "out_of_memory"
    return "failed" if status.code else "closed"


class _Signals:
    """SIGINT, SIGTERM and SIGHUP as input for a selector: they interrupt nothing. Ignored ones stay ignored."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda number, frame: None)

    def fileno(self) -> int:
        return self._read.fileno()

    def receive(self) -> int | None:
        """The number of the first signal that has come. Others (SIGCHLD, say) have no handler and send nothing."""
        try:
            return self._read.recv(64)[0]
        except BlockingIOError:
            return None

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        self._read.close()
        self._write.close()


_Watchable = socket.socket | Zygote | _Signals
