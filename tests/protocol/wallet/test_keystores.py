"""Keystores of all formats that npm's wallet opens, in both directions."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keystore_samples import KEY, PASSPHRASE, SALE_KEY, sale, shouted, version_3

from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet import passphrases
from dcp_protocol.wallet.errors import MalformedKeystoreError, WalletError, WrongPassphraseError
from dcp_protocol.wallet.keystore import STRONG_SCRYPT_N, Keystore
from npm_wallet import ask_npm_wallet
from other_threads import others_run_beside

pytestmark = pytest.mark.any_engine

_SAMPLES: dict[str, tuple[Callable[[], dict[str, Any]], PrivateKey]] = {
    "V3, scrypt": (version_3, KEY),
    "V3, PBKDF2": (lambda: version_3(kdf="pbkdf2"), KEY),
    "V3, CBC": (lambda: version_3(cipher="aes-128-cbc"), KEY),
    "V3, no address": (lambda: {name: part for name, part in version_3().items() if name != "address"}, KEY),
    "V3, upper case": (lambda: {**shouted(version_3()), "address": KEY.address}, KEY),
    "EthSale": (sale, SALE_KEY),
}

_OPEN = """
    const answers = [];
    for (const { text, passphrase } of given) {
      answers.push(await outcome(async () => {
        const keystore = await new wallet.Keystore(text, passphrase);
        const key = await keystore.unlock(passphrase);
        return { address: String(key.toAddress()), key: String(key), label: keystore.label ?? null };
      }));
    }
    return answers;
"""


def opened_by_npm(*keystores: tuple[str, str]) -> list[dict[str, Any]]:
    """What npm's wallet makes of texts with their passphrases."""
    given = [{"text": text, "passphrase": passphrase} for text, passphrase in keystores]
    answers: list[dict[str, Any]] = ask_npm_wallet(_OPEN, given)
    return answers


def test_npm_opens_the_samples_as_we_do() -> None:
    texts = [(json.dumps(make()), PASSPHRASE) for make, _ in _SAMPLES.values()]
    for (name, (_, key)), answer in zip(_SAMPLES.items(), opened_by_npm(*texts), strict=True):
        assert answer["value"]["key"] == f"0x{key.secret().hex()}", name


@pytest.mark.parametrize("name", _SAMPLES)
def test_each_format_is_opened(name: str) -> None:
    make, key = _SAMPLES[name]
    keystore = Keystore(make())
    assert keystore.format == name.split(",")[0]
    assert keystore.address in (None, key.address)
    assert keystore.open(PASSPHRASE) == key
    assert keystore.open(PASSPHRASE + "x") is None
    assert keystore.open("") is None


def test_npm_opens_what_we_write() -> None:
    cases = [("", None), (PASSPHRASE, "my label"), ("x" * 200, "L\u2028é"), ("a\nb ", None)]
    keystores = [Keystore.create(KEY, passphrase, label=label) for passphrase, label in cases]
    texts = [(store.to_json().decode(), passphrase) for store, (passphrase, _) in zip(keystores, cases, strict=True)]
    secret = {"address": KEY.address, "key": f"0x{KEY.secret().hex()}"}
    assert [answer["value"] for answer in opened_by_npm(*texts)] == [{**secret, "label": label} for _, label in cases]


def test_npm_opens_a_strong_one() -> None:
    text = Keystore.create(KEY, "x", n=STRONG_SCRYPT_N).to_json().decode()
    assert opened_by_npm((text, "x"))[0]["value"]["address"] == KEY.address


def test_we_open_what_npm_writes_and_write_it_the_same_way() -> None:
    code = """
        const keystore = await new wallet.Keystore(new wallet.PrivateKey(given.key), given.passphrase);
        keystore.label = "a label";
        return JSON.stringify(keystore);
    """
    text = ask_npm_wallet(code, {"key": KEY.secret().hex(), "passphrase": PASSPHRASE})
    theirs = Keystore.parse(text)
    assert (theirs.address, theirs.label) == (KEY.address, "a label")
    assert theirs.open(PASSPHRASE) == KEY
    ours = Keystore.create(KEY, PASSPHRASE, label="a label").to_json().decode()
    digits = re.compile(
        r'[0-9a-f]{32,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|"timestamp":"[^"]*"|"process":"[^"]*"'
    )
    assert digits.sub("*", ours) == digits.sub("*", text)
    form = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4} \([^)]+\)")
    assert form.fullmatch(json.loads(text)["timestamp"])
    assert form.fullmatch(json.loads(ours)["timestamp"])


@settings(max_examples=15)
@given(st.text(max_size=30), st.text(max_size=30))
def test_only_its_passphrase_opens_a_keystore(passphrase: str, other: str) -> None:
    keystore = Keystore.parse(Keystore.create(KEY, passphrase).to_json())
    assert keystore.open(passphrase) == KEY
    if other != passphrase:
        assert keystore.open(other) is None


def test_a_keystore_keeps_what_else_it_says() -> None:
    keystore = Keystore({**version_3(), "label": "x", "extra": [1, {"a": None}]})
    written = json.loads(keystore.to_json())
    assert written["extra"] == [1, {"a": None}]
    assert {"timestamp", "process"} < written.keys()
    assert written["crypto"] == version_3()["crypto"]


def test_nothing_shows_what_a_keystore_holds() -> None:
    keystore = Keystore(version_3())
    assert KEY.secret().hex() not in repr(keystore) + str(vars(keystore))
    assert repr(keystore) == f"<Keystore {KEY.address}>"


def _changed(**changes: Any) -> dict[str, Any]:
    document = version_3()
    for path, value in changes.items():
        *folders, name = path.split("__")
        part = document
        for folder in folders:
            part = part[folder]
        part[name] = value
    return document


_MALFORMED: list[tuple[Any, str]] = [
    ({}, "none of the formats"),
    ({"version": 2}, "none of the formats"),
    ({"version": 3.0}, "none of the formats"),
    ({"version": True}, "none of the formats"),
    ({"version": 3}, "no object 'crypto'"),
    ({"version": 3, "crypto": []}, "no object 'crypto'"),
    ({"version": "1", "crypto": {}}, "none of the formats"),
    ({"encseed": "00"}, "'ethaddr' of the keystore"),
    ({"encseed": "zz", "ethaddr": "00" * 20}, "'encseed' of the keystore"),
    ({"encseed": "00" * 16, "ethaddr": "00" * 20}, "the ciphertext of the keystore"),
    (_changed(address="xyz"), "the address in the keystore is none"),
    (_changed(address=["a"]), "the address in the keystore is none"),
    (_changed(crypto__cipher="aes-256-gcm"), "cipher is none of these: aes-128-ctr, aes-128-cbc"),
    (_changed(crypto__cipher=None), "cipher is none of these"),
    (_changed(crypto__cipher=[]), "cipher is none of these"),
    (_changed(crypto__kdf="argon2"), "neither scrypt nor PBKDF2"),
    (_changed(crypto__kdf="pbkdf2"), "neither scrypt nor PBKDF2"),
    (_changed(crypto__mac="00"), "'mac' of the keystore is not a text of 64 hexadecimal digits"),
    (_changed(crypto__mac=5), "'mac' of the keystore"),
    (_changed(crypto__ciphertext=""), "the ciphertext of the keystore"),
    (_changed(crypto__ciphertext="00" * 5000), "the ciphertext of the keystore"),
    (_changed(crypto__cipherparams__iv="00"), "'iv' of the keystore"),
    (_changed(crypto__kdfparams__salt="0"), "'salt' of the keystore"),
    (_changed(crypto__kdfparams__salt="00" * 2000), "a salt at most"),
    (_changed(crypto__kdfparams__dklen=31), "a derived key has 32 to"),
    (_changed(crypto__kdfparams__dklen=10**9), "a derived key has 32 to"),
    (_changed(crypto__kdfparams__dklen="32"), "dklen of the keystore is no whole number"),
    (_changed(crypto__kdfparams__n=1000), "n is a power of two"),
    (_changed(crypto__kdfparams__n=1), "n is a power of two"),
    (_changed(crypto__kdfparams__n=-1024), "n is a power of two"),
    (_changed(crypto__kdfparams__n=1024.5), "n of the keystore is no whole number"),
    (_changed(crypto__kdfparams__r=0), "parameters of scrypt"),
    (_changed(crypto__kdfparams__p=0), "parameters of scrypt"),
    (_changed(crypto__kdfparams__n=2**40), "more memory or time"),
    (_changed(crypto__kdfparams__n=2**21), "more memory or time"),
    (_changed(crypto__kdfparams__r=2**25), "more memory or time"),
    (_changed(crypto__kdfparams__p=2**30), "more memory or time"),
    (
        _changed(
            crypto__kdfparams={**version_3(kdf="pbkdf2")["crypto"]["kdfparams"], "c": 10**10}, crypto__kdf="pbkdf2"
        ),
        "more time",
    ),
    (
        _changed(crypto__kdfparams={**version_3(kdf="pbkdf2")["crypto"]["kdfparams"], "c": 0}, crypto__kdf="pbkdf2"),
        "iterations",
    ),
    (
        _changed(
            crypto__kdfparams={**version_3(kdf="pbkdf2")["crypto"]["kdfparams"], "prf": "hmac-sha1"},
            crypto__kdf="pbkdf2",
        ),
        "neither",
    ),
]


@pytest.mark.parametrize(("document", "message"), _MALFORMED)
def test_what_is_no_keystore_is_refused_at_once(document: Any, message: str) -> None:
    """Before any passphrase is asked for, and before any memory is taken."""
    tracemalloc.start()
    with pytest.raises(MalformedKeystoreError, match=re.escape(message)) as refused:
        Keystore(document)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert refused.value.code == "DCP_WA:MALFORMED"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[]", "no object"),
        (b"5", "no object"),
        (b"[" * 40, "nested deeper"),
        (b" " * 100_000, "at most 65536 bytes"),
        ("\ud800", "no JSON"),
    ],
)
def test_texts_that_are_no_keystores(text: str | bytes, message: str) -> None:
    with pytest.raises(MalformedKeystoreError, match=message):
        Keystore.parse(text)


def test_a_key_that_is_not_the_stated_address_is_refused() -> None:
    keystore = Keystore({**version_3(), "address": "00" * 20})
    with pytest.raises(MalformedKeystoreError, match=f"says that it is of 0x0+, and has a key of {KEY.address}"):
        keystore.open(PASSPHRASE)
    assert keystore.open("wrong") is None


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, b"\x01" * 31])
def test_what_is_no_key_is_refused(secret: bytes) -> None:
    with pytest.raises(MalformedKeystoreError, match="what the keystore holds is no private key"):
        Keystore(version_3(secret=secret)).open(PASSPHRASE)


def test_what_scrypt_is_not_defined_for_is_refused() -> None:
    with pytest.raises(MalformedKeystoreError, match="what scrypt is not defined for"):
        Keystore(_changed(crypto__kdfparams__n=2**16, crypto__kdfparams__r=1, crypto__kdfparams__p=1))


def test_too_little_memory_is_no_fault_of_the_keystore(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise ValueError("[digital envelope routines] memory limit exceeded")

    monkeypatch.setattr(hashlib, "scrypt", refuse)
    with pytest.raises(WalletError, match=r"not enough memory for the passphrase \(scrypt, n=1024") as refused:
        Keystore.create(KEY, "")
    assert refused.value.code == "ENOMEM"


def test_other_threads_run_while_a_key_is_derived() -> None:
    keystore = Keystore(_changed(crypto__kdfparams__n=2**15, crypto__kdfparams__r=8))
    assert others_run_beside(lambda: keystore.open("x"))


# --- Passphrases ---


class Answers:
    """A user who gives these passphrases, one after another."""

    def __init__(self, *answers: str) -> None:
        self.prompts: list[str] = []
        self._answers = iter(answers)

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        return next(self._answers)


def test_the_empty_passphrase_is_tried_without_asking() -> None:
    ask = Answers()
    assert passphrases.unlock(Keystore(version_3("")), ask) == KEY
    assert ask.prompts == []


def test_the_user_may_be_asked_first() -> None:
    ask = Answers("")
    assert passphrases.unlock(Keystore(version_3("")), ask, try_empty=False) == KEY
    assert len(ask.prompts) == 1


def test_prompts_are_those_of_dcp() -> None:
    ask = Answers("a", "b", "c", "d", PASSPHRASE)
    keystore = Keystore({**version_3(), "label": "mine"})
    assert passphrases.unlock(keystore, ask) == KEY
    again = "Incorrect passphrase, enter your passphrase again (mine):"
    assert ask.prompts == ["Enter your passphrase (mine):", *4 * [again]]


def test_five_wrong_passphrases_are_enough() -> None:
    ask = Answers(*"abcdefgh")
    with pytest.raises(WrongPassphraseError, match=r"could not unlock keystore '0x.*': 5 wrong passphrases") as refused:
        passphrases.unlock(Keystore(version_3()), ask)
    assert len(ask.prompts) == 5
    assert refused.value.code == "DCP_WA:UNLOCKX"


def test_one_prompt_is_open_at_a_time() -> None:
    open_now: list[int] = []
    most = 0

    def ask(prompt: str) -> str:
        nonlocal most
        open_now.append(1)
        most = max(most, len(open_now))
        time.sleep(0.01)
        open_now.pop()
        return PASSPHRASE

    threads = [threading.Thread(target=passphrases.unlock, args=(Keystore(version_3()), ask)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_prompt_that_is_broken_off_leaves_room_for_the_next() -> None:
    def interrupted(prompt: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        passphrases.unlock(Keystore(version_3()), interrupted)
    assert passphrases.unlock(Keystore(version_3()), Answers(PASSPHRASE)) == KEY


def test_one_passphrase() -> None:
    keystore = Keystore(version_3())
    assert passphrases.unlock_with(keystore, PASSPHRASE) == KEY
    with pytest.raises(WrongPassphraseError, match="the passphrase is wrong"):
        passphrases.unlock_with(keystore, "x")
