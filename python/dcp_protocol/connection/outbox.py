"""What goes out: a queue, and one message in flight, which takes the nonce that the peer gave for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import MessageError
from ..keys.private_key import PrivateKey
from ..messages.bodies import Ack
from ..messages.drafts import BatchLimits, Draft, Stage, message_body, take_batch
from ..messages.identifiers import random_text
from ..messages.sealed import seal


@dataclass(slots=True)
class InFlight:
    """``text`` is None while it is being sealed; ``transport`` is the one that it was sent on last."""

    drafts: list[Draft]
    token: str
    text: bytes | None = None
    transport: int | None = None


@dataclass(frozen=True, slots=True)
class Sealing:
    """``work`` makes the text of the message with this ``token``, which takes 3 ms per MB of its ``size``."""

    token: str
    size: int
    work: Callable[[], bytes]


class Outbox:
    """What goes out, in the order in which it was added, and of which the peer acknowledges each message."""

    def __init__(self, key: PrivateKey, prefix: str, limits: BatchLimits) -> None:
        self._key = key
        self._prefix = prefix
        self._count = 0
        self._limits = limits
        self._queue: deque[Draft] = deque()
        self._nonce: str | None = None  # for the next message; the peer gives it
        self._tokens: list[str] = []
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

    def put(self, draft: Draft, stage: Stage) -> None:
        """A message of the handshake, which needs no nonce."""
        self.bytes += draft.size
        sealing = self._begin([draft], stage, None)
        self.sealed(sealing.token, sealing.work())

    def take(self, stage: Stage) -> Sealing | None:
        """What to do for the next message, where there is one and it may be sent; ``sealed`` gets the text."""
        if self.in_flight or self._nonce is None or not self._queue:
            return None
        nonce, self._nonce = self._nonce, None
        return self._begin(take_batch(self._queue, self._limits), stage, nonce)

    def sealed(self, token: str, text: bytes) -> None:
        if self.in_flight and self.in_flight.token == token:
            self.in_flight.text = text

    def next_text(self, transport: int) -> bytes | None:
        """What is in flight, once for each transport, which is reliable as long as it lives."""
        if self.in_flight is None or self.in_flight.transport == transport:
            return None
        if self.in_flight.text is not None:
            self.in_flight.transport = transport
        return self.in_flight.text

    def is_in_flight(self, kind: str, identity: str | None) -> bool:
        drafts = self.in_flight.drafts if self.in_flight else []
        return any(draft.kind == kind and draft.id == identity for draft in drafts)

    def _begin(self, drafts: list[Draft], stage: Stage, nonce: str | None) -> Sealing:
        self._count += 1
        token = f"AT{self._prefix}{self._count}-{random_text()}"
        self.in_flight = InFlight(drafts, token)
        size = sum(draft.size for draft in drafts)
        return Sealing(token, size, lambda: seal(self._key, message_body(drafts, stage, token, nonce)))

    def acknowledged(self, ack: Ack) -> list[Draft]:
        """What the peer has got by this. It may say so again after it has reconnected.

        npm's programs then may repeat an older one, without a nonce. Raises MessageError for a foreign token.
        """
        if self.in_flight and ack.token == self.in_flight.token:
            drafts = self.in_flight.drafts
            self.bytes -= sum(draft.size for draft in drafts)
            self._tokens = [*self._tokens[-7:], ack.token]
            self.in_flight, self._nonce = None, ack.nonce
            return drafts
        if ack.token not in (self._tokens if ack.nonce is None else self._tokens[-1:]):
            raise MessageError("EINVAL", "unsolicited ack")
        if not self.in_flight and ack.nonce is not None:
            self._nonce = ack.nonce
        return []

    def forget_transport(self) -> None:
        if self.in_flight:
            self.in_flight.transport = None
