"""Token buckets: who asks faster than its rate waits, and who would wait too long is refused."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_MOST_KEPT = 50_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Pace:
    """``rate`` tokens a second, of which ``burst`` seconds' worth are there at first, for each key on its own."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._full = rate * burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, key: str, tokens: float, now: float) -> float:
        """Seconds until these tokens are there; they are taken, ahead of who comes later. ``give_back`` them if not."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._full, now)
            if len(self._buckets) > _MOST_KEPT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.tokens = min(self._full, bucket.tokens + (now - bucket.at) * self._rate) - tokens
        bucket.at = now
        return max(0.0, -bucket.tokens / self._rate)

    def give_back(self, key: str, tokens: float) -> None:
        if bucket := self._buckets.get(key):
            bucket.tokens += tokens
