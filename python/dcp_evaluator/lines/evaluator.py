"""Sandboxes that speak DCP's line protocol; ``server`` and ``stdio`` give them their connections.

Python is not in the path of the data: a connection's descriptor goes to the zygote.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Protocol

from ..errors import DcpError, ZygoteError
from ..gpu.options import GpuOptions
from ..metrics.counters import Counters
from ..processes import notices
from ..processes.allowance import Allowance
from ..processes.exit_status import ExitStatus
from ..processes.zygote import Template, Zygote
from ..processes.zygote_messages import Exited, Message, Refused, Spawned, Use
from ..sandboxes.services import SandboxServices
from ..sandboxes.spawn import spawn_on
from ..service.journal import DEBUG, ERROR, INFO, NOTICE, WARNING
from ..settings.settings import Settings
from ..worktimes.line_python import description
from .python_ahead import PythonAhead
from .running import Running
from .signals import Signals

_WARNINGS_AT_ONCE, _WARNINGS_A_SECOND = 20, 0.1
_NOTHING = Use()
_TEMPLATE = 0  # in the place of a sandbox's number
_REMEDY = "a larger memory limit of sandboxes (--memory-limit) may help"


class Owner(Protocol):
    """Who is told what becomes of sandboxes, and of the evaluator. Called by ``LineEvaluator.step``."""

    def notice(self, level: int, text: str) -> None:
        """In place of stderr; ``level`` is syslog's."""

    def sandbox_started(self, number: int, pid: int) -> None: ...

    def sandbox_ended(self, number: int, reason: str) -> None: ...


class LineEvaluator:
    """A zygote with the start-up files loaded, its sandboxes, and the event loop over all of them.

    ``level``: up to which notices go to stderr. ``warm``: GPU hosts that wait. ``spares``: sandboxes that wait.
    ``signals``: the first of them becomes ``signal``; ``take_signal`` may take one for something else.
    ``ahead``: once a job has asked for Python, it is started ahead for others.
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
        ahead: bool = True,
        gpu: GpuOptions | None = None,
        signals: Signals | None = None,
        owner: Owner | None = None,
    ) -> None:
        """Raises InstallationError, ZygoteError."""
        self.signal: int | None = None
        self.take_signal: Callable[[int], bool] = lambda number: False
        self.last_exit: ExitStatus | None = None
        self.counters = Counters()
        self._level = level
        self._owner = owner
        self._warnings = Allowance(_WARNINGS_AT_ONCE, _WARNINGS_A_SECOND)
        self._warnings_left_out = 0
        self._selector = selectors.DefaultSelector()
        self._running: dict[int, Running] = {}
        self._make_zygote = partial(
            Zygote, "line", settings, files=files, memory_limit=memory_limit, spares=spares, numbers=count(1)
        )
        self._start_zygote = partial(self._make_zygote, template=self._template(ahead=False) if ahead else None)
        self._python = PythonAhead(self._start_python, self._watch_python, self.unwatch)
        self._signals = signals
        if self._signals is not None:
            self.watch(self._signals, self._on_signal)
        self._zygote = self._start_zygote()
        self._ready = False
        self.watch(self._zygote, self._on_zygote)
        self._services = SandboxServices(settings, warm, gpu, self.counters)
        self._services.on_shortage = self._on_shortage
        self._services.on_python = self._on_python_used

    @property
    def sandboxes(self) -> int:
        """How many have a connection."""
        return len(self._running)

    @property
    def running(self) -> list[Running]:
        """Those that have a connection."""
        return list(self._running.values())

    @property
    def zygote_pid(self) -> int:
        return self._zygote.pid

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
            notices.notice(text, level)

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

    def connect(self, channel_in: int, channel_out: int, peer: str = "") -> int:
        """A new sandbox on these descriptors, which stay the caller's. Returns its number.

        ``peer``: who is at the other end, for people. Raises OSError, ZygoteError.
        """
        number, service_socket = self._spawn(channel_in, channel_out)
        self._running[number] = Running(number, peer, service_socket, time.monotonic())
        self.counters.sandboxes_started += 1
        self.watch(service_socket, lambda: self._on_service(number))
        return number

    def restart(self) -> None:
        """Takes a new zygote after the old one has ended, and all sandboxes with it.

        Raises InstallationError, ZygoteError; then it may be called again.
        """
        self.unwatch(self._zygote)
        self._zygote.close()
        self.forget_all()
        self.counters.zygote_restarts += 1
        self._zygote = self._start_zygote()
        self._ready = False
        self.watch(self._zygote, self._on_zygote)

    def forget_all(self) -> None:
        """The sandboxes that have ended with the zygote, which has; those of Python's go on."""
        self._forget_lost([number for number in self._running if not self._python.has(number)])

    def _forget_lost(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._forget(number, "zygote_ended")
            self._tell_end(number, "its zygote has ended")

    def close(self) -> None:
        """Ends all processes."""
        self._zygote.close()
        self._python.close()
        self._services.close()
        for running in self._running.values():
            running.service_socket.close()
        self._selector.close()

    def _on_signal(self) -> None:
        assert self._signals is not None
        for number in self._signals.receive():
            if self.signal is None and not self.take_signal(number):
                self.signal = number

    def _on_zygote(self) -> None:
        if not self._ready:
            self._zygote.wait_ready()
            self._ready = True
        self._hear(self._zygote.receive())

    def _hear(self, messages: Sequence[Message]) -> None:
        for message in messages:
            match message:
                case Spawned(number, pid):
                    self._started(number, pid)
                case Refused(number, reason):
                    self.notice(ERROR, f"a sandbox cannot be made: {reason}")
                    self._ended(number, ExitStatus(1), "refused", f"it cannot be made: {reason}")
                case Exited(number, status, use):
                    self._ended(number, status, _how(status), use=use)

    # --- Python ahead ---

    def _template(self, *, ahead: bool) -> Template:
        return Template(description(ahead=ahead), lambda: self._services.compiler.connect(_TEMPLATE))

    def _start_python(self) -> Zygote:
        return self._make_zygote(template=self._template(ahead=True))

    def _watch_python(self, zygote: Zygote) -> None:
        self.watch(zygote, self._on_python)

    def _spawn(self, channel_in: int, channel_out: int) -> tuple[int, socket.socket]:
        self._python.rest()
        zygote = self._python.take()
        if zygote is not None:
            try:
                number, service_socket = spawn_on(zygote, channel_in, channel_out)
            except ZygoteError as error:
                self._python_ended(error)
            else:
                self._python.made(number)
                return number, service_socket
        return spawn_on(self._zygote, channel_in, channel_out)

    def _on_python_used(self, number: int) -> None:
        try:
            self._python.expect()
        except DcpError as error:
            self.notice(WARNING, f"Python is not started ahead of jobs: {error}")

    def _on_python(self) -> None:
        zygote = self._python.zygote
        if zygote is None:  # ended in the same turn
            return
        was_ready = zygote.is_ready
        try:
            self._hear(zygote.receive())
        except ZygoteError as error:
            self._python_ended(error)
        if zygote.is_ready and not was_ready:
            self.notice(INFO, "Python is started ahead of the next jobs")

    def _python_ended(self, error: ZygoteError) -> None:
        self._forget_lost(self._python.ended(str(error)))
        if self._python.failure:
            self.notice(WARNING, f"Python is not started ahead of jobs: {error}")
        else:
            self.notice(ERROR, f"{error}; the next job in Python starts it again")

    def _on_service(self, number: int) -> None:
        running = self._running.get(number)  # gone, where its sandbox ended in the same turn
        if running is not None and not self._services.answer(running.service_socket, number):
            self.unwatch(running.service_socket)
            running.service_socket.close()

    def _on_shortage(self, number: int) -> None:
        running = self._running.get(number)
        if running is not None and not running.was_short:
            running.was_short = True
            self.warn_of_peer(f"{running.name()} is out of memory: its job was refused some, or has ended; {_REMEDY}")

    def _started(self, number: int, pid: int) -> None:
        self.notice(DEBUG, f"sandbox {number} is process {pid}")
        self._services.admit(number, pid)
        if (running := self._running.get(number)) is not None:
            running.pid = pid
        if self._owner is not None:
            self._owner.sandbox_started(number, pid)

    def _ended(self, number: int, status: ExitStatus, how: str, reason: str = "", use: Use = _NOTHING) -> None:
        self.last_exit = status
        running = self._running.get(number)
        if running is not None:
            self._services.take_last_words(running.service_socket, number)
        gpu = self._forget(number, how, use)
        if status.is_other_protocol:
            self.warn_of_peer(f"a connection is closed: {status}")
        elif running is not None and not reason:
            level = NOTICE if status.by_signal or status.is_out_of_memory else INFO
            self.notice(level, running.told_end(status, time.monotonic(), use, gpu))
        self._tell_end(number, reason or str(status))

    def _tell_end(self, number: int, reason: str) -> None:
        if self._owner is not None:
            self._owner.sandbox_ended(number, reason)

    def _forget(self, number: int, how: str, use: Use = _NOTHING) -> float:
        """Counts it, and ends what served it. Returns the seconds that it had of the GPU."""
        gpu = self._services.release(number)
        if (running := self._running.pop(number, None)) is not None:
            self._python.forget(number)
            self.unwatch(running.service_socket)
            running.service_socket.close()
            lifetime = time.monotonic() - running.began
            self.counters.sandbox_ended(how, lifetime=lifetime, cpu=use.cpu, gpu=gpu, peak_memory=use.memory)
        return gpu


def _how(status: ExitStatus) -> str:
    """One of HOW_SANDBOXES_END."""
    if status.by_signal:
        return "killed"
    if status.is_out_of_memory:
        return "out_of_memory"
    if status.is_other_protocol:
        return "other_protocol"
    return "failed" if status.code else "closed"


_Watchable = socket.socket | Zygote | Signals
