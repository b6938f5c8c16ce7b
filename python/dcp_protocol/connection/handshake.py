"""What the two ends say to begin a session (DCP: ``negotiateSession`` of ``protocol/connection.js``)."""

from __future__ import annotations

import re

from .. import canonical_json
from ..errors import ConnectionEndedError, MessageError, ProtocolError
from ..messages.bodies import JsonText, Response
from ..messages.json_parts import LONGEST_NAME

VERSION = "5.3.0"
COMPATIBLE = "^5.2.0"
_FITS = re.compile(r"5\.(?:[2-9]|[1-9]\d{1,5})\.\d{1,6}(?:\+.{0,100})?")
_LARGEST = 4096


def request_data(proposed: str) -> bytes:
    """``proposed`` is the first half of the session's name."""
    return canonical_json.encode({"version": VERSION, "sid": proposed})


def response_payload() -> bytes:
    return canonical_json.encode({"version": VERSION, "operation": "connect"})


def refusal_payload() -> bytes:
    return canonical_json.encode({"message": COMPATIBLE, "code": "EVERSION"})


def read_request(data: JsonText) -> tuple[str, str, ConnectionEndedError | None]:
    """The proposed half of the session's name, the peer's version, why there is no session. Raises MessageError."""
    told = _members(data)
    proposed, version = told.get("sid"), told.get("version")
    if not isinstance(proposed, str) or not 0 < len(proposed) <= LONGEST_NAME // 2:
        raise MessageError("EINVAL", "connect request without sid")
    return proposed, f"{version!s:.40}", _version_error(version)


def read_response(response: Response, session: str | None, proposed: str) -> str | ConnectionEndedError:
    """The peer's version, or why there is no session."""
    told = _members(response.payload)
    if not response.success:
        wanted = f"{told.get('message')!s:.100} ({told.get('code')!s:.40})"
        return ConnectionEndedError("EVERSION", f"peer requires version {wanted}")
    version = told.get("version")
    if session is None or not session.startswith(proposed) or session == proposed:
        return ConnectionEndedError("EDCPSID", "peer proposed an invalid dcpsid")
    return _version_error(version) or str(version)


def _version_error(version: object) -> ConnectionEndedError | None:
    if isinstance(version, str) and _FITS.fullmatch(version):
        return None
    return ConnectionEndedError("EVERSION", f"peer is version {version!s:.40}; we support {COMPATIBLE}")


def _members(text: JsonText) -> dict[str, object]:
    if len(text) > _LARGEST:
        raise MessageError("EINVAL", f"more than {_LARGEST} bytes to connect")
    try:
        value = text.value
    except (ValueError, RecursionError, ProtocolError):
        raise MessageError("EINVAL", "invalid connect message") from None
    return value if isinstance(value, dict) else {}
