"""How fast peers may ask. No I/O: who is too fast is told how long to wait, or refused."""

from __future__ import annotations

from ..errors import RefusedError
from ..model.limits import Limits
from ..model.pace import Pace

_BURST = 10.0
LONGEST_WAIT = 10.0
"""Seconds. A request that would wait for longer is refused, and its peer may try again."""


class Admission:
    def __init__(self, limits: Limits) -> None:
        self._place = limits.place
        self._by_identity = (
            Pace(limits.requests_per_second_per_identity, _BURST), Pace(limits.bytes_per_second_per_identity, _BURST),
        )  # fmt: skip
        self._by_address = (
            Pace(limits.requests_per_second_per_address, _BURST), Pace(limits.bytes_per_second_per_address, _BURST),
        )  # fmt: skip

    def wait(self, peer: str, address: str, size: int, now: float) -> float:
        """Seconds that a request of ``size`` bytes has to wait. Raises RefusedError, ``EBUSY``.

        ``peer``: empty where nobody has signed, and the address alone counts.
        """
        asked = [(pace, peer, tokens) for pace, tokens in zip(self._by_identity, (1, size), strict=True) if peer]
        if place := self._place(address):
            asked += [(pace, place, tokens) for pace, tokens in zip(self._by_address, (1, size), strict=True)]
        longest = max((pace.wait(key, tokens, now) for pace, key, tokens in asked), default=0.0)
        if longest <= LONGEST_WAIT:
            return longest
        for pace, key, tokens in asked:
            pace.give_back(key, tokens)
        raise RefusedError("EBUSY", "this identity or address asks for too much; try again in ten seconds")
