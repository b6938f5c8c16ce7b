"""The last lines of a worker's log, for those who ask by the control socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

Level = Literal["debug", "info", "warning", "error"]
KEPT: Final = 1000
_ORDER: Final[dict[str, int]] = {"debug": 0, "info": 1, "warning": 2, "error": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """``time``: Unix seconds. What it is about, where it is about that: ``job`` (its id), ``slice``, ``sandbox``."""

    time: float
    level: Level
    text: str
    job: str = ""
    slice: int | None = None
    sandbox: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """``left_out``: so many lines before these, which came faster than they were read."""

    lines: tuple[LogLine, ...]
    left_out: int = 0


class RecentLog:
    """Keeps the last lines, and passes each to all that listen."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=KEPT)
        self._listeners: list[Callable[[LogLine], None]] = []

    def add(self, line: LogLine) -> None:
        line = replace(line, text=_encodable(line.text), job=_encodable(line.job))
        self._lines.append(line)
        for listener in self._listeners:
            listener(line)

    def last(self, count: int, level: Level = "debug") -> tuple[LogLine, ...]:
        """Oldest first; of this level and above."""
        found = [line for line in self._lines if is_at_least(line, level)]
        return tuple(found[len(found) - min(count, len(found)) :])

    def listen(self, listener: Callable[[LogLine], None]) -> Callable[[], None]:
        """What is returned ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)


def _encodable(text: str) -> str:
    """What a scheduler sends may have halves of surrogate pairs, which no JSON has."""
    return text.encode("utf-8", "replace").decode("utf-8")


def is_at_least(line: LogLine, level: Level) -> bool:
    return _ORDER[line.level] >= _ORDER[level]


class LogQueue:
    """Lines for one reader, between two moments at which it is told."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self._lines: deque[LogLine] = deque()
        self._left_out = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, line: LogLine) -> None:
        if not is_at_least(line, self._level):
            return
        if len(self._lines) == KEPT:
            self._lines.popleft()
            self._left_out += 1
        self._lines.append(line)

    def take(self) -> LogLines:
        taken = LogLines(lines=tuple(self._lines), left_out=self._left_out)
        self._lines.clear()
        self._left_out = 0
        return taken
