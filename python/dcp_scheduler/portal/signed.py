"""A request that a browser has signed with the key of an account: whose it is, and what it asks. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dcp_protocol import canonical_json
from dcp_protocol.messages.sealed import open_sealed
from dcp_protocol.messages.validity import Validity, ValidityRules

from ..dialects.fields import Fields
from ..errors import RefusedError

LARGEST_REQUEST = 1 << 16
"""Bytes."""
RULES = ValidityRules(slop=30.0, shortest=1.0, longest=60.0, default=60.0)
_DEPTH = 32


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """``peer``: the address that has signed it. ``stamp``: good for one request of this peer."""

    peer: str
    operation: str
    data: Any
    stamp: str
    validity: Validity
    size: int


def open_request(text: bytes, endpoint: str) -> SignedRequest:
    """``endpoint``: where it has come, which the signer must have meant: else who runs another network could pass on
    what was signed for that one. Raises ProtocolError.
    """
    sealed = open_sealed(text)
    try:
        body = Fields(canonical_json.decode(sealed.body, depth=_DEPTH), "the request")
    except ValueError:
        raise RefusedError("EINVAL", "the request is no JSON") from None
    if body.text("endpoint", most=4096) != endpoint:
        raise RefusedError("EINVAL", f"the request is signed for another place than {endpoint}")
    validity, peer = Validity.parse(body.get("validity")), str(sealed.owner)
    stamp = f"{peer} {validity.stamp}"
    return SignedRequest(peer, body.text("operation", most=64), body.get("data"), stamp, validity, len(text))
