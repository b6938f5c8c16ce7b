"""Addresses: who an identity is, and which account is paid (``dcp-client/wallet/eth.js``)."""

from __future__ import annotations

import functools
import re
from typing import Self

from .hashes import keccak_256

_DIGITS = re.compile(r"(?:0x)?([0-9a-fA-F]{40})")


class Address(str):
    """The text ``0x`` and 40 hexadecimal digits, whose case is the checksum of EIP-55.

    A text in mixed case must have the right one; all in lower or all in upper case is taken. ``0x`` may be left out.
    Raises ValueError for what is no address.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        found = _DIGITS.fullmatch(text)
        if not found:
            raise ValueError("an address has 40 hexadecimal digits, after 0x or not")
        digits = found[1]
        checksummed = _checksummed(digits.lower())
        if digits not in (checksummed, digits.lower(), digits.upper()):
            raise ValueError(f"the checksum of the address 0x{digits} is wrong: is each digit as it was given to you?")
        return super().__new__(cls, f"0x{checksummed}")

    @classmethod
    def parse(cls, value: object) -> Self:
        """The same of a value that a peer sent, which may be no text."""
        if not isinstance(value, str):
            raise ValueError("an address is a text")
        return cls(value)

    @classmethod
    def of_public_key(cls, key: bytes) -> Self:
        """``key``: its 64 bytes."""
        return cls(keccak_256(key)[-20:].hex())

    def to_bytes(self) -> bytes:
        """The 20 bytes that the text stands for."""
        return bytes.fromhex(self[2:])

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"


@functools.lru_cache(4096)
def _checksummed(digits: str) -> str:
    """EIP-55: a letter is in upper case where the same digit of the hash of the text is 8 or more."""
    digest = keccak_256(digits.encode()).hex()
    return "".join(digit.upper() if mark >= "8" else digit for digit, mark in zip(digits, digest, strict=False))
