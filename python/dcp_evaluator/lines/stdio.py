"""``dcp-evaluator FILE...``: one sandbox on standard input and output, as inetd and dcp-evaluator-manager use it."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
from collections.abc import Sequence

from ..errors import UsageError, reason_of
from ..gpu.options import GpuOptions
from ..net.streams import read_some, write_all
from ..service.journal import ERROR, WARNING
from ..settings.settings import Settings
from .evaluator import LineEvaluator
from .signals import Signals

_STDIN, _STDOUT = 0, 1


def serve_stdio(
    files: Sequence[str], settings: Settings, *, memory_limit: int | None, level: int, gpu: GpuOptions | None = None
) -> int:
    """Returns the sandbox's exit status. Raises UsageError, InstallationError, ZygoteError."""
    _require_open(_STDIN, "input")
    _require_open(_STDOUT, "output")
    with contextlib.ExitStack() as stack:
        level = min(level, WARNING)
        signals = Signals()
        stack.callback(signals.close)
        evaluator = LineEvaluator(
            files,
            settings,
            memory_limit=memory_limit,
            level=level,
            warm=0,
            spares=0,
            ahead=False,
            gpu=gpu,
            signals=signals,
        )
        stack.callback(evaluator.close)
        if not evaluator.wait_ready():
            return _status_of_signal(evaluator)
        output = _connect(evaluator)
        while (status := evaluator.last_exit) is None and evaluator.signal is None:
            evaluator.step()
        if status is None or evaluator.signal is not None:
            return _status_of_signal(evaluator)
        if output is not None and (error := output.join_copy()) is not None:
            evaluator.notice(ERROR, f"the output cannot be written: {reason_of(error)}")
            return 1
        if status.by_signal:
            evaluator.notice(ERROR, f"the sandbox was ended by {status}")
        return status.for_shells


def _status_of_signal(evaluator: LineEvaluator) -> int:
    return 128 + (evaluator.signal or 0)


def _require_open(fd: int, name: str) -> None:
    try:
        os.fstat(fd)
    except OSError:
        raise UsageError(f"standard {name} is closed; lines need it") from None


def _is_stream(fd: int) -> bool:
    """Whether a sandbox can use it itself: a terminal belongs to our process group, a file cannot be polled."""
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _connect(evaluator: LineEvaluator) -> _Copy | None:
    """Starts the sandbox. Returns the thread that copies its output, where there is one, to be joined."""
    with contextlib.ExitStack() as theirs:
        channel_in, channel_out, output = _STDIN, _STDOUT, None
        if not _is_stream(_STDIN):
            source, sandbox_in = socket.socketpair()
            channel_in = theirs.enter_context(sandbox_in).fileno()
            _Copy(_STDIN, source.detach(), close=1)
        if not _is_stream(_STDOUT):
            sink, sandbox_out = socket.socketpair()
            channel_out = theirs.enter_context(sandbox_out).fileno()
            output = _Copy(sink.detach(), _STDOUT, close=0)
        evaluator.connect(channel_in, channel_out)
    _let_go(_STDIN, _STDOUT)
    return output


class _Copy(threading.Thread):
    """Copies until either side ends; then closes its own end: the source (0) or the sink (1)."""

    def __init__(self, source: int, sink: int, *, close: int) -> None:
        super().__init__(daemon=True)
        self._source, self._sink, self._close = source, sink, close
        self._error: OSError | None = None
        self.start()

    def run(self) -> None:
        try:
            while data := read_some(self._source):
                write_all(self._sink, data)
        except OSError as error:
            self._error = error
        os.close((self._source, self._sink)[self._close])

    def join_copy(self) -> OSError | None:
        """Waits for the end. Returns why not all was copied, unless the reader has left."""
        self.join()
        return None if isinstance(self._error, ConnectionError) else self._error


def _let_go(*fds: int) -> None:
    """Leaves streams to the sandbox alone, so that the peer sees the end as soon as the sandbox ends."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in fds:
        if _is_stream(fd):
            os.dup2(null, fd)
    os.close(null)
