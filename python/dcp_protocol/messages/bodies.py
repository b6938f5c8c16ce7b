"""What a sealed message says, checked where it comes in (DCP: ``protocol/dcp-message.js``, ``protocol/ack.js``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from .. import _native, canonical_json
from ..errors import MessageError
from ..keys.address import Address
from .authorization import authorizes
from .json_parts import Text, elements, members, name, number, optional_name, small
from .sealed import open_sealed
from .validity import Validity


class JsonText:
    """A value as its JSON text, which is decoded when it is asked for."""

    def __init__(self, text: Text) -> None:
        self.text = text

    @cached_property
    def value(self) -> Any:
        """May take long and much memory for a large text. Raises ValueError for what is nested too deep."""
        return canonical_json.decode(self.text)

    def __len__(self) -> int:
        return len(self.text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} bytes)"


@dataclass(frozen=True, slots=True)
class Request:
    """``validity`` is an error where the peer's was none that can be read: such a request is answered with it."""

    id: str
    operation: str
    data: JsonText
    validity: Validity | MessageError
    payload: Text
    auth: Text

    def authorizes(self, resource: Address, guardian: Address, accessor: Address) -> bool:
        """Whether the key of ``resource`` allowed ``guardian`` to use it for ``accessor``, with this request."""
        return authorizes(self.payload, self.auth, resource, guardian, accessor)


@dataclass(frozen=True, slots=True)
class Notification:
    """Dialect 5.x only: there is no answer to it."""

    id: str
    data: JsonText
    validity: Validity | MessageError


@dataclass(frozen=True, slots=True)
class Response:
    """``time`` is the peer's clock, seconds since 1970. Without success, the payload is an error payload."""

    id: str
    success: bool
    payload: JsonText
    time: float | None


Message: TypeAlias = Request | Notification | Response


@dataclass(frozen=True, slots=True)
class Ack:
    """``token`` is of the message that has arrived; ``nonce`` is for the next one to it, None if it is used up."""

    token: str
    nonce: str | None
    session: str | None


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One message, or those of a batch, with what holds for all of them."""

    id: str
    messages: tuple[Message, ...]
    batch: bool
    session: str | None
    token: str
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Received:
    """What has come, and who signed it."""

    owner: Address
    body: Ack | Dialogue
    size: int


def read_message(text: Text) -> Received:
    """Verifies and reads one text from the transport.

    Takes some 4 ms per MB, with the interpreter's lock free. Raises MessageError.
    """
    sealed = open_sealed(text)
    return Received(sealed.owner, read_body(sealed.body), len(text))


def read_body(text: Text) -> Ack | Dialogue:
    """Raises MessageError (``EINVAL``)."""
    parts = members(text, "message")
    kind = name(parts, "type", "message")
    session = optional_name(parts, "dcpsid", "message")
    if kind == "ack":
        nonce = None if bytes(parts.get("nonce", b"")[:6]) == b"false" else optional_name(parts, "nonce", "ack")
        return Ack(name(parts, "token", "ack"), nonce, session)
    if kind == "batch":
        inner = elements(parts.get("payload", memoryview(b"null")), "batch")
        messages = tuple(_message(members(element, "message in a batch")) for element in inner)
    else:
        messages = (_message(parts),)
    identity = name(parts, "id", "message")
    token, nonce = name(parts, "ackToken", "message"), optional_name(parts, "nonce", "message")
    return Dialogue(identity, messages, kind == "batch", session, token, nonce)


def _message(parts: Mapping[str, memoryview]) -> Message:
    kind, identity = name(parts, "type", "message"), name(parts, "id", "message")
    payload = parts.get("payload", memoryview(b"null"))
    match kind:
        case "request":
            text, inside = _restored(payload, "request")
            operation = name(inside, "operation", "request")
            auth = parts.get("auth", memoryview(b"{}"))
            return Request(identity, operation, _data(inside), _validity(inside), text, auth)
        case "notification":
            _, inside = _restored(payload, "notification")
            return Notification(identity, _data(inside), _validity(inside))
        case "response":
            return _response(identity, parts, payload)
    raise MessageError("EINVAL", f"invalid message type {kind!r:.40}")


def _response(identity: str, parts: Mapping[str, memoryview], payload: memoryview) -> Response:
    success = bytes(parts.get("success", b"")[:6])
    if success not in (b"true", b"false"):
        raise MessageError("EINVAL", "malformed response")
    time = number(small(parts["time"], "time")) if "time" in parts else None
    text = _restored(payload, "response")[0] if bytes(payload[:1]) == b"{" else payload
    return Response(identity, success == b"true", JsonText(text), time)


def _restored(payload: memoryview, what: str) -> tuple[Text, dict[str, memoryview]]:
    """A payload whose ``data`` came as the text of its JSON, as in npm's batches, has it as itself again."""
    inside = members(payload, what)
    literal = inside.get("jsonData")
    if literal is None or bytes(literal[:1]) != b'"' or len(literal) == 2:
        return payload, inside
    pieces: list[Text] = [b"{"]
    for member, text in inside.items():
        if member not in ("jsonData", "data"):
            pieces += [canonical_json.quote(member), b":", text, b","]
    try:
        restored = _native.join(*pieces, b'"data":', canonical_json.unquote(literal), b"}")
        again = canonical_json.members(restored)
    except ValueError:
        again = {}
    if again.keys() != (inside.keys() - {"jsonData"}) | {"data"}:
        raise MessageError("EINVAL", "malformed message payload.jsonData")
    return restored, again


def _data(inside: Mapping[str, memoryview]) -> JsonText:
    return JsonText(inside.get("data", b"null"))


def _validity(inside: Mapping[str, memoryview]) -> Validity | MessageError:
    try:
        return Validity.parse(small(inside.get("validity", memoryview(b"null")), "validity"))
    except MessageError as error:
        return error
