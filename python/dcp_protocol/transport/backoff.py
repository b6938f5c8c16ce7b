"""How long to wait before the next try to connect."""

from __future__ import annotations

import functools


class Backoff:
    """0, 0.5, 1.5, 3.5 … seconds, at most ``most`` (utils/index.js; protocol/connection.js, connectBackoff)."""

    def __init__(self, most: float = 30.0) -> None:
        self._most = most
        self._tries = 0

    def next(self) -> float:
        """Seconds to wait before the try that comes now."""
        seconds = min(self._most, 0.5 * (2.0**self._tries - 1))
        if seconds < self._most:
            self._tries += 1
        return seconds

    def reset(self) -> None:
        """A try went well."""
        self._tries = 0


@functools.cache
def shared_backoff(location: str) -> Backoff:
    """All connections of a process to one location share it, so that together they do not try more often."""
    return Backoff()
