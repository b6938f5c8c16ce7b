"""The formats of keystores that npm's wallet opens (ethereumjs-wallet).

They are version 3 of the Web3 Secret Storage, and the wallets of Ethereum's sale. The case of names does not matter.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from ..keys.hashes import keccak_256, utf8
from ..keys.private_key import PrivateKey
from .derivation import Derivation, Pbkdf2, Scrypt, derivation_of
from .errors import MalformedKeystoreError

_LONGEST = 4096
"""Bytes of a ciphertext; that of a key has 32 or 48."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The encrypted part of a keystore of version 3."""

    derivation: Derivation
    cipher: str
    iv: bytes
    ciphertext: bytes
    mac: bytes

    format = "V3"

    def open(self, passphrase: str) -> PrivateKey | None:
        """None if the passphrase is wrong. Takes as long as the derivation does."""
        derived = self.derivation.derive(utf8(passphrase))
        if not hmac.compare_digest(keccak_256(derived[16:32], self.ciphertext), self.mac):
            return None
        return _private_key(_decrypted(self.cipher, derived[:16], self.iv, self.ciphertext))


@dataclass(frozen=True, slots=True)
class SaleKey:
    """A wallet of Ethereum's sale in 2014, whose key is the hash of what it holds."""

    address: bytes
    iv: bytes
    ciphertext: bytes

    format = "EthSale"
    cipher = "aes-128-cbc"

    @property
    def derivation(self) -> Derivation:
        """The same for all, but for the salt, which is the passphrase."""
        return Pbkdf2(2000, 32, b"")

    def open(self, passphrase: str) -> PrivateKey | None:
        """None if the passphrase is wrong."""
        password = utf8(passphrase)
        derived = hashlib.pbkdf2_hmac("sha256", password, password, 2000, 32)
        try:
            seed = _decrypted(self.cipher, derived[:16], self.iv, self.ciphertext)
        except MalformedKeystoreError:  # the padding shows that the passphrase is wrong
            return None
        key = _private_key(keccak_256(seed))
        return key if key.address.to_bytes() == self.address else None


def parse(document: Any) -> StoredKey | SaleKey:
    """What a keystore holds, by its JSON. Raises MalformedKeystoreError."""
    content = _lower(document)
    if not isinstance(content, dict):
        raise MalformedKeystoreError("the keystore is no object of JSON")
    if content.get("version") == 3 and type(content["version"]) is int:
        return _version_3(_part(content, "crypto"))
    if "encseed" in content:
        seed = _hexadecimal(content, "encseed")
        return SaleKey(_hexadecimal(content, "ethaddr", 20), seed[:16], _ciphertext(seed[16:]))
    raise MalformedKeystoreError("the keystore has none of the formats that DCP knows: V3, EthSale")


def encrypt(key: PrivateKey, passphrase: str, n: int) -> dict[str, Any]:
    """A keystore of version 3 as npm's wallet writes it. ``n``: the cost of scrypt, a power of two."""
    derivation = Scrypt(n, 8, 1, 32, os.urandom(32))
    iv = os.urandom(16)
    derived = derivation.derive(utf8(passphrase))
    encryptor = Cipher(algorithms.AES(derived[:16]), modes.CTR(iv)).encryptor()
    ciphertext = encryptor.update(key.secret()) + encryptor.finalize()
    return {
        "version": 3,
        "id": str(uuid.uuid4()),
        "address": key.address.to_bytes().hex(),
        "crypto": {
            "ciphertext": ciphertext.hex(),
            "cipherparams": {"iv": iv.hex()},
            "cipher": "aes-128-ctr",
            "kdf": "scrypt",
            "kdfparams": {"dklen": 32, "salt": derivation.salt.hex(), "n": n, "r": 8, "p": 1},
            "mac": keccak_256(derived[16:32], ciphertext).hex(),
        },
    }


def _version_3(crypto: dict[str, Any]) -> StoredKey:
    parameters = _part(crypto, "kdfparams")
    cipher = crypto.get("cipher")
    if not isinstance(cipher, str) or cipher not in _CIPHERS:
        raise MalformedKeystoreError(f"the keystore's cipher is none of these: {', '.join(_CIPHERS)}")
    return StoredKey(
        derivation_of(crypto.get("kdf"), parameters, _hexadecimal(parameters, "salt")),
        cipher,
        _hexadecimal(_part(crypto, "cipherparams"), "iv", 16),
        _ciphertext(_hexadecimal(crypto, "ciphertext")),
        _hexadecimal(crypto, "mac", 32),
    )


_CIPHERS: dict[str, type[modes.CTR | modes.CBC]] = {"aes-128-ctr": modes.CTR, "aes-128-cbc": modes.CBC}


def _decrypted(cipher: str, key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    mode: modes.CTR | modes.CBC = _CIPHERS[cipher](iv)
    decryptor = Cipher(algorithms.AES(key), mode).decryptor()
    try:
        data = decryptor.update(ciphertext) + decryptor.finalize()
        if cipher == "aes-128-cbc":
            unpadder = PKCS7(128).unpadder()
            data = unpadder.update(data) + unpadder.finalize()
    except ValueError:
        raise MalformedKeystoreError("the ciphertext of the keystore is damaged") from None
    return data


def _private_key(secret: bytes) -> PrivateKey:
    try:
        return PrivateKey(secret)
    except ValueError:
        raise MalformedKeystoreError("what the keystore holds is no private key") from None


def _lower(value: Any) -> Any:
    """Names and texts in lower case, as npm reads version 3; what opens a keystore has no others."""
    if isinstance(value, dict):
        return {name.lower(): _lower(inner) for name, inner in value.items()}
    return value.lower() if isinstance(value, str) else value


def _part(content: dict[str, Any], name: str) -> dict[str, Any]:
    part = content.get(name)
    if not isinstance(part, dict):
        raise MalformedKeystoreError(f"the keystore has no object {name!r}")
    return part


def _hexadecimal(content: dict[str, Any], name: str, size: int | None = None) -> bytes:
    text = content.get(name)
    try:
        data = bytes.fromhex(text) if isinstance(text, str) and not text.isspace() else None
    except ValueError:
        data = None
    if data is None or (size is not None and len(data) != size):
        kind = "hexadecimal digits" if size is None else f"{2 * size} hexadecimal digits"
        raise MalformedKeystoreError(f"{name!r} of the keystore is not a text of {kind}")
    return data


def _ciphertext(data: bytes) -> bytes:
    if not 0 < len(data) <= _LONGEST:
        raise MalformedKeystoreError(f"the ciphertext of the keystore has not 1 to {_LONGEST} bytes")
    return data
