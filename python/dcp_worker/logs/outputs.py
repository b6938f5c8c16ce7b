"""Where the lines of a worker go: the console, a log file, a system log."""

from __future__ import annotations

import contextlib
import queue
import shutil
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from ..configuration.run_options import RunOptions
from ..errors import ConfigurationError
from .syslog import SyslogSender

_WAITING_LINES: Final = 1000
_CLOSE_SECONDS: Final = 1.0
_NAMES: Final = {"debug": "debug", "info": "log", "warning": "warn", "error": "error"}
"""Of levels, in npm's log files."""


class Output:
    """Takes lines without holding anybody up: a thread writes them, and what does not fit in its queue is counted.

    ``name``: what messages call it when it cannot be written; without, nobody is told.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._is_failing = False
        self._lines: queue.Queue[tuple[str, str] | None] = queue.Queue(_WAITING_LINES)
        self._left_out = 0
        self._must_reopen = threading.Event()
        self._thread = threading.Thread(target=self._take, name="output", daemon=True)
        self._thread.start()

    def say(self, level: str, text: str) -> None:
        """``level``: debug, info, warning or error."""
        if self._left_out:
            text = f" ! {self._left_out} lines were left out, as nobody took them\n{text}"
        try:
            self._lines.put_nowait((level, text))
            self._left_out = 0
        except queue.Full:
            self._left_out += 1

    def reopen(self) -> None:
        """Before the next line, what is written to is opened anew."""
        self._must_reopen.set()

    def close(self) -> None:
        """Writes what waits, for at most a second."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=_CLOSE_SECONDS)
        self._thread.join(_CLOSE_SECONDS)

    def _take(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                if self._must_reopen.is_set():
                    self._must_reopen.clear()
                    self._open()
                self._write(*line)
                self._is_failing = False
            except (OSError, ValueError) as error:  # who reads has left, or the disk is full
                self._failed(error)
        with contextlib.suppress(OSError, ValueError):
            self._end()

    def _failed(self, error: Exception) -> None:
        """Tells the first of several failures in a row."""
        if self._name and not self._is_failing:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            message = f"dcp-worker: {self._name} cannot be written, lines are lost: {reason}"
            with contextlib.suppress(OSError, ValueError):
                print(message, file=sys.stderr, flush=True)
        self._is_failing = True

    def _open(self) -> None:
        """Anew."""

    def _write(self, level: str, text: str) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        """The last line is written."""


class ConsoleOutput(Output):
    """Warnings and errors go to ``errors``. On a terminal, ``show`` keeps a line below all others."""

    def __init__(self, output: TextIO, errors: TextIO) -> None:
        self._outputs = {"debug": output, "info": output, "warning": errors, "error": errors}
        self._terminal = output if output.isatty() and errors.isatty() else None
        self._shown = ""
        super().__init__()

    @property
    def is_terminal(self) -> bool:
        return self._terminal is not None

    def show(self, text: str) -> None:
        """Does nothing but on a terminal."""
        if self._terminal is not None:
            self._shown = text[: shutil.get_terminal_size().columns - 1]
            if self._lines.empty():
                self.say("status", "")

    def _write(self, level: str, text: str) -> None:
        if self._terminal is not None:
            self._terminal.write("\r\x1b[K")
        if level != "status":
            stream = self._outputs[level]
            stream.write(f"{text}\n")
            stream.flush()
        if self._terminal is not None:
            self._terminal.write(self._shown)
            self._terminal.flush()

    def _end(self) -> None:
        if self._terminal is not None:
            self._terminal.write("\r\x1b[K")
            self._terminal.flush()


class FileOutput(Output):
    """Appends ``TIME LEVEL TEXT`` to a file, which may be moved away: ``reopen`` makes a new one. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._open()
        super().__init__(f"the log file {path}")

    def _open(self) -> None:
        self._end()
        self._file = self._path.open("a", encoding="utf-8", errors="backslashreplace")

    def _write(self, level: str, text: str) -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            if self._file is None:
                self._open()
            assert self._file is not None
            for line in text.splitlines():
                self._file.write(f"{time} {_NAMES[level]} {line}\n")
            self._file.flush()
        except OSError:
            self._end()  # the next line tries again
            raise

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()


class SyslogOutput(Output):
    """One message a line."""

    def __init__(self, sender: SyslogSender) -> None:
        self._sender = sender
        super().__init__(f"the system log at {sender.place}")

    def _open(self) -> None:
        self._sender.close()

    def _write(self, level: str, text: str) -> None:
        for line in text.splitlines():
            self._sender.send(level, line)

    def _end(self) -> None:
        self._sender.close()


def open_output(options: RunOptions, name: str) -> Output:
    """The one that was chosen. ``name``: of the program. Raises ConfigurationError."""
    match options.output:
        case "logfile":
            try:
                return FileOutput(options.logfile)
            except OSError as error:
                raise ConfigurationError(
                    f"the log file {options.logfile} cannot be opened: {error.strerror}; choose another with --logfile"
                ) from None
        case "syslog":
            return SyslogOutput(SyslogSender(options.syslog, name))
        case "dashboard":
            raise ConfigurationError("this worker has no dashboard: -o console shows the same as lines")
        case "event-log":
            raise ConfigurationError("there is an event log on Windows only: say -o syslog or -o logfile")
    return ConsoleOutput(sys.stdout, sys.stderr)
