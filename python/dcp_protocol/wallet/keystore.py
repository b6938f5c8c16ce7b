"""A keystore: a private key, encrypted with a passphrase (``dcp-client/wallet/keystore.js``)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Self

from .. import canonical_json
from ..keys.address import Address
from ..keys.private_key import PrivateKey
from . import formats
from .derivation import Derivation
from .errors import MalformedKeystoreError

SCRYPT_N = 1024
"""The cost of scrypt that DCP's wallet writes: little, so that a passphrase that can be guessed does not protect."""

STRONG_SCRYPT_N = 262_144
"""What other wallets write: a guess takes 256 times as long, and so does each unlocking."""

LONGEST = 64 << 10
"""Bytes of a keystore's text, which has some 600."""

_DEPTH = 32
_SHOWN = 200
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Keystore:
    """``label``: what people call it, or None; ``address``: None where only its key can tell."""

    def __init__(self, document: dict[str, Any]) -> None:
        """``document``: its JSON, in any format that npm's wallet opens. Raises MalformedKeystoreError."""
        self._document = document
        self._stored = formats.parse(document)
        self.address = _stated_address(document)
        label = document.get("label")
        self.label: str | None = label if isinstance(label, str) and label else None

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """By its text. Raises MalformedKeystoreError."""
        data = text.encode(errors="replace") if isinstance(text, str) else text
        if len(data) > LONGEST:
            raise MalformedKeystoreError(f"a keystore has at most {LONGEST} bytes")
        try:
            document = canonical_json.decode(data.strip(), depth=_DEPTH)
        except ValueError as error:
            raise MalformedKeystoreError(f"the keystore is no JSON: {error}") from None
        if not isinstance(document, dict):
            raise MalformedKeystoreError("the keystore is no object of JSON")
        return cls(document)

    @classmethod
    def create(cls, key: PrivateKey, passphrase: str, *, label: str | None = None, n: int = SCRYPT_N) -> Self:
        """Encrypts a key. ``n``: the cost of scrypt, a power of two. The empty passphrase protects nothing."""
        document = formats.encrypt(key, passphrase, n)
        if label:
            document["label"] = label
        return cls(document)

    def open(self, passphrase: str) -> PrivateKey | None:
        """The key, or None if the passphrase is wrong. Takes from milliseconds to seconds; other threads run meanwhile.

        Raises MalformedKeystoreError where the passphrase is right, and there is no key, or that of another address.
        """
        key = self._stored.open(passphrase)
        if key and self.address and key.address != self.address:
            raise MalformedKeystoreError(
                f"the keystore says that it is of {self.address}, and has a key of {key.address}"
            )
        return key

    @property
    def name(self) -> str:
        """What a prompt calls it: its label, as far as it can be shown, or its address."""
        return (self.label and shown(self.label)) or self.address or "a keystore without label and address"

    @property
    def format(self) -> str:
        """``V3`` or ``EthSale``."""
        return self._stored.format

    @property
    def cipher(self) -> str:
        """In OpenSSL's words."""
        return self._stored.cipher

    @property
    def derivation(self) -> Derivation:
        """How the passphrase becomes a key."""
        return self._stored.derivation

    def field(self, name: str) -> str | None:
        """What it says beside its key, such as ``timestamp``, ``process`` and ``id``, as far as it can be shown."""
        value = self._document.get(name)
        return shown(value) if isinstance(value, str) else None

    def to_json(self) -> bytes:
        """The text of its file, as DCP's wallet writes it: with the time and the program that wrote it.

        Raises MalformedKeystoreError where it would be too long to be read again.
        """
        label = {"label": self.label} if self.label else {}
        program = PurePath(sys.argv[0] or sys.executable).stem
        text = canonical_json.encode({**self._document, **label, "timestamp": _timestamp(), "process": program})
        if len(text) > LONGEST:
            raise MalformedKeystoreError(f"a keystore has at most {LONGEST} bytes: give it a shorter label")
        return text

    def __repr__(self) -> str:
        return f"<Keystore {self.name}>"


def shown(text: str) -> str:
    """A text of somebody's keystore for a terminal, which heeds control characters."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text[:_SHOWN])


def _stated_address(document: dict[str, Any]) -> Address | None:
    stated = document.get("address")
    if not stated:
        return None
    try:
        return Address.parse(stated)
    except ValueError as error:
        raise MalformedKeystoreError(f"the address in the keystore is none: {error}") from None


def _timestamp() -> str:
    """As JavaScript's ``String(new Date())``."""
    now = datetime.now(UTC)
    return f"{_DAYS[now.weekday()]} {_MONTHS[now.month - 1]} {now:%d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)"
