"""Lines of a worker's log, and which of them are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error")
_SHOWN_LEVELS: Final = {"debug": "all", "info": "information", "warning": "warnings", "error": "errors"}


@dataclass(frozen=True, slots=True)
class Line:
    """``number`` grows from line to line; ``time``: Unix seconds; ``level``: one of LEVELS."""

    number: int
    time: float
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Filter:
    """``level``: the least that is shown. ``text``: what must be in a line, whatever the case."""

    level: str = "info"
    text: str = ""

    def passes(self, line: Line) -> bool:
        level = LEVELS.index(line.level) if line.level in LEVELS else 0
        return level >= LEVELS.index(self.level) and self.text.casefold() in line.text.casefold()

    def next_level(self) -> Filter:
        return replace(self, level=LEVELS[(LEVELS.index(self.level) + 1) % len(LEVELS)])

    def with_text(self, text: str) -> Filter:
        return replace(self, text=text.strip())

    def describe(self) -> str:
        words = _SHOWN_LEVELS[self.level]
        words += "" if self.level in ("debug", "error") else " and worse"
        return f"{words} with “{self.text}”" if self.text else words
