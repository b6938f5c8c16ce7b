"""What a machine wants to be done, in order, and what it has to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ..errors import ConnectionEndedError
from ..keys.address import Address
from ..messages.bodies import JsonText, Notification, Request


@dataclass(frozen=True, slots=True)
class OpenTransport:
    """Try to reach the peer, ``after`` so many seconds; tell ``transport_opened`` or ``transport_lost``."""

    after: float


@dataclass(frozen=True, slots=True)
class DropTransport:
    """Close the transport after all that was sent, or stop opening one; ``transport_lost`` is not told."""


@dataclass(frozen=True, slots=True)
class Send:
    text: bytes


@dataclass(frozen=True, slots=True)
class Seal:
    """Call ``work``, which takes its time and needs no lock, and give its text to ``sealed``."""

    token: str
    work: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class SessionStarted:
    session: str
    peer: Address
    version: str


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """To be answered with ``respond`` or ``fail``."""

    request: Request


@dataclass(frozen=True, slots=True)
class NotificationReceived:
    notification: Notification


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """The answer to the request ``id``; without success, ``payload`` is an error payload."""

    id: str
    success: bool
    payload: JsonText


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """No answer to the request or notification ``id`` will come. The peer may have obeyed it all the same."""

    id: str
    error: ConnectionEndedError


@dataclass(frozen=True, slots=True)
class Delivered:
    """The peer has acknowledged the notification or response ``id``."""

    id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event."""

    error: ConnectionEndedError


Event: TypeAlias = (
    OpenTransport
    | DropTransport
    | Send
    | Seal
    | SessionStarted
    | RequestReceived
    | NotificationReceived
    | ResponseReceived
    | RequestFailed
    | Delivered
    | Ended
)
