"""What sandboxes ask their owner for: a GPU host, the compiler (docs/protocol.md section 3)."""

from __future__ import annotations

import socket

from ..errors import DcpError, reason_of
from ..gpu.options import GpuOptions
from ..gpu.pool import GpuPool
from ..processes.compiler import Compiler
from ..settings.settings import Settings

_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


class SandboxServices:
    """Answers the service sockets of all sandboxes of one owner. Not thread-safe."""

    def __init__(self, settings: Settings, warm: int = 0, gpu: GpuOptions | None = None) -> None:
        """``warm``: GPU hosts that wait. ``gpu``: what sandboxes get of the GPU."""
        self.gpu_pool = GpuPool(settings, warm, gpu)
        self.compiler = Compiler(settings)

    def answer(self, service_socket: socket.socket, sandbox: int) -> bool:
        """Serves a request on ``service_socket``; False when the sandbox has closed it."""
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

    def release(self, sandbox: int) -> None:
        """A sandbox has ended: its GPU host ends too."""
        self.gpu_pool.release(sandbox)

    def rest(self) -> None:
        """Ends what no sandbox needs between two jobs."""
        self.gpu_pool.rest()

    def close(self) -> None:
        """Ends all processes."""
        self.gpu_pool.close()
        self.compiler.close()

    def _serve(self, request: bytes, service_socket: socket.socket, sandbox: int) -> None:
        providers = {b"G": lambda: self.gpu_pool.connect(sandbox), b"C": lambda: self.compiler.connect(sandbox)}
        provider = providers.get(request)
        if provider is None:
            service_socket.send(b"Nunknown request", _FLAGS)
            return
        try:
            connection = provider()
        except DcpError as error:
            service_socket.send(b"N" + str(error).encode(), _FLAGS)
        except OSError as error:
            service_socket.send(f"Nits process cannot be started: {reason_of(error)}".encode(), _FLAGS)
        else:
            with connection:  # the sandbox now has the only one: its end is seen at the other end
                socket.send_fds(service_socket, [request], [connection.fileno()], _FLAGS)
        if request == b"G":
            self.gpu_pool.refill()
