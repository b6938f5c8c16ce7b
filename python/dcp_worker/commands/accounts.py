"""Who the worker is, and who is paid: keys and addresses from options, settings and keystores."""

from __future__ import annotations

import argparse
import os
from typing import Final, NoReturn

from dcp_protocol.commands.passphrase_sources import PassphraseSource
from dcp_protocol.keys.address import Address
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet import files, identity
from dcp_protocol.wallet.errors import KeystoreNotFoundError
from dcp_protocol.wallet.keystore import Keystore

from ..configuration.settings import WorkerSettings
from ..errors import ConfigurationError
from .line import tell
from .options import PROGRAM

COMMUNITY: Final = Address("0x079DAC0612C710ab4e975dAb7171C7e4beF78c5a")
"""Of the DCP community, in npm's dcp-worker."""


def payment_address(options: argparse.Namespace, settings: WorkerSettings) -> Address:
    """The account that is paid: an address, else that of a keystore, which stays locked.

    Raises ConfigurationError, WalletError.
    """
    if settings.payment_address:
        return settings.payment_address
    name = _path(options.default_bank_account_file) or options.default_bank_account or files.DEFAULT
    try:
        return files.load_address(name)
    except KeystoreNotFoundError as error:
        if options.defaultPaymentAddressToDCP:
            tell(PROGRAM, "warning: there is no account to be paid, so that the DCP community is paid")
            return COMMUNITY
        raise ConfigurationError(
            f"nobody would be paid: {error}; run dcp-worker setup, or say --paymentAddress"
        ) from None


def worker_identity(options: argparse.Namespace) -> PrivateKey:
    """Who the worker is. Without an option or a keystore of that name, it becomes somebody new.

    Raises ConfigurationError, WalletError.
    """
    source = PassphraseSource("identity-passphrase", options.identity_passphrase_file, options.identity_passphrase_fd)
    if options.identityKey:
        return _key(options.identityKey)
    if text := options.identityKeystore:
        return source.unlock(Keystore.parse(text))
    if options.dcp_identity:
        return _given(options.dcp_identity, source)
    if name := _path(options.identity_file) or options.identity:
        return source.unlock(files.load(name).keystore)
    path = files.keystore_path(files.IDENTITY)
    if os.path.lexists(path):
        return source.unlock(files.load(str(path)).keystore)
    key = identity.identity(_nobody)
    tell(PROGRAM, f"made an identity for this worker, {key.address}: {path}")
    return key


def _given(text: str, source: PassphraseSource) -> PrivateKey:
    if text.lstrip().startswith("{"):
        return source.unlock(Keystore.parse(text))
    if os.path.exists(os.path.expanduser(text)):  # noqa: PTH110, PTH111 (a home that is unknown stays as it is)
        return source.unlock(files.load(_path(text)).keystore)
    return _key(text)


def _key(text: str) -> PrivateKey:
    try:
        return PrivateKey.parse(text)
    except ValueError as error:  # which does not show it
        raise ConfigurationError(f"the identity that is given is no private key: {error}") from None


def _path(name: str | None) -> str:
    """A name of a file that is no name of a keystore; empty where there is none."""
    return os.path.abspath(os.path.expanduser(name)) if name else ""  # noqa: PTH100, PTH111 (as above)


def _nobody(prompt: str) -> NoReturn:
    raise AssertionError(prompt)  # a new keystore has no passphrase
