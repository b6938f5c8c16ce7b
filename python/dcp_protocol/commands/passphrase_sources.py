"""Where a command has passphrases from: the terminal, a file or a descriptor; never its arguments, which others see."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path

from ..keys.private_key import PrivateKey
from ..wallet.errors import WalletError
from ..wallet.keystore import Keystore
from ..wallet.passphrases import TRIES, unlock, unlock_with

_LONGEST = 64 << 10
"""Bytes of a passphrase."""


class PassphraseError(WalletError):
    """``DCP_WA:UNLOCKX``: no passphrase is to be had from where it should come."""

    def __init__(self, message: str) -> None:
        super().__init__("DCP_WA:UNLOCKX", message)


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """A file, or a descriptor, or with neither the terminal. ``option`` begins the names of the options for them."""

    option: str
    file: Path | None = None
    descriptor: int | None = None

    def unlock(self, keystore: Keystore) -> PrivateKey:
        """On the terminal as DCP does: after the empty passphrase, with five tries. Raises WalletError."""
        if self._is_terminal:
            return unlock(keystore, self._ask)
        return unlock_with(keystore, self._read())

    def new_passphrase(self) -> str:
        """One for a key, which is not empty; on the terminal it is given twice. Raises PassphraseError."""
        passphrase = self._ask_twice() if self._is_terminal else self._read()
        if not passphrase:
            raise PassphraseError(
                f"the passphrase is empty: for a keystore that anybody can open, say --no-{self.option}"
            )
        return passphrase

    @property
    def _is_terminal(self) -> bool:
        return self.file is None and self.descriptor is None

    def _ask(self, prompt: str) -> str:
        try:
            os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
        except OSError:
            raise PassphraseError(
                f"there is no terminal to ask for the passphrase: give --{self.option}-file or --{self.option}-fd"
            ) from None
        try:
            return getpass.getpass(f"{prompt} ")
        except EOFError:
            raise PassphraseError("no passphrase was given") from None
        except UnicodeDecodeError:
            raise PassphraseError("what was typed is no text in the terminal's encoding") from None

    def _ask_twice(self) -> str:
        for _ in range(TRIES):
            passphrase = self._ask("Enter a passphrase for your Keystore:")
            if passphrase == self._ask("Please confirm new passphrase by entering it again:"):
                return passphrase
        raise PassphraseError(f"the passphrase was not confirmed in {TRIES} tries")

    def _read(self) -> str:
        """The first line."""
        if self.descriptor is not None:
            return _decoded(_line_of(self.descriptor, f"descriptor {self.descriptor}"), f"descriptor {self.descriptor}")
        assert self.file is not None
        try:
            descriptor = os.open(self.file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise PassphraseError(f"{self.file}: {error.strerror}") from None
        try:
            return _decoded(_line_of(descriptor, str(self.file)), str(self.file))
        finally:
            os.close(descriptor)


def _line_of(descriptor: int, name: str) -> bytes:
    """Reads no further, so that the next line may be another passphrase. It may end as lines do on Windows."""
    line = bytearray()
    try:
        while (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
            line += byte
            if len(line) > _LONGEST:
                raise PassphraseError(f"{name}: its first line is longer than {_LONGEST} bytes")
    except OSError as error:
        raise PassphraseError(f"{name}: {error.strerror}") from None
    if not byte and not line:
        raise PassphraseError(f"{name}: there is no passphrase in it")
    return bytes(line.removesuffix(b"\r"))


def _decoded(line: bytes, name: str) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise PassphraseError(f"{name}: the passphrase is no text in UTF-8") from None
