"""What sandboxes ask their owner for: a GPU host, the compiler (docs/protocol.md section 3)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

from ..errors import DcpError, reason_of
from ..gpu.options import GpuOptions
from ..gpu.pool import GpuPool
from ..gpu.shader_cache import ShaderCache
from ..metrics.counters import Counters
from ..processes.compiler import Compiler
from ..processes.control_groups import ControlGroups
from ..processes.passing import send_descriptors, shortage
from ..settings.settings import Settings

_TASKS_OF_A_SANDBOX = 4  # it has one, and can make no other
_SHORTAGE = b"M"
_PYTHON = b"P"
_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


def _ignore(sandbox: int) -> None:
    pass


class SandboxServices:
    """Answers the service sockets of all sandboxes of one owner. Not thread-safe.

    ``on_shortage`` hears of a sandbox whose job was refused memory, ``on_python`` of one whose job asks for Python: as
    often as that sandbox likes.
    """

    def __init__(
        self,
        settings: Settings,
        warm: int = 0,
        gpu: GpuOptions | None = None,
        counters: Counters | None = None,
        shaders: ShaderCache | None = None,
    ) -> None:
        """``warm``: GPU hosts that wait. ``gpu``: what sandboxes get of the GPU. ``shaders``: of an owner with jobs."""
        self.groups = ControlGroups(settings.max_memory, priority=settings.priority, cpus=settings.max_cpus)
        self.gpu_pool = GpuPool(settings, warm, gpu, groups=self.groups, counters=counters, shaders=shaders)
        self.compiler = Compiler(settings, self.groups)
        self.on_shortage: Callable[[int], None] = _ignore
        self.on_python: Callable[[int], None] = _ignore

    def admit(self, sandbox: int, process: int) -> None:
        """A sandbox runs: it gets a control group, where there are any."""
        self.groups.add(f"sandbox-{sandbox}", process, _TASKS_OF_A_SANDBOX)

    def answer(self, service_socket: socket.socket, sandbox: int) -> bool:
        """Serves a request on ``service_socket``; False when it is of no further use and to be closed.

        So it is when the sandbox has closed it, or does not take its answers.
        """
        try:
            request = service_socket.recv(16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not request:
            return False
        try:
            self._serve(request, service_socket, sandbox)
        except OSError:
            return False
        return True

    def take_last_words(self, service_socket: socket.socket, sandbox: int) -> None:
        """Of a sandbox that has ended: it asks for nothing any more."""
        with contextlib.suppress(OSError):
            while request := service_socket.recv(16, socket.MSG_DONTWAIT):
                if request == _SHORTAGE:
                    self.on_shortage(sandbox)

    def release(self, sandbox: int) -> float:
        """A sandbox has ended, or does so now: its GPU host ends too. Returns the seconds that it had of the GPU."""
        self.groups.remove(f"sandbox-{sandbox}")
        return self.gpu_pool.release(sandbox)

    def rest(self) -> None:
        """Ends what no sandbox needs between two jobs."""
        self.gpu_pool.rest()

    def close(self) -> None:
        """Ends all processes, once the sandboxes have ended."""
        self.gpu_pool.close()
        self.compiler.close()
        self.groups.close()

    def _serve(self, request: bytes, service_socket: socket.socket, sandbox: int) -> None:
        if request == _SHORTAGE:
            return self.on_shortage(sandbox)
        if request == _PYTHON:
            return self.on_python(sandbox)
        providers = {b"G": lambda: self.gpu_pool.connect(sandbox), b"C": lambda: self.compiler.connect(sandbox)}
        provider = providers.get(request)
        if provider is None:
            service_socket.send(b"Nunknown request", _FLAGS)
            return None
        try:
            connection = provider()
        except DcpError as error:
            service_socket.send(b"N" + str(error).encode(), _FLAGS)
        except OSError as error:
            reason = shortage(error) or reason_of(error)
            service_socket.send(f"Nits process cannot be started: {reason}".encode(), _FLAGS)
        else:
            with connection:  # the sandbox now has the only one: its end is seen at the other end
                self._hand_over(request, connection, service_socket)
        if request == b"G":
            self.gpu_pool.refill()
        return None

    @staticmethod
    def _hand_over(request: bytes, connection: socket.socket, service_socket: socket.socket) -> None:
        try:
            send_descriptors(service_socket, request, [connection.fileno()], _FLAGS)
        except OSError as error:
            if not (reason := shortage(error)):
                raise
            service_socket.send(f"N{reason}".encode(), _FLAGS)
