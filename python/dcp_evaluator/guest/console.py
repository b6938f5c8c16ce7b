"""stdout, stderr, logging and warnings of the work function become console events of its slice."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warn"), (logging.INFO, "info"), (0, "debug"))
_MOST_BUFFERED = 1 << 16


class _Stream(io.TextIOBase):
    """Tells whole lines, as they are written."""

    def __init__(self, level: str, tell: Callable[[str, str], None]) -> None:
        self._level = level
        self._tell = tell
        self._rest = ""

    encoding = "utf-8"
    errors = "backslashreplace"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._rest += text
        if "\n" in text or len(self._rest) > _MOST_BUFFERED:
            lines, _, self._rest = self._rest.rpartition("\n")
            if not lines and len(self._rest) > _MOST_BUFFERED:
                lines, self._rest = self._rest, ""
            self._tell(self._level, lines)
        return len(text)

    def flush(self) -> None:
        """Not what is no whole line yet: ``print(..., end="", flush=True)`` goes on."""

    def finish(self) -> None:
        if self._rest:
            self._tell(self._level, self._rest)
            self._rest = ""


class _Handler(logging.Handler):
    """Records by their level."""

    def __init__(self, tell: Callable[[str, str], None], least: int) -> None:
        super().__init__(least)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._tell(next(name for level, name in _LEVELS if record.levelno >= level), self.format(record))
        except Exception:
            self.handleError(record)


_streams: list[_Stream] = []
_ORIGINALS = (
    (logging, "lastResort", logging.lastResort),
    (logging, "basicConfig", logging.basicConfig),
    (warnings, "showwarning", warnings.showwarning),
)


def install(tell: Callable[[str, str], None]) -> None:
    """From now on they go to ``tell``, which takes a level and a text."""
    _streams[:] = [_Stream("log", tell), _Stream("error", tell)]
    for name, stream in zip(("stdout", "stderr"), _streams, strict=True):
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    logging.lastResort = _Handler(tell, logging.WARNING)
    configure = logging.basicConfig

    def basic_config(**options: Any) -> None:
        """As Python's own, to the console where it would be to stderr."""
        if not options.keys() & {"filename", "handlers", "stream"}:
            options = {"format": "%(message)s", "handlers": [_Handler(tell, logging.NOTSET)], **options}
        configure(**options)

    def show(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        text = warnings.formatwarning(message, category, filename, lineno, line).rstrip("\n")
        tell("warn", text)

    logging.basicConfig = basic_config
    warnings.showwarning = show


def remove() -> None:
    """Logging and warnings go to ``sys.stderr`` again; the streams are the caller's to replace."""
    for module, name, original in _ORIGINALS:
        setattr(module, name, original)


def flush() -> None:
    """Tells what was written without an end of line."""
    for stream in _streams:
        stream.finish()
