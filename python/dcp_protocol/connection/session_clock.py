"""The time that both ends reckon with (DCP: ``currentTime`` of ``protocol/connection.js``)."""

from __future__ import annotations

from collections.abc import Callable


class SessionClock:
    """Seconds since 1970: an initiator's are its target's, once that has answered, whatever its own clock says."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heard: tuple[float, float] | None = None  # the target's clock, and ``now``, at its last answer

    def heard(self, time: float | None, now: float) -> None:
        """What an answer says of the time."""
        if time is not None:
            self._heard = time, now

    def time(self, now: float) -> float:
        if self._heard is None:
            return self._clock()
        then, at = self._heard
        return then + now - at
