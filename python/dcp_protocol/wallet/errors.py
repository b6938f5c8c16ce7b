"""What goes wrong with keystores, with the codes of DCP's wallet (``dcp-client/wallet/error-codes.js``)."""

from __future__ import annotations

from ..errors import ProtocolError


class WalletError(ProtocolError):
    """Base of all; ``code`` is one of those below, or the operating system's, such as ``EACCES``."""


class KeystoreNotFoundError(WalletError):
    """``ENOENT``: there is no such keystore."""

    def __init__(self, message: str) -> None:
        super().__init__("ENOENT", message)


class MalformedKeystoreError(WalletError):
    """``DCP_WA:MALFORMED``: what should be a keystore is none, or none that this library opens."""

    def __init__(self, message: str) -> None:
        super().__init__("DCP_WA:MALFORMED", message)


class WrongPassphraseError(WalletError):
    """``DCP_WA:UNLOCKX``: no passphrase that was given opens the keystore."""

    def __init__(self, message: str) -> None:
        super().__init__("DCP_WA:UNLOCKX", message)
