"""How long servers that fail are left alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from yarl import URL

_FIRST = 2.0
_MOST = 180.0
_REMEMBERED = 1000


@dataclass(slots=True)
class _Trouble:
    failures: int
    until: float


class Backoffs:
    """By origin and first part of the path: 0, 2, 6, 14 ... at most 180 s after each failure, as npm's worker waits.

    A fifth more or less, so that many workers do not come back at the same moment. Times are of any clock that does
    not go back. What has failed longest ago is forgotten where there are more than 1000 places.
    """

    def __init__(self, random_share: Callable[[], float] = random.random) -> None:
        """``random_share`` gives numbers from 0 to 1."""
        self._random_share = random_share
        self._troubles: dict[str, _Trouble] = {}

    def wait(self, uri: str, now: float) -> float:
        """Seconds until it may be tried again."""
        trouble = self._troubles.get(place(uri))
        return max(0.0, trouble.until - now) if trouble else 0.0

    def failed(self, uri: str, now: float) -> float:
        """Seconds until it may be tried again. What fails while others wait was begun before, and counts no more."""
        where = place(uri)
        trouble = self._troubles.get(where) or _Trouble(0, now)
        if now < trouble.until:
            return trouble.until - now
        self._troubles.pop(where, None)
        seconds = min(_MOST, _FIRST * (2.0**trouble.failures - 1)) * (0.8 + 0.4 * self._random_share())
        self._troubles[where] = _Trouble(min(trouble.failures + 1, 20), now + seconds)
        if len(self._troubles) > _REMEMBERED:
            del self._troubles[next(iter(self._troubles))]
        return seconds

    def succeeded(self, uri: str) -> None:
        if self._troubles:
            self._troubles.pop(place(uri), None)


def place(uri: str) -> str:
    """The origin and the first part of the path; the text itself of what is no URL."""
    try:
        url = URL(uri)
        return f"{url.origin()}/{url.raw_path.split('/')[1]}"
    except (ValueError, IndexError):
        return uri[:100]
