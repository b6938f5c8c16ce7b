"""How many slices may be out with an owner's workers, and with those of an address: so many at first, and as many more
as results of theirs were taken of late. Asking brings no more; working does.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

_OF_LATE = 600.0
"""Seconds after which a result has lost two thirds of its weight: three times what a worker gets work for."""
_MOST_KEPT = 100_000


@dataclass(slots=True)
class _Window:
    out: int = 0
    results: float = 0.0
    at: float = 0.0
    place: str = ""

    def deliver(self, now: float) -> None:
        self.results = self.recent(now) + 1
        self.at = now

    def recent(self, now: float) -> float:
        return self.results * math.exp(min(0.0, self.at - now) / _OF_LATE)

    def room(self, most: int, now: float) -> int:
        return max(0, most + int(self.recent(now)) - self.out)


class Windows:
    """``of_owner``, ``of_place``: slices at first. What is out is counted here and put right now and then by what the
    tables say: slices also come back in other ways than from workers. Usable from any thread; times are of one clock.
    """

    def __init__(self, of_owner: int, of_place: int) -> None:
        self._of_owner = of_owner
        self._of_place = of_place
        self._owners: OrderedDict[str, _Window] = OrderedDict()
        self._places: OrderedDict[str, _Window] = OrderedDict()
        self._lock = Lock()

    def room(self, owner: str, place: str, now: float) -> int:
        """How many more it may get. ``place``: empty where addresses do not count."""
        with self._lock:
            window = _of(self._owners, owner)
            if window.place != place:
                self._move(window, place)
            own = window.room(self._of_owner, now)
            return min(own, _of(self._places, place).room(self._of_place, now)) if place else own

    def given(self, owner: str, count: int) -> None:
        with self._lock:
            self._add(_of(self._owners, owner), count)

    def returned(self, owner: str, count: int) -> None:
        self.given(owner, -count)

    def delivered(self, owner: str, now: float) -> None:
        """A result was taken."""
        with self._lock:
            window = _of(self._owners, owner)
            self._add(window, -1)
            window.deliver(now)
            if window.place:
                _of(self._places, window.place).deliver(now)

    def correct(self, out: Mapping[str, int]) -> None:
        """``out``: by owner what all have."""
        with self._lock:
            for place in self._places.values():
                place.out = 0
            for owner, window in self._owners.items():
                window.out = 0
                self._add(window, out.get(owner, 0))

    def _add(self, window: _Window, count: int) -> None:
        window.out = max(0, window.out + count)
        if window.place:
            place = _of(self._places, window.place)
            place.out = max(0, place.out + count)

    def _move(self, window: _Window, place: str) -> None:
        out = window.out
        self._add(window, -out)
        window.place = place
        self._add(window, out)


def _of(windows: OrderedDict[str, _Window], key: str) -> _Window:
    """Those that were heard of last are remembered."""
    window = windows.setdefault(key, _Window())
    windows.move_to_end(key)
    if len(windows) > _MOST_KEPT:
        windows.popitem(last=False)
    return window
