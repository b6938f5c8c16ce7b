"""Messages on their way out, and how many of them go into one batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import _native, canonical_json
from ..keys.address import Address
from ..keys.private_key import PrivateKey
from .authorization import allow_text, auth_text
from .identifiers import random_text
from .json_parts import Text

_encode = canonical_json.encode


@dataclass(frozen=True, slots=True)
class Stage:
    """What messages take from their connection when they go out; ``time`` in seconds since 1970."""

    session: str | None
    time: float
    own: Address
    peer: Address | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it is sent.

    ``kind`` is request, notification or response. ``head`` is the payload's text before the validity of a request or
    notification, whole for a response. ``operation`` is of a request, and only to look at.
    """

    id: str
    kind: str
    head: tuple[Text, ...]
    operation: str = ""
    success: bool = True
    ttl: float = 120.0
    resources: tuple[PrivateKey, ...] = ()
    stamp: str = field(default_factory=random_text)

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return sum(map(len, self.head))

    def parts(self, stage: Stage) -> list[Text]:
        """The body's text without its closing brace.

        The time of a request is the one at which it is sent: it may have waited long for a transport.
        """
        success = b"" if self.kind != "response" else b',"success":true' if self.success else b',"success":false'
        payload: list[Text] = list(self.head)
        auth = b"{}"
        if self.kind != "response":
            payload.append(self._tail(stage))
            if self.resources:
                payload = [_native.join(*payload)]
                auth = auth_text(self.resources, payload[0])
        return [
            b'{"id":%s,"type":"%s"%s,"payload":' % (_encode(self.id), self.kind.encode(), success),
            *payload,
            b',"auth":%s%s,"time":%s' % (auth, _session_member(stage.session), _seconds(stage.time)),
        ]

    def _tail(self, stage: Stage) -> bytes:
        allow = allow_text(self.resources, stage.peer or stage.own, stage.own) if self.resources else b"[]"
        stamp = (_encode(self.stamp), _encode(self.ttl), _seconds(stage.time))
        return b'"allow":%s,"validity":{"stamp":%s,"ttl":%s,"time":%s}}' % (allow, *stamp)


def request_draft(
    identity: str, operation: str, data: Text, ttl: float = 120.0, resources: Sequence[PrivateKey] = ()
) -> Draft:
    """``data`` is JSON text as JSON.stringify prints it; ``ttl`` in seconds."""
    head = (b'{"operation":%s,"data":' % _encode(operation), data, b",")
    return Draft(identity, "request", head, operation, ttl=ttl, resources=tuple(resources))


def notification_draft(identity: str, data: Text, ttl: float = 120.0) -> Draft:
    return Draft(identity, "notification", (b'{"data":', data, b","), ttl=ttl)


def response_draft(identity: str, payload: Text, success: bool = True) -> Draft:
    return Draft(identity, "response", (payload,), success=success)


def message_body(drafts: Sequence[Draft], stage: Stage, token: str, nonce: str | None) -> list[Text]:
    """The body to seal: the message itself, or a batch of several."""
    end = b',"ackToken":%s,"nonce":%s}' % (_encode(token), _encode(nonce))
    if len(drafts) == 1:
        return [*drafts[0].parts(stage), end]
    pieces: list[Text] = [b'{"id":%s,"type":"batch","payload":' % _encode(random_text())]
    for number, draft in enumerate(drafts):
        pieces += [b"," if number else b"[", *draft.parts(stage), b"}"]
    tail = b'],"auth":{}%s,"time":%s' % (_session_member(stage.session), _seconds(stage.time))
    return [*pieces, tail + end]


def ack_body(session: str | None, token: str, nonce: str, message_id: str) -> bytes:
    """``messageId`` is for peers of version 5.2."""
    told = {"type": "ack"} | ({"dcpsid": session} if session else {})
    return _encode(told | {"token": token, "nonce": nonce, "messageId": message_id})


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """No message joins a batch of ``target`` bytes or more, none that makes it larger than ``size``.

    DCP: ``maxMessagesPerBatch``, ``targetBatchSize``, ``maxBatchSize`` of ``connection.js``.
    """

    messages: int = 20
    target: int = 100_000_000
    size: int = 200_000_000


def take_batch(queue: deque[Draft], limits: BatchLimits) -> list[Draft]:
    """Takes the next messages to go out together off the queue: at least one, in their order."""
    batch = [queue.popleft()]
    size = batch[0].size
    while queue and len(batch) < limits.messages and size < limits.target and size + queue[0].size <= limits.size:
        size += queue[0].size
        batch.append(queue.popleft())
    return batch


def _session_member(session: str | None) -> bytes:
    return b',"dcpsid":%s' % _encode(session) if session else b""


def _seconds(time: float) -> bytes:
    return _encode(round(time, 3))
