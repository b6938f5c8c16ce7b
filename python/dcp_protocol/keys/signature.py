"""Signatures as DCP makes them: ECDSA on secp256k1 that tells the signer (``dcp-client/wallet/make-signature.js``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from . import secp256k1
from .address import Address
from .hashes import personal_hash

if TYPE_CHECKING:
    from typing_extensions import Buffer


@dataclass(frozen=True, slots=True)
class Signature:
    """``r`` and ``s``: 32 bytes each, numbers from 1 to the order of the curve less 1; ``v``: 27 or 28.

    Raises ValueError for others. Ours have the lower ``s`` of the two that fit; as in DCP, peers may use either.
    """

    r: bytes
    s: bytes
    v: int

    def __post_init__(self) -> None:
        for name, number in (("r", self.r), ("s", self.s)):
            if len(number) != 32 or not 0 < int.from_bytes(number) < secp256k1.ORDER:
                raise ValueError(f"{name} of a signature is out of range")
        if self.v not in (27, 28):
            raise ValueError("v of a signature is neither 27 nor 28")

    @classmethod
    def from_json(cls, value: object) -> Self:
        """``value``: what ``canonical_json.decode`` made of a peer's signature. ``r`` and ``s`` are lists of bytes, or
        objects ``{"type": "Buffer", "data": [...]}``. Raises ValueError.
        """
        if not isinstance(value, dict):
            raise ValueError("a signature is an object")
        v = value.get("v")
        if type(v) is not int:
            raise ValueError("v of a signature is not a whole number")
        return cls(_bytes(value.get("r")), _bytes(value.get("s")), v)

    def to_json(self) -> dict[str, Any]:
        """As JavaScript's ``JSON.stringify`` shows it."""
        return {"r": _buffer(self.r), "s": _buffer(self.s), "v": self.v}

    def recover(self, *message: Buffer) -> Address:
        """Whose signature of the message this is; of any message there is one, mostly nobody's.

        Raises ValueError where there is none.
        """
        return self.recover_from_digest(personal_hash(*message))

    def recover_from_digest(self, digest: bytes) -> Address:
        """The same by the personal hash of the message."""
        return Address.of_public_key(secp256k1.recover(self.r, self.s, self.v - 27, digest))


def _bytes(value: object) -> bytes:
    data = value.get("data") if isinstance(value, dict) and value.get("type") == "Buffer" else value
    if not isinstance(data, list) or len(data) != 32 or any(type(byte) is not int for byte in data):
        raise ValueError("a number of a signature is not given as its 32 bytes")
    return bytes(data)  # ValueError for what is no byte


def _buffer(data: bytes) -> dict[str, Any]:
    return {"type": "Buffer", "data": list(data)}
