"""One line of a log, before an output gives it a form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..configuration.log_settings import LEVELS

_SHOWN_OF_A_TEXT = 200


@dataclass(frozen=True, slots=True)
class Line:
    """``level``: one of LEVELS. ``job``: its identity; ``slice`` and ``sandbox``: their numbers, where it tells of one.

    ``detail``: how often -v is to be said for outputs of the level info to have it. Of ``text`` one output may make
    several lines.
    """

    level: str
    text: str
    job: str = ""
    slice: int | None = None
    sandbox: int | None = None
    detail: int = 0
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def stamp(self) -> str:
        """ISO 8601, to the millisecond."""
        return self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def subjects(self) -> Iterator[tuple[str, str | int]]:
        """Of whom it tells, by name."""
        for name, value in (("job", self.job or None), ("slice", self.slice), ("sandbox", self.sandbox)):
            if value is not None:
                yield name, value

    def as_json(self) -> str:
        members = {"time": self.stamp, "level": self.level, "message": self.text.strip(), **dict(self.subjects())}
        return json.dumps(members)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Which lines an output takes: from ``level`` on; debug is all, info what ``verbosity`` asks for."""

    level: str = "info"
    verbosity: int = 0

    def takes(self, line: Line) -> bool:
        if self.level == "info":
            return line.detail <= self.verbosity
        return LEVELS.index(line.level) >= LEVELS.index(self.level)


EVERYTHING = Threshold("debug")


def plain(text: str, longest: int = _SHOWN_OF_A_TEXT) -> str:
    """What others have written, without what a terminal would obey."""
    text = text[:longest]
    if text.isprintable():  # as nearly all are
        return text
    return "".join(character if character.isprintable() else "�" for character in text)
