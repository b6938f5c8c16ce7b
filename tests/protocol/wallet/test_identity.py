"""Who a program is, beside dcp-client 4 and 5."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from keystore_samples import KEY, PASSPHRASE, names_in, version_3

from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet import files
from dcp_protocol.wallet.errors import KeystoreNotFoundError, MalformedKeystoreError, WrongPassphraseError
from dcp_protocol.wallet.identity import existing_identity, identity
from dcp_protocol.wallet.keystore import Keystore
from npm_wallet import ask_npm_wallet

pytestmark = pytest.mark.any_engine


def nobody_asks(prompt: str) -> str:
    pytest.fail(f"asked for {prompt}")


def passphrase(prompt: str) -> str:
    return PASSPHRASE


def test_one_that_is_not_there_is_no_identity_of_dcp_client_4(home: Path) -> None:
    with pytest.raises(KeystoreNotFoundError, match=r"make one with dcp-keystore new id$"):
        existing_identity(nobody_asks)


def test_one_that_is_there_is_unlocked(home: Path) -> None:
    path = files.keystore_path("id")
    files.save(Keystore.create(KEY, PASSPHRASE), path)
    assert existing_identity(passphrase) == KEY
    assert existing_identity(passphrase, str(path)) == KEY
    assert identity(passphrase) == KEY
    with pytest.raises(WrongPassphraseError):
        identity(lambda _: "wrong")
    assert existing_identity(passphrase, folders=[home / "none"]) == KEY


def test_a_new_identity_is_made_and_kept_as_dcp_client_5_does(home: Path) -> None:
    key = identity(nobody_asks)
    loaded = files.load("id")
    assert loaded.keystore.open("") == key
    assert stat.S_IMODE(loaded.path.stat().st_mode) == 0o600
    assert identity(nobody_asks) == existing_identity(nobody_asks) == key


def test_a_new_identity_may_be_forgotten(home: Path) -> None:
    assert identity(nobody_asks, keep=False) != identity(nobody_asks, keep=False)
    assert names_in(home) == []


def test_a_damaged_identity_is_not_written_over(home: Path) -> None:
    path = home / ".dcp" / "id.keystore"
    path.parent.mkdir()
    path.write_text("damaged")
    with pytest.raises(MalformedKeystoreError, match=str(path)):
        identity(nobody_asks)
    assert path.read_text() == "damaged"


def test_an_identity_may_be_given(home: Path) -> None:
    text = json.dumps(version_3())
    path = home / "mine"
    path.write_text(text)
    for given in (KEY.secret().hex(), f"0x{KEY.secret().hex()}", text, f"\n{text}\n", str(path), "~/mine"):
        assert identity(passphrase, given) == KEY
    assert names_in(home) == ["mine"]


@pytest.mark.parametrize("given", ["ab" * 31, "0x" + "0" * 64, "ab" * 33, "AB" * 20])
def test_what_may_be_a_key_is_never_shown(home: Path, given: str) -> None:
    with pytest.raises(MalformedKeystoreError, match="is no private key") as refused:
        identity(nobody_asks, given)
    assert given.strip("0x") not in str(refused.value) or not given.strip("0x")


def test_what_is_given_wrongly(home: Path) -> None:
    with pytest.raises(MalformedKeystoreError, match="no JSON"):
        identity(nobody_asks, "{")
    with pytest.raises(KeystoreNotFoundError, match=r"there is no keystore .*/nowhere$"):
        identity(nobody_asks, "nowhere")


def test_npm_takes_our_identity_and_we_take_its(home: Path) -> None:
    ours = identity(nobody_asks)
    code = """
        const identity = require("dcp/identity");
        identity.interactive = false;
        await identity.login();
        const theirs = await identity.get();
        return [String(theirs.address), theirs.label];
    """
    environment = {"HOME": str(home)}
    address, label = ask_npm_wallet(code, packages="dcp5", environment=environment)
    assert (address, label) == (ours.address, files.load("id").keystore.label)
    (home / ".dcp" / "id.keystore").unlink()
    address, label = ask_npm_wallet(code, packages="dcp5", environment=environment)
    assert identity(nobody_asks) == existing_identity(nobody_asks)
    assert (address, label) == (identity(nobody_asks).address, files.load("id").keystore.label)
    assert PrivateKey.generate() != ours
