"""The console: lines for people, or JSON for programs."""

from __future__ import annotations

import shutil
from typing import TextIO

from .lines import Line
from .output import Output


class ConsoleOutput(Output):
    """Warnings and errors go to ``errors``. On a terminal, ``show`` keeps a line below all others."""

    def __init__(self, output: TextIO, errors: TextIO) -> None:
        self._outputs = {"debug": output, "info": output, "warning": errors, "error": errors}
        self._terminal = output if output.isatty() and errors.isatty() else None
        self._written = output
        self._shown = ""
        self._is_held = False
        super().__init__()

    @property
    def is_terminal(self) -> bool:
        return self._terminal is not None

    def show(self, text: str) -> None:
        """Does nothing but on a terminal."""
        if self._terminal is not None:
            self._shown = text[: shutil.get_terminal_size().columns - 1]
            if self._lines.empty():
                self.say(_STATUS)

    def hold(self) -> None:
        """Until ``release`` nothing is written: another program has the terminal. Lines of that time are lost."""
        self._is_held = True

    def release(self) -> None:
        self._is_held = False

    def _write(self, line: Line) -> None:
        if self._is_held:
            return
        if self._terminal is not None:
            self._write_to(self._terminal, "\r\x1b[K")
        if line is not _STATUS:
            self._write_to(self._outputs[line.level], f"{line.text}\n")
        if self._terminal is not None:
            self._write_to(self._terminal, self._shown)

    def _write_to(self, stream: TextIO, text: str) -> None:
        """Both may be the same file: what was written to the other one comes first."""
        if stream is not self._written:
            self._flush()
        self._written = stream
        stream.write(text)

    def _flush(self) -> None:
        self._written.flush()

    def _end(self) -> None:
        if self._terminal is not None and not self._is_held:
            self._terminal.write("\r\x1b[K")
            self._terminal.flush()


_STATUS = Line("info", "")
"""Stands in the queue for the line below all others."""


class JsonConsoleOutput(Output):
    """An object a line."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        super().__init__("standard output")

    def _write(self, line: Line) -> None:
        self._output.write(f"{line.as_json()}\n")

    def _flush(self) -> None:
        self._output.flush()
