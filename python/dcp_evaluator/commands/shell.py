"""``dcp-evaluator --shell``: evaluates files in one fresh sandbox, until nothing is pending. Made to start fast."""

from __future__ import annotations

import os
import selectors
import sys
from collections.abc import Sequence

from .. import _native
from ..errors import UsageError, ZygoteError
from ..frames import table
from ..gpu.options import GpuOptions
from ..net.streams import write_all
from ..processes.exit_status import ExitStatus
from ..processes.zygote import Zygote
from ..processes.zygote_messages import Exited, Refused
from ..sandboxes.services import SandboxServices
from ..sandboxes.spawn import spawn_sandbox
from ..settings.settings import Settings

_INTERRUPTED = 130


def run_shell(
    files: Sequence[str],
    settings: Settings,
    *,
    module: bool = False,
    memory_limit: int | None = None,
    gpu: GpuOptions | None = None,
) -> int:
    """Evaluates ``files`` in order, the last as a module where ``module``. Returns the exit status.

    Raises UsageError for files that cannot be read, InstallationError, ZygoteError, OSError for output.
    """
    scripts = [_read(path) for path in files]
    zygote = Zygote("shell", settings, memory_limit=memory_limit, spares=0)
    services = SandboxServices(settings, gpu=gpu)
    try:
        return _Shell(zygote, services, files).run(scripts, module)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        services.close()
        zygote.close()


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  importing pathlib takes as long as a small script
            return file.read().decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"cannot read {path!r}: {error.strerror}") from None


class _Shell:
    """The sandbox's peer."""

    def __init__(self, zygote: Zygote, services: SandboxServices, files: Sequence[str]) -> None:
        self._zygote = zygote
        self._services = services
        self._files = files
        self._folders = {os.path.realpath(os.path.dirname(path)) for path in files}  # noqa: PTH120
        self._status: int | None = None
        self._selector = selectors.DefaultSelector()
        self._sandbox, self._channel, self._service_socket = spawn_sandbox(zygote)

    def run(self, scripts: Sequence[str], module: bool) -> int:
        for position, (path, source) in enumerate(zip(self._files, scripts, strict=True), 1):
            kind = "module" if module and position == len(scripts) else "classic"
            self._send(table.SCRIPT, path, source, kind)
        self._send(table.NO_MORE_SCRIPTS)
        self._selector.register(self._channel, selectors.EVENT_READ | selectors.EVENT_WRITE, self._on_channel)
        self._selector.register(self._service_socket, selectors.EVENT_READ, self._on_service)
        self._selector.register(self._zygote, selectors.EVENT_READ, self._on_zygote)
        while self._status is None:
            for key, _ in self._selector.select():
                key.data()
        return self._status

    def _send(self, *fields: int | str | None) -> None:
        try:
            self._channel.send(_pack(*fields))
        except (_native.FrameError, OverflowError):
            raise UsageError("a file is too large: a sandbox takes at most 1 GiB of UTF-8") from None

    def _on_channel(self) -> None:
        if self._read_frames() is None:
            self._selector.unregister(self._channel)  # the zygote will say how it ended
            return
        # After the frames that have come: the source of a module may wait to be written.
        try:
            written = self._channel.flush()
        except OSError:
            written = True
        events = selectors.EVENT_READ if written else selectors.EVENT_READ | selectors.EVENT_WRITE
        self._selector.modify(self._channel, events, self._on_channel)

    def _read_frames(self) -> int | None:
        """Handles what has come; how many frames, None at the end. Raises OSError for output."""
        try:
            received = self._channel.receive()
        except _native.FrameError as error:
            raise ZygoteError(f"the sandbox broke the protocol: {error}") from None
        except (EOFError, OSError):
            return None
        for payload, fds in received:
            for fd in fds:
                os.close(fd)
            self._handle(payload)
        return len(received)

    def _handle(self, payload: bytes) -> None:
        match _unpack(payload):
            case [table.OUTPUT, 1 | 2 as stream, str(text)]:
                write_all(stream, text.encode("utf-8", "replace"))
            case [table.FINISHED, int(status)]:
                self._status = status & 0xFF
            case [table.WANT_MODULE, str(name)]:
                self._send(table.MODULE_SOURCE, self._load(name))

    def _load(self, name: str) -> str | None:
        """The source of a module; only files below the folders of the given ones are in reach."""
        if "\0" in name:
            return None
        path = os.path.realpath(name)
        if not any(os.path.commonpath((folder, path)) == folder for folder in self._folders):
            return None
        try:
            return _read(path)
        except UsageError:
            return None

    def _on_service(self) -> None:
        if not self._services.answer(self._service_socket, self._sandbox):
            self._selector.unregister(self._service_socket)

    def _on_zygote(self) -> None:
        for message in self._zygote.receive():
            match message:
                case Refused(_, reason):
                    raise ZygoteError(f"a sandbox cannot be made: {reason}")
                case Exited(_, status) if self._status is None:
                    self._finish(status)

    def _finish(self, status: ExitStatus) -> None:
        """Takes what the sandbox wrote before it ended; its own word on the status counts, where it gave one."""
        while self._read_frames():
            pass
        if self._status is None and status.is_out_of_memory:
            print("InternalError: out of memory", file=sys.stderr)
            self._status = 1
        if self._status is None:
            print(f"dcp-evaluator: the sandbox ended before its scripts did ({status})", file=sys.stderr)
            self._status = status.for_shells or 1


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
