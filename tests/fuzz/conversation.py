"""What a sandbox may say that its owner has taken over: frames that are right, frames that are not, and bytes."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from dcp_evaluator.frames import table

_SEALED = 0x2 | 0x4 | 0x8  # shrink, grow, write
_FROM_SANDBOX = [frame for frame in table.FRAMES.values() if frame.from_sandbox]
Ext = msgspec.msgpack.Ext


class Chunk(NamedTuple):
    """Bytes that are written at once, with descriptors, which the writer closes."""

    data: bytes
    fds: tuple[int, ...] = ()


class Speaker:
    """Makes chunks at random. ``slice``: the number of the slice that runs, where the sandbox has been sent one."""

    def __init__(self, source: random.Random, kinds: Sequence[str]) -> None:
        self.slice: int | None = None
        self._random = source
        self._frames = [frame for frame in _FROM_SANDBOX if frame.name in kinds]

    def chunks(self) -> Iterator[Chunk]:
        """The first frames are mostly right: a sandbox that is not assigned gets no slices."""
        for number in [table.READY, table.ASSIGNED]:
            if self._random.random() < 0.95:
                yield Chunk(_framed(msgspec.msgpack.encode([number])))
        for _ in range(self._random.randrange(1, 30)):
            yield self._chunk()

    def _chunk(self) -> Chunk:
        choice = self._random.random()
        if choice < 0.4:
            return self._frame(self._packed(self._fields()))
        if choice < 0.8:
            return self._frame(self._damaged(self._packed(self._fields())))
        if choice < 0.85:
            return Chunk(self._random.randbytes(self._random.randrange(1, 100)), self._descriptors())
        if choice < 0.9:
            flood = _framed(self._packed(self._fields()))
            return Chunk(flood * min(2000, 1 + 100_000 // len(flood)))
        return self._frame(self._random.choice(_HARD)(self._random))

    def _frame(self, payload: bytes) -> Chunk:
        fds = self._descriptors()
        size, count = len(payload), len(fds)
        if self._random.random() < 0.05:
            size = self._random.choice([0, size - 1, size + 1, 1 << 20, 100 << 20, 1 << 30, (1 << 32) - 1]) & 0xFFFFFFFF
        if self._random.random() < 0.05:
            count = self._random.choice([0, 1, 64, 65, 1 << 31])
        return Chunk(struct.pack("<II", size, count) + payload, fds)

    def _fields(self) -> list[Any]:
        frame = self._random.choice(self._frames)
        fields: list[Any] = [frame.number, *map(self._field, frame.fields)]
        if self._random.random() < 0.1:
            fields[self._random.randrange(len(fields))] = self._value()
        if self._random.random() < 0.05:
            fields += [self._value()]
        return fields

    def _field(self, name: str) -> Any:
        match name:
            case "slice" if self._random.random() < 0.9:
                return self.slice
            case "metrics" if self._random.random() < 0.9:
                return {"cpu": 1.5, "wall": self._value(), "gpuUp": self._value()}
            case "error" if self._random.random() < 0.9:
                return {"name": "Error", "message": "m" * self._random.choice([1, 5000]), "stack": self._value()}
            case "level" | "text" | "name" | "reason" if self._random.random() < 0.9:
                return self._random.choice(["log", "t.js", "../t.js", "\0", "x" * 70_000, "ü€😀"])
            case "stream" | "status" | "retries":
                return self._random.choice([0, 1, 2, 3, -1, 1 << 40])
        return self._value()

    def _value(self, depth: int = 0) -> Any:
        if depth < 3 and self._random.random() < 0.4:
            items = [self._value(depth + 1) for _ in range(self._random.randrange(5))]
            return items if self._random.random() < 0.5 else {f"k{i}": item for i, item in enumerate(items)}
        return self._random.choice(_SCALARS)(self._random)

    @staticmethod
    def _packed(fields: list[Any]) -> bytes:
        return msgspec.msgpack.encode(fields)

    def _damaged(self, payload: bytes) -> bytes:
        damaged = bytearray(payload)
        for _ in range(self._random.randrange(1, 4)):
            at = self._random.randrange(len(damaged)) if damaged else 0
            match self._random.randrange(4):
                case 0 if damaged:
                    damaged[at] = (
                        self._random.choice(_TAGS) if self._random.random() < 0.5 else self._random.randrange(256)
                    )
                case 1:
                    del damaged[at : at + self._random.randrange(1, 9)]
                case 2:
                    damaged[at:at] = self._random.randbytes(self._random.randrange(1, 9))
                case 3:
                    damaged[at:at] = msgspec.msgpack.encode(self._value())
        return bytes(damaged)

    def _descriptors(self) -> tuple[int, ...]:
        if self._random.random() < 0.8:
            return ()
        return tuple(self._random.choice(_DESCRIPTORS)() for _ in range(self._random.randrange(1, 4)))


def _framed(payload: bytes) -> bytes:
    return struct.pack("<II", len(payload), 0) + payload


# --- Scalars ---


def _shared(source: random.Random) -> Ext:
    size = source.choice([0, 1, 8, 4096, 100_000, 1 << 40, (1 << 64) - 1])
    return Ext(2, struct.pack("<BIQQ", source.randrange(15), source.randrange(3), source.choice([0, 8, 1 << 63]), size))


def _shaped(source: random.Random, array: Ext) -> Ext:
    sizes = source.choice([(), (6,), (2, 3), (2, 4), (0, 1 << 60), (1 << 32, 1 << 32), (1,) * 32, (1,) * 33])
    return Ext(4, struct.pack(f"<B{len(sizes)}QB", len(sizes), *sizes, array.code) + array.data)


_SCALARS: list[Callable[[random.Random], Any]] = [
    lambda source: None,
    lambda source: source.random() < 0.5,
    lambda source: source.choice([0, 1, -1, 127, 128, 1 << 31, 1 << 53, (1 << 64) - 1, -(1 << 63)]),
    lambda source: source.choice([0.5, float("nan"), float("inf"), 1e308, -0.0]),
    lambda source: source.choice(["", "log", "x" * 300, "ü", "€" * 5000, "😀"]),
    lambda source: source.randbytes(source.choice([0, 1, 40, 70_000])),
    lambda source: Ext(1, bytes((source.randrange(15),)) + source.randbytes(source.choice([0, 7, 8, 64]))),
    _shared,
    lambda source: _shaped(source, Ext(1, b"\x0b" + bytes(48))),
    lambda source: _shaped(source, _shared(source)),
    lambda source: Ext(3, source.choice([b"1", b"-f", b"", b"0x1", b"f" * 20_000])),
    lambda source: Ext(-1, source.randbytes(source.choice([3, 4, 8, 12]))),
    lambda source: Ext(source.randrange(-128, 128), source.randbytes(source.randrange(20))),
]
_TAGS = [0x80, 0x8F, 0x90, 0x9F, 0xC0, 0xC1, 0xC6, 0xC9, 0xCB, 0xCF, 0xD3, 0xD4, 0xD9, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF]


# --- What cost much once ---


def _array(count: int, item: bytes) -> bytes:
    return b"\xdd" + count.to_bytes(4, "big") + item * count


def _colliding_keys(source: random.Random) -> bytes:
    """A hash of Python's integers is the remainder by 2**61 - 1."""
    count, period = 30_000, (1 << 61) - 1
    keys = b"".join(b"\xc7\x14\x03" + b"%020x" % (i * period) + b"\xc0" for i in range(count))
    return b"\x94\x16\x00\xdf" + count.to_bytes(4, "big") + keys + b"\x80"


_HARD: list[Callable[[random.Random], bytes]] = [
    _colliding_keys,
    lambda source: b"\x94\x16\x00" + _array(900_000, source.choice([b"\x90", b"\x80", b"\x01"])) + b"\x80",
    lambda source: bytes((0x93 + source.randrange(2), source.randrange(16, 29), 0)) + _array(900_000, b"\x90"),
    lambda source: _array(900_000, b"\x90"),
    lambda source: b"\x94\x18\x00" + _array(100_000, b"\x90") + b"\x01",
    lambda source: b"\x94\x16\x00" + b"\x91" * source.choice([400, 600, 100_000]) + b"\x80",
    lambda source: b"\x94\x18\x00" + msgspec.msgpack.encode(Ext(3, b"f" * 20_000)) + b"\x01",
    lambda source: b"\x94\x14" + msgspec.msgpack.encode(Ext(3, b"f" * 20_000)) + b"\xa3log\xa1x",
]


# --- Descriptors ---


def _memory(seals: int, size: int) -> int:
    fd = os.memfd_create("fuzz", os.MFD_ALLOW_SEALING)
    os.truncate(fd, size)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def _half_of_a_pipe() -> int:
    reader, writer = os.pipe()
    os.close(writer)
    return reader


_DESCRIPTORS: list[Callable[[], int]] = [
    lambda: _memory(_SEALED, 100_000),
    lambda: _memory(_SEALED, 0),
    lambda: _memory(_SEALED, 1 << 40),
    lambda: _memory(0, 100_000),
    lambda: os.open("/dev/null", os.O_RDONLY),
    lambda: os.open("/", os.O_RDONLY | os.O_DIRECTORY),
    lambda: socket.socket(socket.AF_UNIX).detach(),
    _half_of_a_pipe,
]
