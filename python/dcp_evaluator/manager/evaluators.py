"""The evaluators that run: a process for each connection, which is its standard input and output, as inetd does it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from ..start.evaluator_command import EvaluatorCommand

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl


@dataclass
class _Evaluator:
    number: int
    process: subprocess.Popen[bytes]
    connection: socket.socket
    pidfd: int
    killed: bool = False


class Evaluators:
    """No data goes through this process; it only waits until a peer has left, or an evaluator has ended.

    ``ended`` is called with the number and the exit status of one that has ended.
    """

    def __init__(self, command: EvaluatorCommand, ended: Callable[[int, int], None]) -> None:
        self._command = command
        self._ended = ended
        self._started = 0
        self._running: dict[int, _Evaluator] = {}  # by the descriptor of the connection
        self._peers = select.epoll()  # tells of ends only, so that data wakes nobody here
        asyncio.get_running_loop().add_reader(self._peers.fileno(), self._on_peers)

    def __len__(self) -> int:
        return len(self._running)

    def start(self, connection: socket.socket) -> int:
        """Takes the connection over. Returns the number of its evaluator. Raises OSError when it cannot be started."""
        with contextlib.ExitStack() as undo:
            undo.callback(connection.close)
            process = self._spawn(connection)
            undo.callback(process.wait)
            undo.callback(process.kill)
            pidfd = os.pidfd_open(process.pid)
            undo.pop_all()
        self._started += 1
        evaluator = _Evaluator(self._started, process, connection, pidfd)
        self._running[connection.fileno()] = evaluator
        self._peers.register(connection.fileno(), select.EPOLLRDHUP | select.EPOLLONESHOT)
        asyncio.get_running_loop().add_reader(evaluator.pidfd, self._on_exit, evaluator)
        return evaluator.number

    def kill_all(self) -> int:
        """SIGKILL to all of them. Returns how many it ends; ``ended`` follows for each."""
        running = [evaluator for evaluator in self._running.values() if not evaluator.killed]
        for evaluator in running:
            _kill(evaluator)
        return len(running)

    def close(self) -> None:
        """Kills them and waits until they have ended."""
        self.kill_all()
        for evaluator in list(self._running.values()):
            self._forget(evaluator)
        asyncio.get_running_loop().remove_reader(self._peers.fileno())
        self._peers.close()

    def _spawn(self, connection: socket.socket) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command.argv,
            executable=self._command.evaluator,
            stdin=connection.fileno(),
            stdout=connection.fileno(),
            cwd=self._command.folder,
            env={**os.environ, **self._command.environment},
            process_group=0,  # so that all that it starts can be killed
            preexec_fn=_die_with_parent,  # noqa: PLW1509  this process has one thread
        )

    def _on_peers(self) -> None:
        """The peer sends nothing more: like inetd's, its evaluator is no longer of use."""
        for descriptor, _ in self._peers.poll(0):
            _kill(self._running[descriptor])

    def _on_exit(self, evaluator: _Evaluator) -> None:
        status = self._forget(evaluator)
        self._ended(evaluator.number, status)

    def _forget(self, evaluator: _Evaluator) -> int:
        """What the evaluator has started and left is ended before its process group may be another's."""
        _kill(evaluator)
        status = evaluator.process.wait()
        asyncio.get_running_loop().remove_reader(evaluator.pidfd)
        os.close(evaluator.pidfd)
        self._peers.unregister(evaluator.connection.fileno())
        del self._running[evaluator.connection.fileno()]
        with contextlib.suppress(OSError):
            evaluator.connection.shutdown(socket.SHUT_RDWR)
        evaluator.connection.close()
        return status


def _kill(evaluator: _Evaluator) -> None:
    evaluator.killed = True
    with contextlib.suppress(ProcessLookupError):
        os.killpg(evaluator.process.pid, signal.SIGKILL)


def _die_with_parent() -> None:
    """Without the manager nobody would end the evaluator when the user comes back."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
