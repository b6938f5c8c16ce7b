"""One GPU host, and where its messages go."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ..processes.child import Child
from ..processes.exit_status import ExitStatus
from ..processes.notices import write_to_stderr
from .messages import Messages
from .records import Records
from .shader_folder import ShaderFolder
from .surroundings import Surroundings

_DELIBERATE = (1, 2, 3)
"""Exit statuses of a host that its GPU did not end: native/gpu/host_main.cpp."""


class GpuHost(Child):
    """A running dcp-gpu-host. What it writes to stderr comes to ours, within the limits of messages.py."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        surroundings: Surroundings,
        *,
        checked: bool,
        shares_shaders: bool = False,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """``checked``: it tries its adapter before it serves. ``shares_shaders``: ``meet`` is called before its socket
        is handed out. ``ended``: called once, when it is known that it
        has ended. Raises OSError when it cannot be started.
        """
        self.surroundings = surroundings
        self.checked = checked
        self.start_is_known = self.failure_is_known = False
        self.records = Records()
        self.shaders: ShaderFolder | None = None
        self._shares_shaders = shares_shaders
        self._killed = False
        self._began = time.monotonic()
        self._ended = ended
        read, write = os.pipe()
        try:
            self._messages = Messages(read, write_to_stderr, records=self.records)
            self._listener = _started(self._messages, read)
            more = ["--records", *(["--check"] if checked else []), *(["--share-shaders"] if shares_shaders else [])]
            super().__init__([*arguments, *more], socket.SOCK_STREAM, environment, stderr=write)
        finally:
            os.close(write)

    def meet(self) -> None:
        """Waits until it is sealed, and takes its folder of compiled shaders. Raises OSError."""
        if self._shares_shaders:
            self._shares_shaders = False
            self.shaders = ShaderFolder.of_host(self.socket)

    def leave(self) -> None:
        """Gives its folder up."""
        if self.shaders is not None:
            self.shaders.close()
            self.shaders = None

    @property
    def failed(self) -> bool:
        """Whether it has ended, and neither we nor its sandbox have ended it."""
        if self.poll() is None or self.status is None:
            return False
        code = self.status.code
        # Our SIGKILL may come while it dies of something else, of which it then tells.
        if self._heard.failed or (self._killed and code in (0, -signal.SIGKILL)):
            return self._heard.failed
        return code not in _DELIBERATE and not (code == 0 and self._heard.ready)

    @property
    def ready(self) -> bool:
        """Whether it has come as far as its first answer."""
        return self._heard.ready

    @property
    def gpu_seconds(self) -> float:
        """How long the GPU has had work of its sandbox, as the host tells: never longer than the host has lived."""
        self._messages.catch_up()
        return min(self.records.busy, time.monotonic() - self._began)

    @property
    def _heard(self) -> Records:
        if self.status is not None:
            self._listener.join(1.0)
        return self.records

    def poll(self) -> ExitStatus | None:
        status = super().poll()
        ended, self._ended = (None, self._ended) if status is None else (self._ended, None)
        if ended is not None:
            ended()
        return status

    def kill(self) -> None:
        self._killed = self._killed or self.poll() is None
        super().kill()

    def end(self, grace: float = 0.0) -> None:
        super().end(grace)
        self._listener.join(1.0)  # its last words come before ours


def _started(messages: Messages, source: int) -> threading.Thread:
    """A thread that ends with the other end of the pipe. Raises OSError."""
    thread = threading.Thread(target=messages.run, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        os.close(source)
        raise OSError(errno.EAGAIN, "no thread can be started") from error
    return thread
