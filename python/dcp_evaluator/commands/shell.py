"""``dcp-evaluator --shell``: evaluates files in one fresh sandbox, until nothing is pending. Made to start fast."""

from __future__ import annotations

import os
import selectors
import stat
import sys
from collections.abc import Sequence

from .. import _native
from ..errors import UsageError, ZygoteError
from ..frames import table
from ..frames.shell import Finished, Output, ShellFrame, WantModule, pack, unpack
from ..gpu.options import GpuOptions
from ..net.streams import write_all
from ..processes.exit_status import ExitStatus
from ..processes.zygote import Zygote
from ..processes.zygote_messages import Exited, Refused, Spawned
from ..sandboxes.services import SandboxServices
from ..sandboxes.spawn import spawn_sandbox
from ..settings.settings import Settings

_INTERRUPTED = 130
_MODULES = (".js", ".mjs", ".cjs")
_LONGEST_MODULE = 1 << 30
"""Bytes; a sandbox takes no more."""


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
        zygote.close()
        services.close()


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  importing pathlib takes as long as a small script
            return file.read().decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"cannot read {path!r}: {error.strerror}") from None


def _read_module(path: str) -> str | None:
    """None for what is no script or no plain file: opening a FIFO, or reading a device, could wait for ever."""
    if not path.endswith(_MODULES):
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST_MODULE:
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_LONGEST_MODULE).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(descriptor)


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
        self._channel.limit_values(table.LEAST_BOUND)  # it brings no values

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
            self._channel.send(pack(*fields))
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
            for _, fds in received:
                for fd in fds:
                    os.close(fd)
            frames = [unpack(payload) for payload, _ in received]
        except _native.FrameError as error:
            raise ZygoteError(f"the sandbox broke the protocol: {error}") from None
        except (EOFError, OSError):
            return None
        for frame in frames:
            self._handle(frame)
        return len(frames)

    def _handle(self, frame: ShellFrame) -> None:
        match frame:
            case Output(stream, text):
                write_all(stream, text.encode("utf-8", "replace"))
            case Finished(status):
                self._status = status & 0xFF
            case WantModule(name):
                self._send(table.MODULE_SOURCE, self._load(name))

    def _load(self, name: str) -> str | None:
        """The source of a module; only scripts below the folders of the given files are in reach."""
        if "\0" in name:
            return None
        path = os.path.realpath(name)
        if not any(os.path.commonpath((folder, path)) == folder for folder in self._folders):
            return None
        return _read_module(path)

    def _on_service(self) -> None:
        if not self._services.answer(self._service_socket, self._sandbox):
            self._selector.unregister(self._service_socket)
            self._service_socket.close()

    def _on_zygote(self) -> None:
        for message in self._zygote.receive():
            match message:
                case Spawned(sandbox, pid):
                    self._services.admit(sandbox, pid)
                case Refused(_, reason):
                    raise ZygoteError(f"a sandbox cannot be made: {reason}")
                case Exited(_, status) if self._status is None:
                    self._finish(status)

    def _finish(self, status: ExitStatus) -> None:
        """Takes what the sandbox wrote before it ended; its own word on the status counts, where it gave one."""
        self._channel.end_input()  # it may have given the channel to others, who go on
        while self._read_frames():
            pass
        if self._status is None and status.is_out_of_memory:
            print("InternalError: out of memory", file=sys.stderr)
            self._status = 1
        if self._status is None:
            print(f"dcp-evaluator: the sandbox ended before its scripts did ({status})", file=sys.stderr)
            self._status = status.for_shells or 1
