"""The lines between a supervisor and a sandbox: ``MSG:`` and JSON, in which there is KVIN.

``sa-ww-simulation.js`` of DCP's start-up files is the other end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from dcp_protocol import canonical_json, kvin

from ..dialects.texts import utf16_size

DIE = b'{"type":"die"}\n'
_MESSAGE = b'MSG:{"type":"workerMessage","message":'
_HANDLED = b'MSG:{"type":"result","step":"workerMessage","success":true,"origin":"workerMessage"}'
_SERIALIZED = b'{"message":'
_DEPTH = 900
_MOST_TEXT = 500
_HEAD = 256
_RESULT = b'"result":'


class RuleBrokenError(Exception):
    """A sandbox said what no sandbox says; the message tells what, for a log."""


class Told(NamedTuple):
    """A message from one of the rings 0 to 3 of a sandbox's files, the last of which runs work functions.

    ``head``: the begin of its line; ``size``: the UTF-16 units of the line.
    """

    ring: int
    value: Any
    head: bytes = b""
    size: int = 0


class Died(NamedTuple):
    reason: str


class Failed(NamedTuple):
    """The sandbox could not handle a message of ours."""

    reason: str


def shortened(text: object) -> str:
    """What of foreign text stands in a message for people: one line without control characters."""
    line = " ".join(str(text).split()) if isinstance(text, str) else f"a {type(text).__name__}"
    printable = "".join(character if character.isprintable() else "?" for character in line[: _MOST_TEXT + 1])
    return printable if len(printable) <= _MOST_TEXT else f"{printable[:_MOST_TEXT]}..."


class LineSplitter:
    """Bytes in, lines out. ``limit``: bytes of the longest line."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that end in ``data``, without their ends. Raises RuleBrokenError."""
        lines = data.split(b"\n")
        rest = lines.pop()
        if self._pieces and lines:
            lines[0] = b"".join((*self._pieces, lines[0]))
            self._pieces.clear()
            self._size = 0
        if rest:
            self._size += len(rest)
            if self._size > self._limit:
                raise RuleBrokenError(f"it sent a line of more than {self._limit} bytes")
            self._pieces.append(rest)
        return lines


class Wire:
    """Messages to lines and lines to messages. ``version``: of KVIN, in what is written."""

    def __init__(self, version: kvin.Version) -> None:
        self._version = version
        self._frame = len(b'{"_serializeVerId":"v8","what":}')
        reset = f'{{"_serializeVerId":"v{version}","what":{{"raw":{{"ringSource":2,"value":%s}}}}}}'
        self._reset_done = _MESSAGE + (reset % '{"request":"resetStateDone"}').encode() + b"}"

    def write(self, message: Mapping[str, Any]) -> bytes:
        """Raises KvinError, TypeError for a value that KVIN does not have."""
        return b'{"type":"workerMessage","message":%b}\n' % kvin.serialize(message, self._version)

    def read(self, line: bytes) -> Reading:
        """What a line says. Changes nothing, and may run on any thread: of a large one it takes its time."""
        try:
            return self._read(line)
        except (RuleBrokenError, kvin.KvinError) as error:
            return error

    def _read(self, line: bytes) -> Told | Died | Failed | None:
        if line == _HANDLED or not line:
            return None
        if line == self._reset_done:
            return _RESET_DONE
        if line.startswith(_MESSAGE):
            return _told(line)
        if line.startswith(b"DIE:"):
            return Died(shortened(line[4:].decode("utf-8", "replace")))
        if line.startswith(b"LOG:"):
            return None
        if line.startswith(b"MSG:"):
            return _other(line[4:])
        raise RuleBrokenError("it sent a line that is none of an evaluator's")

    def result_size(self, told: Told) -> int:
        """UTF-16 units of a result as a text of KVIN, as npm's supervisor counts them, from the message that it is in.

        References to other objects are numbers of other lengths there.
        """
        result = told.value.get("result", kvin.UNDEFINED)
        begin = told.head.find(_RESULT)
        if begin < 0:
            return utf16_size(kvin.serialize(result, self._version))
        is_raw = told.head.find(b'"what":{"raw":') >= 0
        size = self._frame + told.size - begin - len(_RESULT) - (5 if is_raw else 6)
        is_bare = not is_raw or (isinstance(result, int | float) and not isinstance(result, bool))
        return size if is_bare else size + len(b'{"raw":}')


Reading = Told | Died | Failed | RuleBrokenError | kvin.KvinError | None
"""What a line says; None where that is nothing. A KvinError is a value that cannot be read."""
_RESET_DONE = Told(2, {"request": "resetStateDone"})


def _told(line: bytes) -> Told:
    """Raises RuleBrokenError, KvinError."""
    text = memoryview(line)[len(_MESSAGE) : -1]
    if text[: len(_SERIALIZED)] == _SERIALIZED:
        text = _serialized(text)
    message = kvin.deserialize(text, depth=_DEPTH)
    if not isinstance(message, dict) or type(ring := message.get("ringSource")) is not int:
        raise RuleBrokenError("it sent a message past its start-up files")
    return Told(ring, message.get("value"), line[:_HEAD], utf16_size(line))


def _serialized(text: memoryview) -> memoryview:
    """The text within, where a message could not be sent but as text."""
    try:
        message = canonical_json.decode(text)["message"]
        return memoryview(message.encode())
    except (ValueError, TypeError, LookupError, AttributeError):
        raise RuleBrokenError("it sent a message that cannot be read") from None


def _other(text: bytes) -> Failed | None:
    """A ``result`` or ``nop``, which say what became of a message of ours."""
    try:
        message = canonical_json.decode(text, depth=_DEPTH, memory=64 << 20)
    except ValueError:
        raise RuleBrokenError("it sent a message that is no JSON") from None
    if not isinstance(message, dict) or message.get("type") not in ("result", "nop"):
        raise RuleBrokenError("it sent a message of no known type")
    if "exception" not in message:
        return None
    exception = message["exception"] if isinstance(message["exception"], dict) else {}
    return Failed(f"{shortened(exception.get('name'))}: {shortened(exception.get('message'))}")
