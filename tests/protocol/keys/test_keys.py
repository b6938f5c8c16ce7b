"""Addresses, private keys, signatures and hashes, beside those of npm's wallet."""

from __future__ import annotations

import pickle
import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dcp_protocol.keys.address import Address
from dcp_protocol.keys.hashes import eh1, keccak_256, personal_hash
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.keys.signature import Signature
from npm_wallet import ask_npm_wallet
from other_threads import others_run_beside

pytestmark = pytest.mark.any_engine

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_MIXED = "0x079DAC0612C710ab4e975dAb7171C7e4beF78c5a"
_BODIES = ["", "x", "hello", '{"a":[1,2]}', "é", "😀 and \u2028", "x" * 135, "x" * 136, "x" * 137, "0" * 300_000]


def keys() -> list[PrivateKey]:
    numbers = random.Random(5)
    secrets = [1, 2, _ORDER - 1, *(numbers.randrange(1, _ORDER) for _ in range(20))]
    return [PrivateKey(secret.to_bytes(32)) for secret in secrets]


def test_signatures_are_those_of_npm() -> None:
    given = [{"key": key.secret().hex(), "text": text} for key in keys() for text in _BODIES]
    theirs = ask_npm_wallet(
        """
        const answers = [];
        for (const { key, text } of given) {
          const keystore = await new wallet.Keystore(new wallet.PrivateKey(key), "");
          answers.push([keystore.address, await keystore.makeSignature(text)]);
        }
        return answers;
        """,
        given,
    )
    for case, (address, signature) in zip(given, theirs, strict=True):
        key, message = PrivateKey.parse(case["key"]), case["text"].encode()
        assert key.address == address
        assert key.sign(message).to_json() == signature
        assert Signature.from_json(signature).recover(message) == address


def test_npm_takes_our_signatures_and_those_with_the_other_s() -> None:
    cases = []
    for key in keys():
        signature = key.sign(b'"text"')
        other = Signature(signature.r, (_ORDER - int.from_bytes(signature.s)).to_bytes(32), 55 - signature.v)
        assert int.from_bytes(signature.s) <= _ORDER // 2
        assert other.recover(b'"text"') == key.address
        cases += [{"address": key.address, "signature": each.to_json()} for each in (signature, other)]
    code = "return given.map((one) => new wallet.Address(one.address).verifySignature('text', one.signature));"
    assert ask_npm_wallet(code, cases) == [True] * len(cases)


def test_hashes_are_those_of_npm() -> None:
    code = """
        const { util } = wallet._internalEth;
        return given.map((text) => "eh1-" + util.hashPersonalMessage(Buffer.from(text)).toString("hex"));
    """
    assert [eh1(text) for text in _BODIES] == ask_npm_wallet(code, _BODIES)


def test_lone_surrogates_are_hashed_as_node_writes_them() -> None:
    assert eh1("a\ud800b") == eh1("a\ufffdb")
    assert eh1("\ud83d\ude00") == eh1("😀")


def test_keccak_256_is_the_one_before_the_standard() -> None:
    assert keccak_256().hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak_256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


def test_a_message_may_come_in_pieces() -> None:
    message = random.Random(6).randbytes(1000)
    pieces = [message[:1], b"", memoryview(message)[1:137], bytearray(message[137:])]
    assert personal_hash(*pieces) == personal_hash(message)
    key = PrivateKey.generate()
    assert key.sign(*pieces) == key.sign(message)
    assert key.sign(message).recover(*pieces) == key.address


def test_pieces_count_in_bytes() -> None:
    assert personal_hash(memoryview(b"12345678").cast("I")) == personal_hash(b"12345678")


def test_only_bytes_are_hashed() -> None:
    with pytest.raises(TypeError):
        keccak_256("text")  # type: ignore[arg-type]
    with pytest.raises(BufferError):
        keccak_256(memoryview(b"12345678")[::2])


def test_other_threads_run_while_a_long_message_is_hashed() -> None:
    message = bytes(40_000_000)
    assert others_run_beside(lambda: personal_hash(message))


_TEXTS = [
    _MIXED,
    _MIXED[2:],
    _MIXED.lower(),
    "0x" + _MIXED[2:].upper(),
    _MIXED[2:].upper(),
    _MIXED.upper(),
    "0x" + _MIXED[2:].swapcase(),
    _MIXED.replace("ab4e", "Ab4e"),
    "0" * 40,
    "0x" + "1234567890" * 4,
    _MIXED[:-1],
    _MIXED + "0",
    _MIXED + "\n",
    " " + _MIXED,
    "0x" + "g" * 40,
    "",
    "0x",
    "0x" + "\u0661" * 40,
]


def test_addresses_are_taken_as_npm_takes_them() -> None:
    code = "return given.map((text) => wallet.isAddress(text) ? String(new wallet.Address(text)) : null);"
    for text, theirs in zip(_TEXTS, ask_npm_wallet(code, _TEXTS), strict=True):
        try:
            ours = Address(text)
        except ValueError:
            ours = None
        assert ours == theirs, text


def test_an_address_is_its_text() -> None:
    address = Address(_MIXED.lower())
    assert address == _MIXED == str(address)
    assert f"{address}" == _MIXED
    assert hash(address) == hash(_MIXED)
    assert address.to_bytes() == bytes.fromhex(_MIXED[2:])
    assert Address.parse(_MIXED) == address
    assert repr(address) == f"Address('{_MIXED}')"
    assert pickle.loads(pickle.dumps(address)) == address


@pytest.mark.parametrize("value", [None, 5, b"0x", ["0x"], 0x079DAC0612C710AB4E975DAB7171C7E4BEF78C5A])
def test_values_of_peers_that_are_no_addresses(value: object) -> None:
    with pytest.raises(ValueError, match="an address is a text"):
        Address.parse(value)


def test_the_checksum_that_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"the checksum of the address 0x.* is wrong"):
        Address(_MIXED.replace("ab4e", "Ab4e"))


def test_nothing_shows_a_private_key() -> None:
    key = PrivateKey.generate()
    secret = key.secret().hex()
    assert secret not in repr(key) + str(key) + f"{key}"
    assert key.address in repr(key)
    assert not hasattr(key, "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)


@pytest.mark.parametrize(
    "text", ["", "0x", "12" * 31, "12" * 33, "zz" * 32, "00" * 32, f"{_ORDER:x}", "ff" * 32, "0X" + "12" * 32]
)
def test_texts_that_are_no_private_keys(text: str) -> None:
    with pytest.raises(ValueError, match="a private key ") as refused:
        PrivateKey.parse(text)
    assert len(text) < 5 or text not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("secret", [b"", b"\x01", b"\x01" * 31, b"\x01" * 33])
def test_a_private_key_has_32_bytes(secret: bytes) -> None:
    with pytest.raises(ValueError, match="a private key is a number of 32 bytes"):
        PrivateKey(secret)


def test_private_keys_are_equal_by_what_they_are() -> None:
    key = PrivateKey.generate()
    assert PrivateKey.parse(f"0x{key.secret().hex().upper()}") == key
    assert {key, PrivateKey(key.secret())} == {key}
    assert PrivateKey.generate() != key
    assert key != key.secret()


_GOOD = PrivateKey((7).to_bytes(32)).sign(b"text")


def _signature(**parts: object) -> dict[str, object]:
    return {**_GOOD.to_json(), **parts}


def test_signatures_come_in_two_forms() -> None:
    assert Signature.from_json(_signature()) == _GOOD
    assert Signature.from_json({"r": list(_GOOD.r), "s": list(_GOOD.s), "v": _GOOD.v}) == _GOOD


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "text",
        {},
        _signature(v=26),
        _signature(v=29),
        _signature(v=27.0),
        _signature(v=True),
        _signature(v="27"),
        _signature(r=None),
        _signature(r={"type": "Buffer"}),
        _signature(r={"data": [1] * 32}),
        _signature(r=[1] * 31),
        _signature(r=[1] * 33),
        _signature(r=[256] * 32),
        _signature(r=[-1] * 32),
        _signature(r=[1.0] * 32),
        _signature(r=[True] * 32),
        _signature(r=[0] * 32),
        _signature(s=[0] * 32),
        _signature(r=list(_ORDER.to_bytes(32))),
        _signature(s=list(_ORDER.to_bytes(32))),
        _signature(s=[255] * 32),
    ],
)
def test_signatures_that_are_none(value: object) -> None:
    with pytest.raises(ValueError, match=r"signature|bytes must be in range"):
        Signature.from_json(value)


def test_a_signature_that_nobody_can_have_made() -> None:
    """No point of the curve has this x."""
    signature = Signature((5).to_bytes(32), _GOOD.s, 27)
    with pytest.raises(ValueError, match="recover"):
        signature.recover(b"text")


def test_another_message_has_another_signer() -> None:
    key = PrivateKey((7).to_bytes(32))
    assert _GOOD.recover(b"text") == key.address
    assert _GOOD.recover(b"texT") != key.address


def test_an_address_is_that_of_the_public_key() -> None:
    key = PrivateKey((1).to_bytes(32))
    point = ec.derive_private_key(1, ec.SECP256K1()).public_key().public_numbers()
    public = point.x.to_bytes(32) + point.y.to_bytes(32)
    assert Address.of_public_key(public) == key.address == "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
