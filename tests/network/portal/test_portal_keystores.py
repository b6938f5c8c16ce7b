"""The page's scripts about keys, in a browser, against Python's: the same keystores, addresses, hashes, signatures."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from portal_page import PASSPHRASE, PortalPage

from browser import Browser
from dcp_protocol.keys.hashes import eh1, keccak_256
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.keys.signature import Signature
from dcp_protocol.wallet.keystore import Keystore

pytestmark = pytest.mark.any_engine

KEY = PrivateKey(bytes(range(1, 33)))
UNICODE = "p\u00e4ss \u2603 \U0001f511"
CALL = """
const [module, name, given, done] = arguments;
const bytes = given.map((each) => Array.isArray(each) ? Uint8Array.from(each) : each);
import(`/portal/${module}.js`).then((all) => all[name](...bytes)).then(
  (value) => done({ value: value instanceof Uint8Array ? Array.from(value) : value }),
  (error) => done({ error: error.message, kind: error.constructor.name }));
"""


@pytest.fixture
def call(portal: PortalPage, browser: Browser) -> Any:
    """Calls a function of a module; a dict with ``value`` or ``error``."""
    browser.open(f"{portal.url}?keys")
    return lambda module, name, *given: browser.driver.execute_async_script(CALL, module, name, given)


def keystore(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Keystore.create(KEY, PASSPHRASE).to_json())
    document["crypto"] |= changes
    return document


def pbkdf2_with_cbc() -> dict[str, Any]:
    """What others' wallets write, in capital letters."""
    salt, iv = os.urandom(16), os.urandom(16)
    derived = hashlib.pbkdf2_hmac("sha256", UNICODE.encode(), salt, 2000, 32)
    padder, encryptor = PKCS7(128).padder(), Cipher(algorithms.AES(derived[:16]), modes.CBC(iv)).encryptor()
    padded = padder.update(KEY.secret()) + padder.finalize()
    ciphertext = encryptor.update(padded) + encryptor.finalize()
    crypto = {
        "cipher": "AES-128-CBC", "cipherparams": {"iv": iv.hex()}, "ciphertext": ciphertext.hex().upper(),
        "kdf": "pbkdf2", "kdfparams": {"c": 2000, "dklen": 32, "prf": "hmac-sha256", "salt": salt.hex().upper()},
        "mac": keccak_256(derived[16:], ciphertext).hex().upper(),
    }  # fmt: skip
    return {"Version": 3, "Crypto": crypto}


def test_keystores_are_opened_as_python_opens_them(call: Any) -> None:
    document = pbkdf2_with_cbc()
    assert Keystore(document).open(UNICODE) == KEY
    for each, passphrase in ((document, UNICODE), (keystore(), PASSPHRASE)):
        assert call("keystore", "openKeystore", json.dumps(each), passphrase) == {"value": list(KEY.secret())}


def test_what_cannot_be_opened_is_told(call: Any) -> None:
    costly = {"n": 2**24, "r": 8, "p": 1, "dklen": 32, "salt": "00"}
    for document, message in (
        (keystore(mac="00" * 32), "passphrase"),
        (keystore(ciphertext="00"), "passphrase"),
        (keystore(kdfparams=costly), "memory or time"),
        (keystore(kdf="argon2"), "neither scrypt nor PBKDF2"),
        (keystore(cipherparams={"iv": "zz"}), "damaged"),
        (keystore() | {"address": "2" * 40}, "of another account"),
        ({"encseed": "00"}, "version 3"),
        ([], "version 3"),
    ):
        told = call("keystore", "openKeystore", json.dumps(document), PASSPHRASE)
        assert message in told["error"], told
        assert told["kind"] == "KeystoreError"


def test_addresses_hashes_and_signatures(call: Any) -> None:
    secret = list(KEY.secret())
    assert call("ethereum", "addressOf", secret) == {"value": str(KEY.address)}
    for text in ("", "a b", UNICODE):
        assert call("ethereum", "eh1", text) == {"value": eh1(text)}
    assert call("ethereum", "checksummed", KEY.address[2:].lower()) == {"value": str(KEY.address)}
    for size in (0, 1, 135, 136, 1000):
        message = bytes(number % 256 for number in range(size))
        signed = call("ethereum", "sign", secret, list(message))["value"]
        assert Signature.from_json(signed) == KEY.sign(message)
