"""From passphrases to keys: scrypt and PBKDF2, whose cost a keystore chooses, within bounds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import MalformedKeystoreError, WalletError

_MOST_MEMORY = 1 << 30
"""Bytes. What wallets write takes up to a quarter of it."""

_MOST_WORK = 1 << 24
"""Blocks that scrypt mixes, N times r times p: eight times those that wallets write, about ten seconds."""

_MOST_ITERATIONS = 10_000_000
"""Of PBKDF2, for 32 bytes: forty times those that wallets write, about five seconds."""

_LONGEST = 1024
"""Bytes of a derived key or a salt."""


@dataclass(frozen=True, slots=True)
class Scrypt:
    """RFC 7914. ``n``: cost, a power of two; ``r``: size of a block; ``p``: how many lanes."""

    n: int
    r: int
    p: int
    length: int
    salt: bytes

    def __post_init__(self) -> None:
        """Refuses what is no scrypt, or would take more of the machine than a keystore may."""
        if self.n < 2 or self.n & (self.n - 1) or self.r < 1 or self.p < 1:
            raise MalformedKeystoreError("the parameters of scrypt in the keystore are none: n is a power of two")
        if self.n.bit_length() > 16 * self.r:  # N is less than 2 ** (128 * r / 8)
            raise MalformedKeystoreError(f"the keystore asks for what scrypt is not defined for ({self})")
        if 128 * self.r * (self.n + self.p) > _MOST_MEMORY or self.n * self.r * self.p > _MOST_WORK:
            raise MalformedKeystoreError(
                f"the keystore asks for more memory or time than a keystore may use (scrypt, n={self.n}, r={self.r}, "
                f"p={self.p}): is it really yours?"
            )
        _check_sizes(self.length, self.salt)

    def derive(self, passphrase: bytes) -> bytes:
        """Takes up to some seconds; other threads run meanwhile."""
        memory = 2 * _MOST_MEMORY - 1  # OpenSSL counts in its own way
        try:
            return hashlib.scrypt(
                passphrase, salt=self.salt, n=self.n, r=self.r, p=self.p, maxmem=memory, dklen=self.length
            )
        except (ValueError, MemoryError):
            raise WalletError("ENOMEM", f"there is not enough memory for the passphrase ({self})") from None

    def __str__(self) -> str:
        return f"scrypt, n={self.n}, r={self.r}, p={self.p}"


@dataclass(frozen=True, slots=True)
class Pbkdf2:
    """RFC 8018, with HMAC of SHA-256."""

    iterations: int
    length: int
    salt: bytes

    def __post_init__(self) -> None:
        """Refuses what is no PBKDF2, or would take more time than a keystore may."""
        _check_sizes(self.length, self.salt)
        if self.iterations < 1:
            raise MalformedKeystoreError("the iterations of PBKDF2 in the keystore are none")
        if self.iterations * -(-self.length // 32) > _MOST_ITERATIONS:
            raise MalformedKeystoreError(
                f"the keystore asks for more time than a keystore may use (PBKDF2, {self.iterations} iterations): "
                f"is it really yours?"
            )

    def derive(self, passphrase: bytes) -> bytes:
        """Takes up to some seconds; other threads run meanwhile."""
        return hashlib.pbkdf2_hmac("sha256", passphrase, self.salt, self.iterations, self.length)

    def __str__(self) -> str:
        return f"PBKDF2 with HMAC of SHA-256, {self.iterations} iterations"


Derivation = Scrypt | Pbkdf2


def derivation_of(name: object, parameters: Mapping[str, Any], salt: bytes) -> Derivation:
    """By the names of version 3, in lower case. Raises MalformedKeystoreError."""
    length = _whole(parameters, "dklen")
    if name == "scrypt":
        return Scrypt(_whole(parameters, "n"), _whole(parameters, "r"), _whole(parameters, "p"), length, salt)
    if name == "pbkdf2" and parameters.get("prf") == "hmac-sha256":
        return Pbkdf2(_whole(parameters, "c"), length, salt)
    raise MalformedKeystoreError(
        "the keystore derives its key in a way that is neither scrypt nor PBKDF2 with HMAC of SHA-256"
    )


def _whole(parameters: Mapping[str, Any], name: str) -> int:
    value = parameters.get(name)
    if type(value) is not int:
        raise MalformedKeystoreError(f"the parameter {name} of the keystore is no whole number")
    return value


def _check_sizes(length: int, salt: bytes) -> None:
    if not 32 <= length <= _LONGEST or len(salt) > _LONGEST:
        raise MalformedKeystoreError(f"a derived key has 32 to {_LONGEST} bytes, and a salt at most {_LONGEST}")
