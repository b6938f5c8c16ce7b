"""Both ends of the control socket's protocol, without I/O: JSON-RPC 2.0, one message a line.

A client calls, a server answers; notifications of the server come after ``subscribe``. Neither batches nor calls
without an id are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from ..errors import ControlError
from .methods import METHODS, Method

LONGEST_CALL: Final = 1 << 16
"""Bytes of a line that a server reads."""
LONGEST_ANSWER: Final = 1 << 24
"""Bytes of a line that a client reads."""
MOST_OPEN: Final = 16
"""Calls of a client that are not answered yet."""

NOT_JSON, NO_CALL, NO_METHOD, BAD_PARAMETERS, FAILED = -32700, -32600, -32601, -32602, -32603
"""Codes of errors, as JSON-RPC has them."""
REFUSED: Final = -32000
"""The worker cannot do it just now; the message says why."""

_SAFE: Final = 2**53 - 1
_LONGEST_MESSAGE: Final = 300
_NAMES: Final = {kind: name for name, kind in METHODS.items()}
_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)

T = TypeVar("T")
Id = Annotated[int, Meta(ge=-_SAFE, le=_SAFE)] | Annotated[str, Meta(max_length=64)]


class _Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    jsonrpc: Literal["2.0"]
    id: Id
    method: Annotated[str, Meta(max_length=64)]
    params: Raw = Raw(b"{}")


class _Identified(msgspec.Struct, frozen=True):
    id: Id | None = None


class _Fault(msgspec.Struct, frozen=True):
    code: int
    message: str


class _Reply(msgspec.Struct, frozen=True):
    """An answer, or a notification, which has no id and a method."""

    id: Id | None = None
    result: Raw | UnsetType = UNSET
    error: _Fault | UnsetType = UNSET
    method: str = ""
    params: Raw = Raw(b"{}")


@dataclass(frozen=True, slots=True)
class Called:
    """Wants an answer by ``id``."""

    id: int | str
    method: Method


class _WrongCallError(Exception):
    def __init__(self, call: int | str | None, code: int, message: str) -> None:
        super().__init__(message)
        self.call = call
        self.code = code


class Lines:
    """Cuts what comes into lines. Raises ControlError for one of more than ``longest`` bytes."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = bytes(self._rest) + whole[0]
            self._rest = bytearray(rest)
        else:
            self._rest += rest
        if len(self._rest) > self._longest or any(len(line) > self._longest for line in whole):
            raise ControlError(f"a line of more than {self._longest} bytes has come")
        return [line for line in whole if line.strip()]


class ServerMachine:
    """One client's. What is to be sent is in ``take_output``; once ``is_over``, nothing else is read from it."""

    def __init__(self) -> None:
        self.is_over = False
        self._lines = Lines(LONGEST_CALL)
        self._open: set[int | str] = set()
        self._output: list[bytes] = []

    def receive(self, data: bytes) -> list[Called]:
        """Calls that are in order; the others are answered with an error."""
        if self.is_over:
            return []
        try:
            lines = self._lines.feed(data)
        except ControlError as error:
            self.is_over = True
            self._fault(None, NO_CALL, str(error))
            return []
        calls = []
        for line in lines:
            try:
                calls.append(self._read(line))
            except _WrongCallError as wrong:
                self._fault(wrong.call, wrong.code, str(wrong))
        return calls

    def answer(self, call: int | str, result: object) -> None:
        """``call``: its id. ``result``: dataclasses, structures, or what JSON has."""
        self._open.remove(call)
        self._put({"jsonrpc": "2.0", "id": call, "result": result})

    def refuse(self, call: int | str, message: str, code: int = REFUSED) -> None:
        self._open.remove(call)
        self._fault(call, code, message)

    def notify(self, method: str, params: object) -> None:
        self._put({"jsonrpc": "2.0", "method": method, "params": params})

    def take_output(self) -> bytes:
        output = b"".join(self._output)
        self._output.clear()
        return output

    def _read(self, line: bytes) -> Called:
        call = _envelope(line)
        if call.id in self._open:
            raise _WrongCallError(None, NO_CALL, "a call with this id is not answered yet")
        if len(self._open) >= MOST_OPEN:
            raise _WrongCallError(call.id, REFUSED, f"{MOST_OPEN} calls are not answered yet")
        kind = METHODS.get(call.method)
        if kind is None:
            raise _WrongCallError(call.id, NO_METHOD, f"there is no such method; there are {', '.join(METHODS)}")
        try:
            method = msgspec.json.decode(call.params, type=kind)
        except _FAULTS as error:
            raise _WrongCallError(call.id, BAD_PARAMETERS, str(error)) from None
        self._open.add(call.id)
        return Called(call.id, method)

    def _fault(self, call: int | str | None, code: int, message: str) -> None:
        self._put({"jsonrpc": "2.0", "id": call, "error": {"code": code, "message": message[:_LONGEST_MESSAGE]}})

    def _put(self, message: dict[str, object]) -> None:
        self._output.append(msgspec.json.encode(message) + b"\n")


def _envelope(line: bytes) -> _Call:
    try:
        return msgspec.json.decode(line, type=_Call)
    except msgspec.ValidationError as error:
        raise _WrongCallError(_id_of(line), NO_CALL, str(error)) from None
    except _FAULTS:
        raise _WrongCallError(None, NOT_JSON, "the line is no JSON") from None


def _id_of(line: bytes) -> int | str | None:
    """Of a call that is wrong otherwise."""
    try:
        return msgspec.json.decode(line, type=_Identified).id
    except _FAULTS:
        return None


@dataclass(frozen=True, slots=True)
class Answered:
    """``result``: as JSON."""

    id: int
    result: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """``id``: None where the server could not read whose call it was."""

    id: int | None
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Notified:
    """``params``: as JSON."""

    method: str
    params: bytes


class ClientMachine:
    """Calls have numbers by which their answers are known."""

    def __init__(self) -> None:
        self._lines = Lines(LONGEST_ANSWER)
        self._last = 0

    def call(self, method: Method) -> tuple[int, bytes]:
        """Its number, and what is to be sent."""
        self._last += 1
        call = {"jsonrpc": "2.0", "id": self._last, "method": _NAMES[type(method)], "params": method}
        return self._last, msgspec.json.encode(call) + b"\n"

    def receive(self, data: bytes) -> list[Answered | Failed | Notified]:
        """Raises ControlError for what no worker sends."""
        return [_reply(line) for line in self._lines.feed(data)]


def _reply(line: bytes) -> Answered | Failed | Notified:
    try:
        reply = msgspec.json.decode(line, type=_Reply)
    except _FAULTS:
        raise ControlError("what answers at the control socket is no worker: its lines are no JSON-RPC") from None
    if isinstance(reply.error, _Fault):
        return Failed(reply.id if isinstance(reply.id, int) else None, reply.error.code, reply.error.message)
    if isinstance(reply.id, int) and isinstance(reply.result, Raw):
        return Answered(reply.id, bytes(reply.result))
    if reply.id is None and reply.method:
        return Notified(reply.method, bytes(reply.params))
    raise ControlError("what answers at the control socket is no worker: its lines are neither answers nor calls")


def read(text: bytes, kind: type[T]) -> T:
    """A result, or the parameters of a notification. Raises ControlError."""
    try:
        return msgspec.json.decode(text, type=kind)
    except _FAULTS as error:
        raise ControlError(f"the worker is of another version, and its answer is not understood: {error}") from None
