"""What goes out: a queue, and one message in flight, which takes the nonce that the peer gave for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import MessageError
from ..messages.bodies import Ack
from ..messages.drafts import BatchLimits, Draft, take_batch


@dataclass(slots=True)
class InFlight:
    """``text`` is None while it is being sealed; ``transport`` is the one that it was sent on last."""

    drafts: list[Draft]
    token: str
    text: bytes | None = None
    transport: int | None = None


class Outbox:
    """``nonce`` is for the next message; None until the peer gives one."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._queue: deque[Draft] = deque()
        self._nonce: str | None = None
        self._tokens: deque[str] = deque(maxlen=8)
        self.in_flight: InFlight | None = None
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._queue) + (len(self.in_flight.drafts) if self.in_flight else 0)

    def __iter__(self) -> Iterator[Draft]:
        """What has not been taken for sending."""
        return iter(self._queue)

    def add(self, draft: Draft) -> None:
        self._queue.append(draft)
        self.bytes += draft.size

    def keep(self, kinds: set[str]) -> list[Draft]:
        """Forgets what is queued, except for ``kinds``; the forgotten."""
        forgotten = [draft for draft in self._queue if draft.kind not in kinds]
        self._queue = deque(draft for draft in self._queue if draft.kind in kinds)
        self.bytes -= sum(draft.size for draft in forgotten)
        return forgotten

    def discard(self, identity: str) -> bool:
        """Forgets a request that has not been taken for sending."""
        for draft in self._queue:
            if draft.id == identity and draft.kind == "request":
                self._queue.remove(draft)
                self.bytes -= draft.size
                return True
        return False

    def put(self, draft: Draft, token: str) -> InFlight:
        """A message of the handshake, which needs no nonce."""
        self.bytes += draft.size
        self.in_flight = InFlight([draft], token)
        return self.in_flight

    def take(self, token: str) -> tuple[InFlight, str] | None:
        """The next message and its nonce, where there is something to send and it may be sent."""
        if self.in_flight or self._nonce is None or not self._queue:
            return None
        nonce, self._nonce = self._nonce, None
        self.in_flight = InFlight(take_batch(self._queue, self._limits), token)
        return self.in_flight, nonce

    def acknowledged(self, ack: Ack) -> list[Draft]:
        """What the peer has got by this. It may say so again after it has reconnected.

        npm's programs then may repeat an older one, without a nonce. Raises MessageError for a foreign token.
        """
        if self.in_flight and ack.token == self.in_flight.token:
            drafts = self.in_flight.drafts
            self.bytes -= sum(draft.size for draft in drafts)
            self._tokens.append(ack.token)
            self.in_flight, self._nonce = None, ack.nonce
            return drafts
        if ack.token not in (self._tokens if ack.nonce is None else list(self._tokens)[-1:]):
            raise MessageError("EINVAL", "unsolicited ack")
        if not self.in_flight and ack.nonce is not None:
            self._nonce = ack.nonce
        return []

    def forget_transport(self) -> None:
        if self.in_flight:
            self.in_flight.transport = None
