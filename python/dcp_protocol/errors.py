"""What goes wrong, with DCP's codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ProtocolError(Exception):
    """``code`` is what DCP's programs look at, for example ``EPIPE`` or ``DCPC-1108``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class MessageError(ProtocolError):
    """The peer sent what no peer may send; its connection ends with this code."""


PERMANENT = {
    "EVERSION": "it speaks another version of DCP's protocol",
    "EADDRCHANGE": "another one is there than before, with another key",
}
"""Codes of an end that no other try mends, and what they say of the peer."""


class ConnectionEndedError(ProtocolError):
    """The connection is over; a new one is a new session.

    Codes: ``EPIPE`` (closed here), ``ECONNRESET`` (closed by the peer, or it no longer knows the session),
    ``ETIMEDOUT``, ``EVERSION``, ``EADDRCHANGE`` (the peer has another address than before), ``EDCPSID``,
    ``DCPC-1014`` (no transport will ever reach the peer), ``ENOBUFS`` (the peer takes nothing but asks on),
    or the code of the message that broke a rule.
    """

    @property
    def is_permanent(self) -> bool:
        """Whether no other try mends it."""
        return self.code in PERMANENT


class RemoteError(ProtocolError):
    """The peer answered a request with an error.

    ``code`` is empty where the peer gave none; ``details`` are all members of its error, as JSON has them.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any]) -> None:
        super().__init__(code, message)
        self.details = details
