"""What failures of HTTP and of what lies below it mean for a transport (protocol/transports/http-bearer.js)."""

from __future__ import annotations

import ssl

import aiohttp

from .failures import TransportError, printable

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAY_PASS = frozenset({408, 500, 502, 503, 504})
_PROXY_ASKS = 407
_REMEDY = (
    "If you trust its issuer, add the issuer's certificate to those of this system, or name a file that has it in the"
    " variable SSL_CERT_FILE."
)


class UnreachableError(TransportError):
    """No other carrier would do better."""


class RedirectError(Exception):
    """The service is elsewhere."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


async def stop_at_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Middleware: raises RedirectError, for websockets too, which need another URL then."""
    response = await handler(request)
    if response.status in _REDIRECTS and (target := response.headers.get("Location")):
        response.close()
        raise RedirectError(target)
    return response


def refusal(status: int, location: str) -> TransportError:
    """For an answer with a status that is none of success."""
    if status == _PROXY_ASKS:
        return _proxy_asks(location)
    reason = f"{location} answers with HTTP status {status}"
    return TransportError("EPROTO", reason, permanent=status not in _MAY_PASS)


def failure(error: aiohttp.ClientError | OSError, location: str) -> TransportError:
    """For a request that failed."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return refusal(error.status, location)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        if error.status == _PROXY_ASKS:
            return _proxy_asks(location)
        reason = f"the proxy that the environment names refuses {location}: HTTP status {error.status}"
        return UnreachableError("EPROXY", reason, permanent=error.status not in _MAY_PASS)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        reason = f"the proxy that the environment names cannot be reached: {_said(error)}"
        return UnreachableError("EPROXY", reason)
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        reason = f"the certificate of {location} is refused: {_refused(error)}. {_REMEDY}"
        return UnreachableError("ECERT", reason, permanent=True)
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        reason = f"TLS with {location} failed: {_said(error)}. Is it an https service?"
        return UnreachableError("ETLS", reason, permanent=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        return UnreachableError("ECONNREFUSED", f"{location} cannot be reached: {_said(error)}")
    if isinstance(error, aiohttp.InvalidURL):
        return UnreachableError("EINVAL", f"{location} is no URL of a service", permanent=True)
    return TransportError("ECONNRESET", f"{location} did not answer as a service does: {_said(error)}")


def _proxy_asks(location: str) -> TransportError:
    reason = (
        f"the proxy on the way to {location} asks for a name and a password (HTTP status {_PROXY_ASKS}): give them in"
        " the variable that names it, as http://NAME:PASSWORD@HOST:PORT"
    )
    return UnreachableError("EPROXY", reason, permanent=True)


def _refused(error: aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError) -> str:
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else _said(cause)


def _said(error: BaseException) -> str:
    return printable(str(error)) or type(error).__name__
