"""Keystores of each format, encrypted here and not by the library under test; and what is in a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from dcp_protocol.keys.hashes import keccak_256
from dcp_protocol.keys.private_key import PrivateKey

KEY = PrivateKey(bytes(range(1, 33)))
PASSPHRASE = "correct horse é😀"
_SALT, _IV = bytes(range(32)), bytes(range(16))


def _ctr(key: bytes, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CTR(_IV)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _cbc(key: bytes, data: bytes) -> bytes:
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(_IV)).encryptor()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


def version_3(
    passphrase: str = PASSPHRASE, *, kdf: str = "scrypt", cipher: str = "aes-128-ctr", secret: bytes = KEY.secret()
) -> dict[str, Any]:
    parameters: dict[str, Any]
    if kdf == "scrypt":
        derived = hashlib.scrypt(passphrase.encode(), salt=_SALT, n=256, r=4, p=2, dklen=48)
        parameters = {"dklen": 48, "n": 256, "r": 4, "p": 2, "salt": _SALT.hex()}
    else:
        derived = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), _SALT, 1000, 32)
        parameters = {"dklen": 32, "c": 1000, "prf": "hmac-sha256", "salt": _SALT.hex()}
    ciphertext = (_ctr if cipher == "aes-128-ctr" else _cbc)(derived[:16], secret)
    return {
        "version": 3,
        "id": "0a0b0c0d-0000-4000-8000-000000000000",
        "address": KEY.address[2:].lower(),
        "crypto": {
            "cipher": cipher,
            "cipherparams": {"iv": _IV.hex()},
            "ciphertext": ciphertext.hex(),
            "kdf": kdf,
            "kdfparams": parameters,
            "mac": keccak_256(derived[16:32], ciphertext).hex(),
        },
    }


SALE_SEED = b"a seed of the sale"
SALE_KEY = PrivateKey(keccak_256(SALE_SEED))


def sale(passphrase: str = PASSPHRASE) -> dict[str, Any]:
    password = passphrase.encode()
    derived = hashlib.pbkdf2_hmac("sha256", password, password, 2000, 32)
    return {
        "encseed": (_IV + _cbc(derived[:16], SALE_SEED)).hex(),
        "ethaddr": SALE_KEY.address[2:].lower(),
        "btcaddr": "1Ax",
        "email": "somebody",
    }


def shouted(value: Any) -> Any:
    """With names and texts in upper case."""
    if isinstance(value, dict):
        return {name.upper(): shouted(inner) for name, inner in value.items()}
    return value.upper() if isinstance(value, str) else value


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())
