"""Messages that come, some in fragments: whole ones are given in the order of their first fragments."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .extended import FragmentHeader
from .failures import breach
from .limits import COST, Budget, Limits

_REMEMBERED = 1000
_SURROGATE = 3
"""Bytes of half a surrogate pair."""


@dataclass(frozen=True)
class Message:
    """A text of the peer, as the pieces in which it came."""

    parts: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.parts))

    @property
    def cost(self) -> int:
        """Bytes of memory, about."""
        return self.size + len(self.parts) * COST

    def text(self) -> bytes:
        """UTF-8. Joining 100 MB takes 0.1 s, during which other threads run."""
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)


class Inbox:
    """Its methods raise TransportError with DCP's codes (protocol/transports/socketio.js)."""

    def __init__(self, limits: Limits, budget: Budget | None = None) -> None:
        """``budget``: shared with others, beside the limits of this one."""
        self._limits = limits
        self._budget = budget or Budget(limits.waiting_bytes)
        self._order: deque[_Place] = deque()
        self._partial: dict[int, _Partial] = {}
        self._finished: dict[int, None] = {}
        self._waiting = 0

    def take(self, text: bytes) -> None:
        """A message in one piece."""
        self._order.append(self._whole(text))

    def take_out_of_order(self, text: bytes) -> None:
        """A message that is to be given before all others."""
        self._order.appendleft(self._whole(text))

    def take_fragment(self, header: FragmentHeader, payload: bytes) -> None:
        """Fragments may come in any order. What comes again is not taken again, be its message whole or not."""
        most, longest = self._limits.fragment_count, self._limits.fragment_size
        if header.total > most:
            raise breach(f"a message of {header.total} fragments: the limit is {most}", "DCPC-1113")
        if _exceeds(payload, longest):
            raise breach(f"a fragment of more than {longest} characters", "DCPC-1114")
        if header.msg_id in self._finished:
            return
        partial = self._partial.get(header.msg_id) or self._begin(header)
        if header.total != partial.total:
            raise breach(f"a message of {partial.total} fragments says now that it has {header.total}", "DCPC-1108")
        if not partial.has(header.seq):
            self._keep(partial, len(payload))
            partial.take(header.seq, payload)
        if partial.message:
            self._finish(header.msg_id)

    def ready(self) -> list[Message]:
        """Whole messages that no other message holds up any more, each given once."""
        ready = []
        while self._order and (message := self._order[0].message):
            ready.append(message)
            self._let_go(self._order.popleft().cost)
        return ready

    def clear(self) -> None:
        """Forgets what waits."""
        self._order.clear()
        self._partial.clear()
        self._let_go(self._waiting)

    def _begin(self, header: FragmentHeader) -> _Partial:
        if len(self._partial) >= self._limits.incomplete:
            raise breach(f"more than {self._limits.incomplete} messages are not whole", "DCPC-1113")
        partial = _Partial(header.total)
        self._partial[header.msg_id] = partial
        self._order.append(partial)
        return partial

    def _whole(self, text: bytes) -> _Place:
        place = _Place()
        self._keep(place, len(text))
        place.message = Message((_checked(text),))
        return place

    def _finish(self, msg_id: int) -> None:
        del self._partial[msg_id]
        self._finished[msg_id] = None
        if len(self._finished) > _REMEMBERED:
            del self._finished[next(iter(self._finished))]

    def _keep(self, place: _Place, size: int) -> None:
        size += COST
        most = self._limits.waiting_bytes
        if self._waiting + size > most:
            raise breach(f"more than {most} bytes of messages wait for missing parts", "DCPC-1113")
        if not self._budget.take(size):
            raise breach("this service has no room for messages that wait for missing parts: try later", "DCPC-1113")
        self._waiting += size
        place.cost += size

    def _let_go(self, size: int) -> None:
        self._waiting -= size
        self._budget.give(size)


class _Place:
    """A message's place among the others. ``cost``: bytes that are counted for it."""

    def __init__(self) -> None:
        self.message: Message | None = None
        self.cost = 0


class _Partial(_Place):
    """A message of which parts are missing. Halves of surrogate pairs are kept apart until all is there."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self.total = total
        self._missing = total
        self._parts: list[bytes | None] = [None] * total
        self._first_halves: dict[int, bytes] = {}
        self._last_halves: dict[int, bytes] = {}

    def has(self, seq: int) -> bool:
        return self._parts[seq] is not None

    def take(self, seq: int, payload: bytes) -> None:
        start, end = 0, len(payload)
        if _begins_with_low_half(payload):
            start = _SURROGATE
            self._last_halves[seq] = payload[:start]
        if _ends_with_high_half(payload):
            end -= _SURROGATE
            self._first_halves[seq] = payload[end:]
        self._parts[seq] = _checked(payload[start:end])
        self._missing -= 1
        if not self._missing:
            self.message = self._joined()

    def _joined(self) -> Message:
        if self._first_halves.keys() != {seq - 1 for seq in self._last_halves}:
            raise breach("a message has half a surrogate pair: it is no text")
        pieces: list[bytes] = []
        for seq, part in enumerate(self._parts):
            if part:
                pieces.append(part)
            if seq in self._first_halves:
                pair = self._first_halves[seq] + self._last_halves[seq + 1]
                units = pair.decode(errors="surrogatepass").encode("utf-16-le", errors="surrogatepass")
                pieces.append(units.decode("utf-16-le").encode())
        return Message(tuple(pieces) or (b"",))


def _checked(text: bytes) -> bytes:
    try:
        text.decode()
    except UnicodeDecodeError:
        raise breach("a message has half a surrogate pair: it is no text") from None
    return text


def _exceeds(payload: bytes, units: int) -> bool:
    if len(payload) <= units:  # UTF-8 never has fewer bytes than UTF-16 has units
        return False
    text = payload.decode(errors="surrogatepass")
    return len(text.encode("utf-16-le", errors="surrogatepass")) > 2 * units


def _begins_with_low_half(payload: bytes) -> bool:
    return payload[:1] == b"\xed" and payload[1] >= 0xB0


def _ends_with_high_half(payload: bytes) -> bool:
    return payload[-_SURROGATE:-2] == b"\xed" and 0xA0 <= payload[-2] < 0xB0
