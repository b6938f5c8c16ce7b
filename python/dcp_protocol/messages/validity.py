"""When a request may be obeyed (DCP: ``protocol/request-validity.js``, ``validity-stamp-cache.js``).

All times are seconds since 1970 by the clock that both peers reckon with.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import MessageError, ProtocolError
from .json_parts import LONGEST_NAME, number


@dataclass(frozen=True, slots=True)
class Validity:
    """``stamp`` is never used twice; ``ttl`` in seconds, None for the receiver's default."""

    stamp: str
    time: float
    ttl: float | None

    @staticmethod
    def parse(value: object) -> Validity:
        """Raises MessageError (``EINVAL``)."""
        if isinstance(value, dict):
            stamp, time = value.get("stamp"), number(value.get("time"))
            if isinstance(stamp, str) and 0 < len(stamp) <= LONGEST_NAME and time is not None:
                return Validity(stamp, time, number(value.get("ttl")))
        raise MessageError("EINVAL", "invalid validity in request")


@dataclass(frozen=True, slots=True)
class ValidityRules:
    """Seconds: what clocks may differ by, and the time to live (``dcpConfig.dcp.connectionOptions``)."""

    slop: float = 600.0
    shortest: float = 15.0
    longest: float = 600.0
    default: float = 120.0

    def expiry(self, validity: Validity) -> float:
        ttl = validity.ttl or self.default
        return validity.time + min(max(ttl, self.shortest), self.longest)


class Stamps:
    """The stamps of requests that may still be valid.

    At most ``capacity``, some 150 bytes each: the oldest go first. A peer that makes us forget gains nothing over
    others, since every message carries a nonce of ours and its owner's signature besides.
    """

    def __init__(self, rules: ValidityRules | None = None, capacity: int = 1 << 18) -> None:
        self.rules = rules or ValidityRules()
        self._capacity = capacity
        self._expires: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._expires)

    def refusal(self, validity: Validity, now: float) -> ProtocolError | None:
        """Why not to obey at ``now``: ``ETIMETRAVEL``, ``EEXPIRED`` or ``EDUP``; otherwise the stamp is used up."""
        expiry, slop = self.rules.expiry(validity), self.rules.slop
        if validity.time > now + slop:
            ahead = f"{validity.time - now:.0f} s ahead of the clock here"
            return ProtocolError("ETIMETRAVEL", f"Request was sent from the future ({ahead}; at most {slop:.0f})")
        if expiry < now - slop:
            return ProtocolError("EEXPIRED", f"Request validity has expired {now - expiry:.0f} s ago")
        if self._expires.get(validity.stamp, now) > now:
            return ProtocolError("EDUP", f"Duplicate request validity stamp: {validity.stamp}")
        self._keep(validity.stamp, expiry + slop, now)
        return None

    def _keep(self, stamp: str, until: float, now: float) -> None:
        self._expires.pop(stamp, None)
        self._expires[stamp] = until
        while self._expires:
            oldest = next(iter(self._expires))
            if len(self._expires) <= self._capacity and self._expires[oldest] > now:
                break
            del self._expires[oldest]
