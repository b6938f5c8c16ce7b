"""Log files, which are set aside when they are large."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from .lines import Line
from .output import Output, tell

_NAMES: Final = {"debug": "debug", "info": "log", "warning": "warn", "error": "error"}
"""Of levels, in npm's log files."""


def as_text(line: Line) -> str:
    """``TIME LEVEL TEXT``, as often as the text has lines."""
    return "".join(f"{line.stamp} {_NAMES[line.level]} {text}\n" for text in line.text.splitlines())


def as_json(line: Line) -> str:
    return f"{line.as_json()}\n"


class FileOutput(Output):
    """Appends to a file, which may be moved away: ``reopen`` makes a new one. Raises OSError.

    A file that would have more than ``most`` bytes (0: any number) becomes ``PATH.1``, that one ``PATH.2``, and so on
    up to ``keep``.
    """

    def __init__(self, path: Path, form: Callable[[Line], str] = as_text, *, most: int = 0, keep: int = 0) -> None:
        self._path = path
        self._form = form
        self._step = self._most = most
        self._keep = keep
        self._file: BinaryIO | None = None
        self._is_cut = False  # the disk was full before the end of a line
        self._open()
        super().__init__(f"the log file {path}")

    def _open(self) -> None:
        self._end()
        # A pipe that nobody reads would hold up who opens it, until somebody does.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
        os.set_blocking(descriptor, True)
        self._file = open(descriptor, "ab", buffering=0)  # noqa: PTH123, SIM115
        self._most = self._step

    def _write(self, line: Line) -> None:
        data = self._form(line).encode(errors="backslashreplace")
        try:
            file = self._opened()
            if self._most and (size := os.fstat(file.fileno()).st_size) and size + len(data) > self._most:
                file = self._set_aside(size)
            view = memoryview(b"\n" + data if self._is_cut else data)
            while view:
                view = view[file.write(view) :]
                self._is_cut = bool(view)
        except OSError:
            self._end()  # the next line tries again
            raise

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._open()
        assert self._file is not None
        return self._file

    def _set_aside(self, size: int) -> BinaryIO:
        """The file that takes its place. Raises OSError where there can be none."""
        try:
            for number in range(self._keep - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    self._older(number).replace(self._older(number + 1))
            if self._keep:
                self._path.replace(self._older(1))
            else:
                os.truncate(self._path, 0)
        except OSError as error:
            if self._most == self._step:
                tell(f"the log file {self._path} cannot be set aside, and grows: {error.strerror}")
            self._most = size + self._step
            return self._opened()
        self._is_cut = False
        self._open()
        return self._opened()

    def _older(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
