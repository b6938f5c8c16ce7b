"""TLS with the certificates of the system."""

from __future__ import annotations

import functools
import ssl

import aiohttp

from .failures import TransportError


@functools.cache
def system_context() -> ssl.SSLContext:
    """Reads the certificates once, which takes a moment: call it in a thread."""
    return ssl.create_default_context()


def tls_error(error: aiohttp.ClientError | ssl.SSLError, location: str) -> TransportError | None:
    """What a failure of TLS means, None for other failures. Another try would fail in the same way."""
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
        reason = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
        remedy = (
            "If you trust its issuer, add the issuer's certificate to those of this system, or name a file that has it"
            " in the variable SSL_CERT_FILE."
        )
        return TransportError("ECERT", f"The certificate of {location} is refused: {reason}. {remedy}", permanent=True)
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return TransportError("ETLS", f"TLS with {location} failed: {error}. Is it an https service?", permanent=True)
    return None
