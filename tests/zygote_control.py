"""Drives dcp-zygote over its control socket, as docs/protocol.md section 4 describes it, for the tests."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from dcp_evaluator.processes.child import CHILD_SOCKET, inherited_descriptors
from dcp_evaluator.sandboxes.services import SandboxServices
from dcp_evaluator.settings import engines, installation
from dcp_evaluator.settings.settings import Settings

DEADLINE = 20.0
"""Seconds after which a test gives up; far above what anything takes."""

ECHO = """
onreadln(function (line) {
  if (line === 'spin') for (;;) {}
  if (line === 'die') die(7);
  if (line.startsWith('busy ')) for (const end = performance.now() + Number(line.slice(5)); performance.now() < end;);
  writeln(line);
});
"""


def zygote_path() -> str:
    return installation.executable("dcp-zygote")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.005)


class Peer:
    """A running sandbox and our end of its channel."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.channel = channel
        self._lines = channel.makefile("rb")

    def send(self, line: str) -> None:
        self.channel.sendall(line.encode() + b"\n")

    def read(self) -> str:
        return self._lines.readline().decode().removesuffix("\n")

    def ask(self, line: str) -> str:
        self.send(line)
        return self.read()

    def close(self) -> None:
        self._lines.close()
        self.channel.close()


class RunningZygote:
    """A zygote in line mode that has said ``ready``; ends with the ``with`` block."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        source: str = ECHO,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        program: Sequence[str] = (),
        wait: bool = True,
    ) -> None:
        script = folder / "start.js"
        script.write_text(source)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(DEADLINE)
        command = [
            *prefix,
            *(program or engines.zygote_command(engines.chosen(Settings()), Settings())),
            "--mode",
            "line",
            *options,
            str(script),
        ]
        with theirs:
            ends = [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in inherited_descriptors()]
            actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), CHILD_SOCKET), *ends]
            self.pid = os.posix_spawnp(command[0], command, dict(environment or {}), file_actions=actions)
        self.status: int | None = None
        self._services = SandboxServices(Settings())
        self._service_threads: list[threading.Thread] = []
        if wait:
            answer = self.receive()
            assert answer == "ready", answer

    def __enter__(self) -> RunningZygote:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.control.close()
        try:
            self.wait()
        except AssertionError:
            os.kill(self.pid, signal.SIGKILL)
            raise
        finally:
            for thread in self._service_threads:
                thread.join(DEADLINE)
            self._services.close()

    def wait(self) -> int:
        """The exit status, or the negative signal, once it has ended."""

        def ended() -> bool:
            if self.status is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.status = os.waitstatus_to_exitcode(status) if pid else None
            return self.status is not None

        wait_until(ended, "the zygote ends")
        assert self.status is not None
        return self.status

    def send(self, message: bytes | str, descriptors: Sequence[int] = ()) -> None:
        data = message.encode() if isinstance(message, str) else message
        socket.send_fds(self.control, [data], list(descriptors))

    def receive(self) -> str:
        """A message; of one that a sandbox has ended, without what it has used."""
        message = self.control.recv(1 << 16).decode()
        return message.rsplit(" ", 2)[0] if message.startswith("exited ") else message

    def start(self, name: str, channel_in: int, channel_out: int) -> int:
        """Asks for a sandbox on these descriptors and returns its process id."""
        ours, service_socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with service_socket:
            self.send(f"spawn {name}", [channel_in, channel_out, service_socket.fileno()])
            answer = self.receive().split(" ", 2)
        self._service_threads.append(threading.Thread(target=self._serve, args=(ours,), daemon=True))
        self._service_threads[-1].start()
        assert answer[:2] == ["spawned", name], answer
        return int(answer[2])

    def _serve(self, service_socket: socket.socket) -> None:
        """Gives a sandbox what it asks for, until it ends."""
        with service_socket:
            while select.select([service_socket], [], []) and self._services.answer(
                service_socket, service_socket.fileno()
            ):
                pass

    def spawn(self, name: str, pair: tuple[socket.socket, socket.socket] | None = None) -> Peer:
        """A sandbox on a connected pair of sockets; a Unix pair unless one is given."""
        ours, theirs = pair or socket.socketpair()
        with theirs:
            pid = self.start(name, theirs.fileno(), theirs.fileno())
        ours.settimeout(DEADLINE)
        return Peer(pid, ours)
