"""The zygote: loads the runtime once and forks a sandbox on demand (docs/protocol.md section 4)."""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from ..errors import DcpError, InstallationError, ZygoteEndedError, ZygoteError, reason_of
from ..settings import engines
from ..settings.settings import Settings
from .child import Child
from .passing import PATIENCE, send_descriptors, shortage
from .zygote_messages import Message, Ready, WantsCompiler, parse

DEFAULT_MEMORY = 2 << 30
"""Bytes that a sandbox may use where nobody has said: native/sandbox/sandbox.hpp."""
_LONGEST_MESSAGE = 64 << 10
_FEWEST_OPEN_FILES = 32


class Template(NamedTuple):
    """What all sandboxes of a zygote share, loaded before the first is made (native/runtime/js/template.js).

    ``description``: JSON, for that script. ``connect_compiler``: gives a connection to the compiler.
    """

    description: str
    connect_compiler: Callable[[], socket.socket]


class Zygote:
    """One running zygote. ``mode`` is ``job``, ``line`` or ``shell``.

    ``is_ready``: whether it has said, to ``receive`` or ``wait_ready``, that all is loaded.
    """

    def __init__(
        self,
        mode: str,
        settings: Settings,
        *,
        files: Sequence[str] = (),
        memory_limit: int | None = None,
        spares: int | None = None,
        template: Template | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        """Starts it, without waiting until it is ready. Raises InstallationError, UsageError, ZygoteError.

        ``memory_limit``: bytes a sandbox may use, ``DEFAULT_MEMORY`` where None. ``spares``: how many sandboxes wait
        ahead of need. ``template``: what its sandboxes share besides. ``numbers``: of its sandboxes, where
        another zygote has some too.
        """
        arguments = [*engines.zygote_command(engines.chosen(settings), settings), "--mode", mode]
        arguments += [*settings.isolation_arguments(), *settings.priority_arguments()]
        arguments += ["--clock-step", str(settings.clock_step)]
        if memory_limit is None and settings.max_memory < DEFAULT_MEMORY:
            memory_limit = settings.max_memory
        if memory_limit is not None:
            arguments += ["--memory-limit", str(memory_limit)]
        if spares is not None:
            arguments += ["--spares", str(spares)]
        if template is not None:
            arguments += ["--template", template.description]
        arguments += settings.cache_arguments("scripts")
        try:
            _require_open_files()
            self._child = Child([*arguments, "--", *files], socket.SOCK_SEQPACKET, {})
        except OSError as error:
            raise ZygoteError(f"{arguments[0]} cannot be started: {reason_of(error)}") from None
        self._template = template
        self._numbers = count(1) if numbers is None else numbers
        self.is_ready = False

    def fileno(self) -> int:
        """The control socket, for selectors."""
        return self._child.socket.fileno()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def wait_ready(self) -> None:
        """Waits until the start-up files are loaded. Raises ZygoteError."""
        while not self.is_ready:
            self._receive(0)

    def spawn(self, channel_in: int, channel_out: int, service_socket: int, patience: float = PATIENCE) -> int:
        """Asks for a sandbox on these descriptors, which stay the caller's. Returns its id.

        ``patience``: seconds to wait where too many are on their way. Raises ZygoteError, and OSError after that.
        """
        self.wait_ready()
        sandbox = next(self._numbers)
        self._send(f"spawn {sandbox}", [channel_in, channel_out, service_socket], patience)
        return sandbox

    def kill(self, sandbox: int) -> None:
        """Ends a sandbox at once; ``Exited`` follows."""
        self._send(f"kill {sandbox}", [], 0.0)

    def receive(self) -> list[Message]:
        """All messages that have come, without waiting. Raises ZygoteError when the zygote has ended."""
        messages = []
        while (message := self._receive(socket.MSG_DONTWAIT)) is not None:
            if not isinstance(message, (Ready, WantsCompiler)):
                messages.append(message)
        return messages

    def close(self) -> None:
        """Ends the zygote and every sandbox of it. One that still loads does not listen."""
        self._child.end(grace=1.0 if self.is_ready else 0.0)

    def _send(self, text: str, descriptors: Sequence[int], patience: float) -> None:
        try:
            send_descriptors(self._child.socket, text.encode(), descriptors, 0, patience)
        except OSError as error:
            if shortage(error):
                raise
            raise self._ended(error) from None

    def _receive(self, flags: int) -> Message | Ready | WantsCompiler | None:
        try:
            data = self._child.socket.recv(_LONGEST_MESSAGE, flags)
        except BlockingIOError:
            return None
        except OSError as error:
            raise self._ended(error) from None
        if not data:
            raise self._ended(None)
        message = parse(data.decode("utf-8", "replace"))
        if isinstance(message, Ready):
            self.is_ready = True
        elif isinstance(message, WantsCompiler):
            self._give_compiler()
        return message

    def _give_compiler(self) -> None:
        try:
            if self._template is None:
                raise InstallationError("there is no compiler for it")
            with self._template.connect_compiler() as connection:
                self._send("compiler", [connection.fileno()], PATIENCE)
        except (DcpError, OSError) as error:
            self._send(reason_of(error) if isinstance(error, OSError) else str(error), [], PATIENCE)

    def _ended(self, error: OSError | None) -> ZygoteError:
        status = self._child.wait(1.0)
        if status is None and error is not None:
            return ZygoteError(f"the sandbox zygote does not answer: {reason_of(error)}")
        would_again = not self.is_ready and status is not None and status.is_out_of_memory
        kind = ZygoteError if would_again else ZygoteEndedError
        return kind(f"the sandbox zygote ended ({status or 'still running'})")


def _require_open_files() -> None:
    """With fewer the programs that are started end in their own ways, Node by a crash. Raises OSError."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < _FEWEST_OPEN_FILES:
        raise OSError(errno.EMFILE, f"fewer than {_FEWEST_OPEN_FILES} open files are allowed")
