"""Starting the native executables: one socket on descriptor 3, nothing else of ours in reach."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from . import starter
from .exit_status import ExitStatus

CHILD_SOCKET = 3


def inherited_descriptors() -> list[int]:
    """File descriptors inherited from our parent, in ascending order, which our children would inherit as well.

    Python opens its own close-on-exec, so they are not listed. Node cannot tell the inherited ones from its own, so
    they are closed before a child runs. Raises OSError.
    """
    found = []
    try:
        entries = list(Path("/proc/self/fd").iterdir())
    except FileNotFoundError:
        reason = "/proc is not mounted, and no sandbox can be made without it; as root: mount -t proc proc /proc"
        raise OSError(errno.ENOENT, reason) from None
    for entry in entries:
        descriptor = int(entry.name)
        with suppress(OSError):  # closed by now
            if descriptor > CHILD_SOCKET and os.get_inheritable(descriptor):
                found.append(descriptor)
    return sorted(found)


def _without(descriptors: Sequence[int], spawn: Callable[[], int]) -> int:
    """Spawns a child that does not inherit them: of numbers beyond our limit, it could not close them."""
    changed = []
    try:
        for descriptor in descriptors:
            with suppress(OSError):  # closed by now
                os.set_inheritable(descriptor, False)
                changed.append(descriptor)
        return spawn()
    finally:
        for descriptor in changed:
            with suppress(OSError):
                os.set_inheritable(descriptor, True)


class Child:
    """A child process and our end of its socket."""

    def __init__(
        self,
        arguments: Sequence[str],
        kind: socket.SocketKind,
        environment: Mapping[str, str],
        stderr: int | None = None,
    ) -> None:
        """``stderr``: what it gets as its own in place of ours. Raises OSError when the program cannot be started."""
        actions = [] if stderr is None else [(os.POSIX_SPAWN_DUP2, stderr, 2)]
        inherited = inherited_descriptors()
        beyond = [descriptor for descriptor in inherited if descriptor >= resource.getrlimit(resource.RLIMIT_NOFILE)[0]]
        ends = [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in inherited if descriptor not in beyond]
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        self.status: ExitStatus | None = None
        try:
            # Its own session: Ctrl-C reaches us, and we end it in order; it has no terminal to feed.
            spawn = partial(
                os.posix_spawn,
                arguments[0],
                list(arguments),
                dict(environment),
                file_actions=[*actions, (os.POSIX_SPAWN_DUP2, theirs.fileno(), CHILD_SOCKET), *ends],
                setsid=True,
                setsigmask=(),
                setsigdef=(signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD),
            )
            self.pid = starter.call(partial(_without, beyond, spawn))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.socket = ours

    def poll(self) -> ExitStatus | None:
        """How the process ended, None while it runs."""
        if self.status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.status = ExitStatus(0)
            else:
                if pid:
                    self.status = ExitStatus.of_wait(status)
        return self.status

    def wait(self, timeout: float) -> ExitStatus | None:
        """Waits at most ``timeout`` seconds for the end; None where it still runs."""
        deadline = time.monotonic() + timeout
        delay = 0.0005
        while self.poll() is None and time.monotonic() < deadline:
            time.sleep(delay)
            delay = min(delay * 2, 0.02)
        return self.status

    def kill(self) -> None:
        """SIGKILL, without waiting."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended, and whoever ignores SIGCHLD need not reap it
                os.kill(self.pid, signal.SIGKILL)

    def end(self, grace: float = 0.0) -> None:
        """Closes the socket, waits ``grace`` seconds, kills what is left, and reaps it."""
        self.socket.close()
        if self.wait(grace) is None:
            self.kill()
            self.wait(5.0)
