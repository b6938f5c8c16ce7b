"""GPU hosts, one for each sandbox that asks."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections import Counter
from collections.abc import Sequence

from . import installation, isolation
from .errors import DcpError, InstallationError
from .gpu_host import GpuHost
from .gpu_options import GpuOptions

_MOST_RESTING = 4
_MOST_OF_A_SANDBOX = 64  # one, and another each time that it has lost it


class GpuPool:
    """Keeps ``warm`` GPU hosts ready. Not thread-safe: one owner."""

    def __init__(self, warm: int = 0, options: GpuOptions | None = None) -> None:
        self._wanted = warm
        self._options = options or GpuOptions()
        self._warm: list[GpuHost] = []
        self._used: dict[int, GpuHost] = {}
        self._asked: Counter[int] = Counter()  # how often each sandbox that has a host asked for one
        self._ending: list[GpuHost] = []
        self._most_used = 0  # at once, since the last rest()
        self._resting = 0
        self.refill()

    def prewarm(self, count: int) -> None:
        """Starts ``count`` hosts now; a fault is told to the sandbox that asks."""
        self._warm = [child for child in self._warm if child.poll() is None]
        with contextlib.suppress(InstallationError, OSError):
            while len(self._warm) < count:
                self._warm.append(self._start())

    def refill(self) -> None:
        """Starts hosts until as many are warm as wanted, and reaps those that have ended."""
        self._ending = [child for child in self._ending if child.poll() is None]
        self._warm = [child for child in self._warm if child.poll() is None]
        try:
            while len(self._warm) < self._wanted:
                self._warm.append(self._start())
        except (InstallationError, OSError):
            self._wanted = 0  # told to whoever asks

    def connect(self, owner: int) -> socket.socket:
        """A connection to a GPU host for sandbox ``owner``. Raises DcpError, OSError."""
        self._end_host(owner)  # at most one: a sandbox asks again when it has lost the first
        self._asked[owner] += 1
        if self._asked[owner] > _MOST_OF_A_SANDBOX:
            raise DcpError(f"this sandbox has lost {_MOST_OF_A_SANDBOX} GPU hosts; it gets no other")
        self._warm = [child for child in self._warm if child.poll() is None]
        child = self._warm.pop() if self._warm else self._start()
        self._used[owner] = child
        self._most_used = max(self._most_used, len(self._used))
        return child.socket

    def release(self, owner: int) -> None:
        """Ends the GPU host of a sandbox that has ended."""
        self._asked.pop(owner, None)
        self._end_host(owner)
        if self._ending or self._wanted:
            self.refill()

    def rest(self) -> None:
        """Between two jobs: as many hosts wait as the last job that used the GPU had at once, up to a limit."""
        if self._most_used:
            self._resting = min(self._most_used, _MOST_RESTING)
        self._most_used = 0
        kept, spare = self._warm[: self._resting], self._warm[self._resting :]
        self._end([*spare, *self._used.values(), *self._ending])
        self._warm, self._used, self._ending = kept, {}, []
        self.prewarm(self._resting)

    def close(self) -> None:
        """Ends all hosts."""
        self._wanted = self._resting = 0
        self._end([*self._warm, *self._used.values(), *self._ending])
        self._warm, self._used, self._ending = [], {}, []

    def _end(self, children: Sequence[GpuHost]) -> None:
        for child in children:
            child.kill()
        for child in children:
            child.end()

    def _end_host(self, owner: int) -> None:
        child = self._used.pop(owner, None)
        if child is not None:
            child.kill()
            self._ending.append(child)

    def _start(self) -> GpuHost:
        arguments = [installation.executable("dcp-gpu-host"), "--library", installation.wgpu_library()]
        arguments += isolation.arguments()
        arguments += self._options.arguments()
        try:
            visible = self._options.visible()
        except ValueError as error:
            raise InstallationError(str(error)) from None
        if visible is not None:
            arguments += ["--visible", ",".join(map(str, visible))]
        # GPUs of the same kind take turns, over all pools of this process.
        arguments += ["--turn", str(next(_turns))]
        return GpuHost(arguments)


_turns = itertools.count()
