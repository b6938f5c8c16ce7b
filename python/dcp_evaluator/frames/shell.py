"""The frames of a shell. Few and simple: loading the codec of all values would take longer than a small script."""

from __future__ import annotations

from typing import NamedTuple

from .._native import FrameError, LargeFrame
from . import table


class Ready(NamedTuple):
    """The runtime has started."""


class Output(NamedTuple):
    """Text for stdout (1) or stderr (2)."""

    stream: int
    text: str


class Finished(NamedTuple):
    """All scripts have run; the exit status."""

    status: int


class WantModule(NamedTuple):
    """The source of a module is wanted."""

    name: str


ShellFrame = Ready | Output | Finished | WantModule

_STRING_LENGTHS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_INTEGER_LENGTHS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xD0: 1, 0xD1: 2, 0xD2: 4}


def pack(*fields: int | str | None) -> bytes:
    """A frame to the sandbox: its kind, then its fields. Raises OverflowError."""
    packed = bytearray((0x90 | len(fields),))
    for field in fields:
        if field is None:
            packed.append(0xC0)
        elif isinstance(field, int):
            packed.append(field)  # kinds of frames: below 128
        else:
            data = field.encode("utf-8", "replace")
            packed += b"\xdb" + len(data).to_bytes(4, "big") + data
    return bytes(packed)


def unpack(payload: bytes | LargeFrame) -> ShellFrame:
    """A frame from the sandbox. Raises FrameError."""
    match _fields(payload) if isinstance(payload, bytes) else None:
        case [table.READY]:
            return Ready()
        case [table.OUTPUT, 1 | 2 as stream, str(text)]:
            return Output(stream, text)
        case [table.FINISHED, int(status)]:
            return Finished(status)
        case [table.WANT_MODULE, str(name)]:
            return WantModule(name)
    raise FrameError("no frame of a shell")


def _fields(payload: bytes) -> list[int | str]:
    """An array of integers and strings. Raises FrameError for anything else."""
    if not payload or payload[0] & 0xF0 != 0x90:
        raise FrameError("a frame is no short array")
    fields: list[int | str] = []
    at = 1
    for _ in range(payload[0] & 0x0F):
        field, at = _field(payload, at)
        fields.append(field)
    if at != len(payload):
        raise FrameError("a frame has bytes after its fields")
    return fields


def _field(payload: bytes, at: int) -> tuple[int | str, int]:
    """The integer or string that begins at ``at``, and where it ends."""
    tag = _bytes(payload, at, 1)[0]
    at += 1
    if tag < 0x80 or tag >= 0xE0:
        return tag if tag < 0x80 else tag - 0x100, at
    if size := _INTEGER_LENGTHS.get(tag):
        return int.from_bytes(_bytes(payload, at, size), "big", signed=tag >= 0xD0), at + size
    width = _STRING_LENGTHS.get(tag, 0)
    if not width and tag & 0xE0 != 0xA0:
        raise FrameError("a field is neither an integer nor a string")
    size = int.from_bytes(_bytes(payload, at, width), "big") if width else tag & 0x1F
    at += width
    return _bytes(payload, at, size).decode("utf-8", "replace"), at + size


def _bytes(payload: bytes, at: int, size: int) -> bytes:
    if at + size > len(payload):
        raise FrameError("a frame is cut short")
    return payload[at : at + size]
