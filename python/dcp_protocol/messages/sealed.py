"""Sealed messages: a body, its owner and the owner's signature (DCP: ``dcp-client/wallet/make-signature.js``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import _native, canonical_json
from ..errors import MessageError
from ..keys.address import Address
from ..keys.private_key import PrivateKey
from ..keys.signature import Signature
from .json_parts import Text, members, optional_name, small

# JavaScript has no longer strings than 2**29 - 24 characters: what is larger no peer can have sealed.
LARGEST_MESSAGE = 1 << 29


@dataclass(frozen=True, slots=True)
class Sealed:
    """Who signed, and what: ``body`` is a part of the text that was received, not a copy."""

    owner: Address
    body: memoryview


def seal(key: PrivateKey, body: Sequence[Text]) -> bytes:
    """The text to send for a body that is given in pieces.

    The body must be what JavaScript's JSON.stringify would print again, since the peer verifies that. May take 3 ms
    per MB; the interpreter's lock is not held meanwhile.
    """
    signature = signature_text(key.sign(*body))
    head = b'{"owner":"%s","signature":%s,"body":' % (key.address.encode(), signature)
    return _native.join(head, *body, b"}")


def signature_text(signature: Signature) -> bytes:
    return canonical_json.encode(signature.to_json())


def open_sealed(text: Text) -> Sealed:
    """Verifies the signature on the body's text as it came. Raises MessageError, ``EINVAL``."""
    if len(text) > LARGEST_MESSAGE:
        raise MessageError("EINVAL", f"a message of more than {LARGEST_MESSAGE} bytes")
    parts = members(text, "sealed message")
    for part in ("owner", "signature", "body"):
        if part not in parts:
            raise MessageError("EINVAL", f"message is missing {part}")
    owner = _address(optional_name(parts, "owner", "sealed message"))
    signature = parse_signature(small(parts["signature"], "signature"))
    if not signed_by(owner, signature, parts["body"]):
        raise MessageError("EINVAL", "message has invalid signature")
    return Sealed(owner, parts["body"])


def signed_by(owner: Address, signature: Signature, text: Text) -> bool:
    try:
        return signature.recover(text) == owner
    except ValueError:
        return False


def _address(text: str | None) -> Address:
    try:
        return Address.parse(text)
    except ValueError:
        raise MessageError("EINVAL", "the owner of a message is no address") from None


def parse_signature(value: Any) -> Signature:
    """Raises MessageError, ``EINVAL``."""
    try:
        return Signature.from_json(value)
    except ValueError:
        raise MessageError("EINVAL", "message has invalid signature") from None
