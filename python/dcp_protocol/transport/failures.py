"""What ends a transport, and whether another try may help."""

from __future__ import annotations

from ..errors import ProtocolError

TRANSIENT = "DCP_TRANSPORT_FAILURE_TRANSIENT"
NO_TRANSPORT_LEFT = "DCPC-1014"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAY_PASS = frozenset({408, 500, 502, 503, 504})


class TransportError(ProtocolError):
    """``permanent``: the same would happen to another try (protocol/transports/http-bearer.js)."""

    def __init__(self, code: str, message: str, *, permanent: bool = False) -> None:
        super().__init__(code, message)
        self.permanent = permanent


def breach(message: str, code: str = "EPROTO") -> TransportError:
    """The peer broke a rule: its transport ends, and with it nothing else."""
    return TransportError(code, message)


def is_redirect(status: int) -> bool:
    return status in _REDIRECTS


def is_permanent(status: int) -> bool:
    """Whether an answer with this HTTP status stays so (protocol/transports/http-bearer.js)."""
    return status not in _MAY_PASS
