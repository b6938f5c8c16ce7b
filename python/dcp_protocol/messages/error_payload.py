"""Errors as payloads of responses (DCP: ``protocol/error-payload.js``)."""

from __future__ import annotations

from .. import canonical_json
from ..errors import RemoteError
from ..keys.address import Address


def error_payload(error: BaseException, origin: Address) -> bytes:
    """What the peer is told of ``error``: its message, its class's name, its code if it has one. No traceback."""
    name, message, code = type(error).__name__, str(error), getattr(error, "code", None)
    told = {"stack": f"{name}: {message}", "message": message, "name": name}
    if isinstance(code, str):
        told["code"] = code
    return canonical_json.encode(told | {"origin": str(origin)})


def remote_error(value: object) -> RemoteError:
    """The error of a response without success."""
    details = value if isinstance(value, dict) else {"message": value}
    message, code = details.get("message"), details.get("code")
    told = message if isinstance(message, str) else "the peer answered with an error that says nothing"
    return RemoteError(code if isinstance(code, str) else "", told, details)
