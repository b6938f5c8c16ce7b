"""What ends a transport, and whether another try may help."""

from __future__ import annotations

from ..errors import ProtocolError

TRANSIENT = "DCP_TRANSPORT_FAILURE_TRANSIENT"
NO_TRANSPORT_LEFT = "DCPC-1014"

_LONGEST = 200


class TransportError(ProtocolError):
    """``permanent``: the same would happen to another try."""

    def __init__(self, code: str, message: str, *, permanent: bool = False) -> None:
        super().__init__(code, message)
        self.permanent = permanent


def breach(message: str, code: str = "EPROTO") -> TransportError:
    """The peer broke a rule: its transport ends, and with it nothing else."""
    return TransportError(code, message)


def printable(text: str) -> str:
    """What a peer said, for people: short, and without what moves a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text[:_LONGEST])
