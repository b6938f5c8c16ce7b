"""Unlocking keystores with passphrases that are asked for (``dcp-client/wallet/passphrase-prompt.js``)."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..keys.private_key import PrivateKey
from .errors import WrongPassphraseError
from .keystore import Keystore

TRIES = 5

Ask = Callable[[str], str]
"""Shows a prompt, and gives the passphrase."""

_one_prompt = threading.Lock()


def unlock(keystore: Keystore, ask: Ask, *, try_empty: bool = True) -> PrivateKey:
    """Tries the empty passphrase, then asks at most five times. One prompt of this process is open at a time.

    Blocks while the user thinks: a program with an event loop calls it in a thread. Raises WrongPassphraseError after
    five wrong ones, what ``Keystore.open`` raises, and what ``ask`` raises.
    """
    key = keystore.open("") if try_empty else None
    if key:
        return key
    prompt = f"Enter your passphrase ({keystore.name}):"
    with _one_prompt:
        for _ in range(TRIES):
            key = keystore.open(ask(prompt))
            if key:
                return key
            prompt = f"Incorrect passphrase, enter your passphrase again ({keystore.name}):"
    raise WrongPassphraseError(f"could not unlock keystore '{keystore.name}': {TRIES} wrong passphrases")


def unlock_with(keystore: Keystore, passphrase: str) -> PrivateKey:
    """Raises WrongPassphraseError if the passphrase is not the keystore's."""
    key = keystore.open(passphrase)
    if not key:
        raise WrongPassphraseError(f"could not unlock keystore '{keystore.name}': the passphrase is wrong")
    return key
