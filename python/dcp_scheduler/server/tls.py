"""TLS of a scheduler's own: a certificate that is renewed while it is in use."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ..errors import SchedulerError

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 10.0
# Of TLS 1.2, those with forward secrecy and authenticated encryption; TLS 1.3 has no others.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Certificate:
    """``certificate``: a file of PEM with the chain, the server's own first; ``key``: one with its private key, which
    may be the same. ``context`` is for listening, and has what was read last; who is connected already notices nothing.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises SchedulerError where a file cannot be used."""
        self._paths = certificate, key
        self._seen = self._state()
        self.context, self.name = _read(certificate, key)
        self.context.sni_callback = self._choose
        self._current = self.context

    def reload(self) -> None:
        """Reads both again. Where they cannot be used, the log says why, and those from before stay."""
        self._seen = self._state()
        try:
            self._current, self.name = _read(*self._paths)
        except SchedulerError as error:
            _LOG.error("the certificate from before stays: %s", error)
        else:
            _LOG.info("the certificate was read again")

    async def watch(self, seconds: float = _LOOK_SECONDS) -> None:
        """Reads them again when they change. Never returns."""
        while True:
            await asyncio.sleep(seconds)
            if self._state() != self._seen:
                self.reload()

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current

    def _state(self) -> list[tuple[int, int, int] | None]:
        """Whether it is another one, of each. Links are followed: tools for renewal change them."""
        return [_identity(path) for path in self._paths]


def _identity(path: Path) -> tuple[int, int, int] | None:
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None


def _read(certificate: Path, key: Path) -> tuple[ssl.SSLContext, str]:
    """And the name that others may call this server by, if there is one. Raises SchedulerError."""
    chain = _contents(certificate)
    private = _contents(key)
    try:
        first = x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise SchedulerError(f"{certificate} has no certificate in PEM in it") from None
    try:
        load_pem_private_key(private, None)
    except TypeError:
        raise SchedulerError(
            f"the key in {key} has a passphrase; name a file without: openssl pkey -in {key}"
        ) from None
    except ValueError:
        raise SchedulerError(f"{key} has no private key in PEM in it") from None
    context = _context()
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError) as error:
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            raise SchedulerError(f"the key in {key} is not that of the certificate in {certificate}") from None
        raise SchedulerError(f"{certificate} and {key} cannot be used for TLS: {error}") from None
    if first.not_valid_after_utc < datetime.now(UTC):
        _LOG.warning("the certificate in %s is valid no more since %s", certificate, first.not_valid_after_utc)
    return context, _name(first)


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SchedulerError(f"{path} cannot be read: {error.strerror}") from None


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> NoReturn:
    """Instead of a question in a terminal."""
    raise OSError("the key has a passphrase")


def _name(certificate: x509.Certificate) -> str:
    """The first of its names that is no pattern; empty where there is none."""
    with contextlib.suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return next((name for name in names.get_values_for_type(x509.DNSName) if "*" not in name), "")
    return ""
