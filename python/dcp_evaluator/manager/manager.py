"""Takes connections while the machine is free, and ends the evaluators when it is not."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Sequence

from ..activity.monitor import Monitor
from ..errors import DcpError, reason_of
from ..net.listener import ACCEPT_PAUSE, accept_waiting, prepare_connection
from ..processes.exit_status import ExitStatus
from ..start.evaluator_command import EvaluatorCommand
from .evaluators import Evaluators
from .limits import Limits

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Manager:
    """``only_limits``: activity refuses and ends nothing, but only while there is some do the limits count."""

    def __init__(
        self,
        command: EvaluatorCommand,
        limits: Limits,
        *,
        only_limits: bool,
        peer_timeout: int,
        verbose: bool,
    ) -> None:
        self._command = command
        self._monitors: Sequence[Monitor] = ()
        self._limits = limits
        self._only_limits = only_limits
        self._peer_timeout = peer_timeout
        self._verbose = verbose
        self._told: bool | None = None
        self._evaluators: Evaluators
        self._end: asyncio.Future[None]

    async def run(self, listeners: Sequence[socket.socket], monitors: Sequence[Monitor]) -> None:
        """Until a signal ends it. Raises MonitorError."""
        self._monitors = monitors
        loop = asyncio.get_running_loop()
        self._end = loop.create_future()
        self._evaluators = Evaluators(self._command, self._ended)
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._stop)
        with contextlib.ExitStack() as stack:
            stack.callback(self._evaluators.close)
            for monitor in self._monitors:
                stack.callback(monitor.close)
                await monitor.start(self)
            for listener in listeners:
                host, port = listener.getsockname()[:2]
                self.notice(f"listening on {host} port {port}")
                stack.callback(loop.remove_reader, listener)
                self._listen(listener)
            self._tell_activity()
            await self._end

    # What monitors call (activity.monitor.Host), and the operator's signal.

    def changed(self) -> None:
        if self._tell_activity() and not self._only_limits:
            self._kill("")

    def kill_evaluators(self, reason: str) -> None:
        self._kill(f"{reason}; ")

    def notice(self, text: str) -> None:
        print(f"dcp-evaluator-manager: {text}", file=sys.stderr, flush=True)

    def failed(self, error: DcpError) -> None:
        if not self._end.done():
            self._end.set_exception(error)

    # Activity

    def _activity(self) -> str:
        return ", ".join(activity for monitor in self._monitors if (activity := monitor.activity()))

    def _tell_activity(self) -> str:
        """Where it begins or ends."""
        activity = self._activity()
        if bool(activity) != self._told:
            self._told = bool(activity)
            self.notice(f"in use: {activity}" if activity else "free")
        return activity

    def _kill(self, reason: str) -> None:
        if count := self._evaluators.kill_all():
            self.notice(f"{reason}ended {count} evaluator{'s' if count > 1 else ''}")

    def _stop(self) -> None:
        if not self._end.done():
            self._end.set_result(None)

    # Connections

    def _listen(self, listener: socket.socket) -> None:
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        if not accept_waiting(listener, self._serve, self.notice):
            self._pause(listener)

    def _pause(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        loop.call_later(ACCEPT_PAUSE, self._listen, listener)

    def _serve(self, connection: socket.socket) -> None:
        if reason := self._refusal():
            connection.close()
            self._detail(f"refused a connection: {reason}")
            return
        try:
            prepare_connection(connection, self._peer_timeout)
            number = self._evaluators.start(connection)
        except OSError as error:
            self.notice(f"an evaluator cannot be started: {reason_of(error)}")
            return
        self._limits.taken()
        self._detail(f"evaluator {number} has started")

    def _refusal(self) -> str:
        activity = self._activity()
        if activity and not self._only_limits:
            return f"in use: {activity}"
        return self._limits.refusal() if activity or not self._only_limits else ""

    def _ended(self, number: int, status: int) -> None:
        self._detail(f"evaluator {number} has ended ({ExitStatus(status)})")

    def _detail(self, text: str) -> None:
        if self._verbose:
            self.notice(text)
