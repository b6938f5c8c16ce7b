"""Whose a job is and who pays for it: keystores where npm's client has them, in ``~/.dcp``."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass

from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet import files
from dcp_protocol.wallet.errors import KeystoreNotFoundError, WalletError
from dcp_protocol.wallet.passphrases import unlock

from ..errors import NetworkError
from ..processes.notices import notice


@dataclass(frozen=True, slots=True)
class Keys:
    """``owner``: of the job; ``payer``: of the account."""

    owner: PrivateKey
    payer: PrivateKey


def load_keys(account: str | None, price: float, ask: Callable[[str], str] = getpass.getpass) -> Keys:
    """``account``: name or path of a keystore, None for the user's default; ``ask`` gets passphrases that are needed.

    Raises NetworkError where a keystore is missing or cannot be opened.
    """
    owner = _load(files.IDENTITY, ask)
    if owner is None:
        notice("no identity in ~/.dcp: this job has one of its own; dcp-keystore new id makes one that stays")
        owner = PrivateKey.generate()
    if account is not None:
        payer = _load(account, ask)
        if payer is None:
            raise NetworkError(f"there is no keystore {account!r} for the account; dcp-keystore new makes one")
        return Keys(owner, payer)
    if price == 0:
        return Keys(owner, owner)
    payer = _load(files.DEFAULT, ask)
    if payer is None:
        raise NetworkError("a price needs an account: give account=, or make one with dcp-keystore new default")
    return Keys(owner, payer)


def _load(name: str, ask: Callable[[str], str]) -> PrivateKey | None:
    """None where there is none."""
    try:
        return unlock(files.load(name).keystore, ask)
    except KeystoreNotFoundError:
        return None
    except WalletError as error:
        raise NetworkError(f"the keystore {name!r} cannot be used: {error}", code=error.code) from None
    except EOFError:
        raise NetworkError(f"the keystore {name!r} has a passphrase, and there is no terminal to ask for it") from None
