"""Hours of the week, as owners write them: ``Mon-Fri 18:00-08:00``, ``Sat,Sun``, ``22:00-06:00``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_ENTRY: Final = re.compile(r"(?P<days>[a-z][a-z, -]*?)?\s*(?:(?P<begin>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d))?", re.I)


@dataclass(frozen=True, slots=True)
class Hours:
    """``spans``: beginnings and ends, as minutes since Monday, 00:00; an end may lie in the next week."""

    spans: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Hours:
        """Hours that go on past midnight belong to the day on which they begin. Raises ValueError."""
        return cls(tuple(span for entry in entries for span in _spans(entry)))

    def hold(self, time: datetime) -> bool:
        """``time``: of the clock on the wall."""
        return any((self._minute(time) - begin) % _WEEK < end - begin for begin, end in self.spans)

    def next_begin(self, time: datetime) -> datetime | None:
        """When they hold next, while they do not; None for never."""
        minute = self._minute(time)
        waits = [(begin - minute) % _WEEK for begin, _ in self.spans]
        return time.replace(second=0, microsecond=0) + timedelta(minutes=min(waits)) if waits else None

    @staticmethod
    def _minute(time: datetime) -> int:
        return time.weekday() * _DAY + time.hour * 60 + time.minute


def _spans(entry: str) -> list[tuple[int, int]]:
    found = _ENTRY.fullmatch(entry.strip())
    if not found or not entry.strip():
        raise ValueError(f"{entry!r} is no hours of the week")
    begin, end = (_minutes(found[name], entry) for name in ("begin", "end"))
    if begin is None or end is None:
        begin, end = 0, _DAY
    length = (end - begin) % _DAY or _DAY
    days = _days(found["days"], entry) if found["days"] else range(7)
    return [(day * _DAY + begin, day * _DAY + begin + length) for day in days]


def _days(text: str, entry: str) -> list[int]:
    days = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        number = _day(first, entry)
        to = _day(last, entry) if dash else number
        days += [(number + more) % 7 for more in range((to - number) % 7 + 1)]
    return days


def _day(text: str, entry: str) -> int:
    name = text.strip().lower()
    for number, day in enumerate(_DAYS):
        if len(name) >= 3 and day.startswith(name):
            return number
    raise ValueError(f"{entry!r} names a day that there is not; days are Mon, Tue, Wed, Thu, Fri, Sat, Sun")


def _minutes(text: str | None, entry: str) -> int | None:
    if text is None:
        return None
    hours, minutes = map(int, text.split(":"))
    if minutes > 59 or hours * 60 + minutes > _DAY:
        raise ValueError(f"{entry!r} has a time that there is not: {text}")
    return hours * 60 + minutes
