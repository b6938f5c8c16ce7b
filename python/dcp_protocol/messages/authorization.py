"""Rights of other keys that a request carries (DCP: ``protocol/dcp-message-auth.js``).

The key of a *resource* (a bank account, say) lets the *guardian* (who receives the request) use it for the *accessor*
(who sends it), by its signature on the request's payload.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import canonical_json
from ..errors import MessageError
from ..keys.address import Address
from ..keys.private_key import PrivateKey
from .json_parts import Text, members, small
from .sealed import parse_signature, signature_text, signed_by

_LARGEST = 1 << 20


def allow_text(resources: Sequence[PrivateKey], guardian: Address, accessor: Address) -> bytes:
    """The member ``allow`` of a payload."""
    return canonical_json.encode(
        [{"resource": str(key.address), "guardian": str(guardian), "accessor": str(accessor)} for key in resources]
    )


def auth_text(resources: Sequence[PrivateKey], payload: Text) -> bytes:
    """The member ``auth`` of a message with this payload."""
    signatures = {key.address: signature_text(key.sign(payload)) for key in resources}
    return b"{%s}" % b",".join(b'"%s":%s' % (address.encode(), text) for address, text in signatures.items())


def authorizes(payload: Text, auth: Text, resource: Address, guardian: Address, accessor: Address) -> bool:
    """Whether the payload lists this permission and the resource's key has signed it. Never raises for foreign texts.

    May take 3 ms per MB of the payload.
    """
    try:
        wanted = {"resource": resource, "guardian": guardian, "accessor": accessor}
        entries = small(members(payload, "payload").get("allow", memoryview(b"[]")), "allow", _LARGEST)
        signatures = small(memoryview(auth), "auth", _LARGEST)
        if not isinstance(entries, list) or not isinstance(signatures, dict):
            return False
        if not any(_entry(entry) == wanted for entry in entries):
            return False
        return signed_by(resource, parse_signature(signatures.get(str(resource))), payload)
    except (MessageError, ValueError):
        return False


def _entry(entry: object) -> dict[str, Address] | None:
    if not isinstance(entry, dict):
        return None
    addresses = {part: entry.get(part) for part in ("resource", "guardian", "accessor")}
    return {part: Address.parse(text) for part, text in addresses.items() if isinstance(text, str)}
