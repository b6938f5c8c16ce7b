"""``dcp-evaluator --shell``: evaluates files in one fresh sandbox, until nothing is pending. Made to start fast."""

from __future__ import annotations

import os
import selectors
import socket
import sys
from collections.abc import Sequence

from . import _native, frames
from .errors import UsageError, ZygoteError
from .gpu_pool import GpuPool
from .zygote import Zygote, describe_exit

_INTERRUPTED = 130


def run_shell(files: Sequence[str], *, module: bool = False, memory_limit: int | None = None) -> int:
    """Evaluates ``files`` in order, the last as a module where ``module``. Returns the exit status.

    Raises UsageError for files that cannot be read, InstallationError, ZygoteError.
    """
    scripts = [_read(path) for path in files]
    zygote = Zygote("shell", memory_limit=memory_limit, spares=0)
    pool = GpuPool()
    try:
        return _Shell(zygote, pool, os.path.dirname(files[-1]) if module else None).run(files, scripts, module)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        pool.close()
        zygote.close()


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


class _Shell:
    """The sandbox's peer."""

    def __init__(self, zygote: Zygote, pool: GpuPool, module_folder: str | None) -> None:
        self._zygote = zygote
        self._pool = pool
        self._module_folder = module_folder
        self._status: int | None = None
        self._selector = selectors.DefaultSelector()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._broker, their_broker = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, their_broker:
            self._id = zygote.spawn(theirs.fileno(), theirs.fileno(), their_broker.fileno())
        self._channel = _native.FrameChannel(ours.detach())

    def run(self, files: Sequence[str], scripts: Sequence[str], module: bool) -> int:
        for position, (path, source) in enumerate(zip(files, scripts, strict=True)):
            kind = "module" if module and position == len(files) - 1 else "classic"
            self._channel.send(_pack(frames.SCRIPT, path, source, kind))
        self._channel.send(_pack(frames.NO_MORE_SCRIPTS))
        self._selector.register(self._channel, selectors.EVENT_READ | selectors.EVENT_WRITE, self._on_channel)
        self._selector.register(self._broker, selectors.EVENT_READ, self._on_broker)
        self._selector.register(self._zygote, selectors.EVENT_READ, self._on_zygote)
        while self._status is None:
            for key, _ in self._selector.select():
                key.data()
        return self._status

    def _on_channel(self) -> None:
        try:
            written = self._channel.flush()
        except OSError:
            written = True
        self._selector.modify(
            self._channel,
            selectors.EVENT_READ if written else selectors.EVENT_READ | selectors.EVENT_WRITE,
            self._on_channel,
        )
        try:
            self._read()
        except (EOFError, ConnectionError):
            self._selector.unregister(self._channel)  # the zygote will say how it ended

    def _read(self) -> bool:
        received = self._channel.receive()
        for payload, fds in received:
            for fd in fds:
                os.close(fd)
            self._handle(payload)
        return bool(received)

    def _handle(self, payload: bytes) -> None:
        fields = _unpack(payload)
        match fields:
            case [frames.OUTPUT, 1, str(text)]:
                _write(sys.stdout, text)
            case [frames.OUTPUT, 2, str(text)]:
                _write(sys.stderr, text)
            case [frames.FINISHED, int(status)]:
                self._status = status & 0xFF
            case [frames.WANT_MODULE, str(name)]:
                self._channel.send(_pack(frames.MODULE_SOURCE, self._load(name)))
                self._channel.flush()

    def _load(self, name: str) -> str | None:
        """The source of a module; only files below the folder of the main module are in reach."""
        if self._module_folder is None:
            return None
        root = os.path.realpath(self._module_folder or ".")
        path = os.path.realpath(name)
        if os.path.commonpath((root, path)) != root or not os.path.isfile(path):
            return None
        try:
            return _read(path)
        except UsageError:
            return None

    def _on_broker(self) -> None:
        if not self._pool.answer(self._broker, self._id):
            self._selector.unregister(self._broker)

    def _on_zygote(self) -> None:
        for message in self._zygote.receive():
            if message.kind == "refused":
                raise ZygoteError(f"a sandbox cannot be made: {message.text}")
            if message.kind == "exited" and self._status is None:
                try:
                    while self._read():
                        pass
                except (EOFError, OSError):
                    pass
                if self._status is None:
                    raise ZygoteError(f"the sandbox ended before its scripts did ({describe_exit(message.text)})")


def _write(stream: object, text: str) -> None:
    """Raw bytes, in order: the text is the sandbox's."""
    stream.flush()  # type: ignore[attr-defined]
    data = memoryview(text.encode("utf-8", "replace"))
    try:
        while data:
            data = data[os.write(stream.fileno(), data) :]  # type: ignore[attr-defined]
    except BrokenPipeError:
        raise SystemExit(1) from None


def _pack(*fields: int | str | None) -> bytes:
    """MessagePack for the few frames of a shell; loading a whole codec would take longer than the script."""
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


_STRING_LENGTHS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_INTEGER_LENGTHS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xD0: 1, 0xD1: 2, 0xD2: 4}


def _unpack(payload: bytes) -> list[int | str] | None:
    """An array of integers and strings; None for anything else."""
    if not payload or payload[0] & 0xF0 != 0x90:
        return None
    fields: list[int | str] = []
    at = 1
    for _ in range(payload[0] & 0x0F):
        if at >= len(payload):
            return None
        tag = payload[at]
        at += 1
        if tag < 0x80 or tag >= 0xE0:
            fields.append(tag if tag < 0x80 else tag - 0x100)
        elif tag in _INTEGER_LENGTHS:
            size = _INTEGER_LENGTHS[tag]
            fields.append(int.from_bytes(payload[at : at + size], "big", signed=tag >= 0xD0))
            at += size
        elif tag in _STRING_LENGTHS or tag & 0xE0 == 0xA0:
            size, width = tag & 0x1F, _STRING_LENGTHS.get(tag, 0)
            if width:
                size = int.from_bytes(payload[at : at + width], "big")
            at += width
            if at + size > len(payload):
                return None
            fields.append(payload[at : at + size].decode("utf-8", "replace"))
            at += size
        else:
            return None
    return fields
