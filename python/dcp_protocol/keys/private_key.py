"""Private keys, which nothing shows by accident."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import TYPE_CHECKING, NoReturn, Self

from . import secp256k1
from .address import Address
from .hashes import personal_hash
from .signature import Signature

if TYPE_CHECKING:
    from typing_extensions import Buffer

_DIGITS = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


class PrivateKey:
    """A key that signs. Its secret is in no ``repr``, message or pickle; only ``secret()`` gives it."""

    __slots__ = ("_secret", "address")

    address: Address

    def __init__(self, secret: bytes) -> None:
        """``secret``: 32 bytes, a number from 1 to the order of secp256k1 less 1. Raises ValueError for others."""
        self._secret = bytes(secret)
        self.address = Address.of_public_key(_public_key(self._secret))

    @classmethod
    def generate(cls) -> Self:
        """A new key, from the randomness of the operating system."""
        return cls((1 + secrets.randbelow(secp256k1.ORDER - 1)).to_bytes(32))

    @classmethod
    def parse(cls, text: str) -> Self:
        """``text``: 64 hexadecimal digits, after ``0x`` or not. Raises ValueError, which does not show it."""
        found = _DIGITS.fullmatch(text)
        if not found:
            raise ValueError("a private key has 64 hexadecimal digits, after 0x or not")
        return cls(bytes.fromhex(found[1]))

    def secret(self) -> bytes:
        """The 32 bytes, for what encrypts them."""
        return self._secret

    def sign(self, *message: Buffer) -> Signature:
        """DCP's signature of a message, which may be given in pieces: the same bytes each time, and as npm's."""
        return self.sign_digest(personal_hash(*message))

    def sign_digest(self, digest: bytes) -> Signature:
        """The same by the personal hash of the message."""
        r, s, which = secp256k1.sign(self._secret, digest)
        return Signature(r, s, 27 + which)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrivateKey) and hmac.compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<PrivateKey of {self.address}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled: keep it in a keystore")


def _public_key(secret: bytes) -> bytes:
    try:
        return secp256k1.public_key(secret)
    except ValueError:
        pass  # its trace has the secret
    raise ValueError("a private key is a number of 32 bytes, more than 0 and less than the order of secp256k1")
