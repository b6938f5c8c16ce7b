"""Who a program is: the keystore of its identity, by the rules of dcp-client 4 and of dcp-client 5."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

from ..keys.private_key import PrivateKey
from . import files
from .errors import KeystoreNotFoundError, MalformedKeystoreError
from .keystore import Keystore
from .passphrases import Ask, unlock

_LOOKS_LIKE_A_KEY = re.compile(r"(0[xX])?[0-9a-fA-F]{40,}")
"""What is not taken for a path, so that no message shows it."""


def existing_identity(ask: Ask, name: str = files.IDENTITY, folders: Sequence[Path] = ()) -> PrivateKey:
    """As in dcp-client 4 (``wallet.getId``): the keystore must be there. ``name``: a name, or a path with a slash.

    Raises KeystoreNotFoundError, WrongPassphraseError, MalformedKeystoreError, WalletError; blocks while the user is
    asked.
    """
    try:
        loaded = files.load(name, folders)
    except KeystoreNotFoundError as error:
        raise KeystoreNotFoundError(f"{error}; make one with dcp-keystore new {shlex.quote(name)}") from None
    return unlock(loaded.keystore, ask)


def identity(ask: Ask, given: str | None = None, *, keep: bool = True) -> PrivateKey:
    """As in dcp-client 5 (``identity.login``): where there is none, one is made anew, with the empty passphrase.

    ``given``: what the user says it is: a private key in hexadecimal digits, the text of a keystore, or its path.
    ``keep``: a new one is written to ``id.keystore`` in the user's folder. Raises what ``existing_identity`` raises.
    """
    if given:
        return _given(given, ask)
    path = files.keystore_path(files.IDENTITY)
    if os.path.isfile(path):  # noqa: PTH113 (one that may not be looked at is not there, and is not written over)
        return unlock(files.load(str(path)).keystore, ask)
    key = PrivateKey.generate()
    if keep:
        files.save(Keystore.create(key, "", label=f"identity:{_user()}@{socket.gethostname()}"), path)
    return key


def _given(given: str, ask: Ask) -> PrivateKey:
    text = given.strip()
    if text.startswith("{"):
        return unlock(Keystore.parse(text), ask)
    if _LOOKS_LIKE_A_KEY.fullmatch(text):
        return _private_key(text)
    return unlock(files.load(str(Path(text).expanduser().absolute())).keystore, ask)


def _private_key(text: str) -> PrivateKey:
    try:
        return PrivateKey.parse(text)
    except ValueError as error:  # which does not show it
        raise MalformedKeystoreError(f"the identity that is given is no private key: {error}") from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
