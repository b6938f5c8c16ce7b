"""One sandbox as its supervisor sees it: its channel, its service socket, and the slices that it has been given."""

from __future__ import annotations

import os
import socket
from collections import deque
from functools import partial
from typing import Any

from . import _native, frames
from .frame_fields import SandboxFrame
from .gpu_options import GpuOptions
from .services import SandboxServices
from .slice_limits import SliceLimits, SliceUse
from .spawn import spawn_sandbox
from .values import FrameDecoder, SharedArrays, encode
from .zygote import Zygote

_MOST_QUEUED_BYTES = 32 << 20
_WINDOW_SECONDS = 0.010
_LARGEST_WINDOW = 256


class Slice:
    """One datum on its way to a result.

    ``index`` counts from 0; ``size``: bytes that were sent for it.
    ``starved``: a sandbox that had run others before had no memory left for it.
    """

    __slots__ = ("datum", "deaths", "index", "rejections", "size", "starved")

    def __init__(self, index: int, datum: Any) -> None:
        self.index = index
        self.datum = datum
        self.deaths = 0
        self.rejections = 0
        self.size = 0
        self.starved = False


class SandboxFactory:
    """What sandboxes on this machine need: a zygote, GPU hosts, the compiler. Not thread-safe: one owner at a time."""

    def __init__(
        self, memory_limit: int | None = None, gpu: GpuOptions | None = None, engine: str | None = None
    ) -> None:
        self._start_zygote = partial(Zygote, "job", engine=engine, memory_limit=memory_limit)
        self.zygote = self._start_zygote()
        self.services = SandboxServices(gpu=gpu)

    def create(self, decoder: FrameDecoder) -> Sandbox:
        """A new sandbox, which gets ready while the caller goes on. Raises ZygoteError, OSError."""
        number, channel, service_socket = spawn_sandbox(self.zygote)
        return Sandbox(number, channel, service_socket, decoder)

    def replace_zygote(self) -> None:
        """Starts another one, after the first has ended. Raises InstallationError, ZygoteError."""
        self.zygote.close()
        self.zygote = self._start_zygote()

    def close(self) -> None:
        """Ends the zygote, all sandboxes and what serves them."""
        self.services.close()
        self.zygote.close()


class Sandbox:
    """A sandbox process. ``queue`` holds the slices that it was given and has not answered; the first one runs."""

    def __init__(
        self, number: int, channel: _native.FrameChannel, service_socket: socket.socket, decoder: FrameDecoder
    ) -> None:
        self.number = number
        self.channel = channel
        self.service_socket = service_socket
        self.queue: deque[Slice] = deque()
        self.assigned = False
        self.ended = False
        self.answered = 0
        self.results = 0
        self.quiet_since = 0.0
        self.use = SliceUse(SliceLimits())
        self.window = 1
        self._decoder = decoder
        self._queued_bytes = 0
        self._seconds_a_slice = 0.0
        self._measured_at = 0.0

    @property
    def is_new(self) -> bool:
        """Whether it has been given no slice yet."""
        return not self.answered and not self.queue

    @property
    def wants_slices(self) -> bool:
        """Whether its queue has run low. Many small slices are sent ahead; long ones one by one."""
        return self.assigned and not self.ended and len(self.queue) <= self.window // 2

    def has_room(self) -> bool:
        return len(self.queue) < self.window and self._queued_bytes < _MOST_QUEUED_BYTES

    def run(self, work: Slice, now: float) -> None:
        """Queues a slice. Raises TypeError or ValueError when its datum cannot be sent."""
        shared = SharedArrays()
        try:
            payload = encode([frames.RUN, work.index, work.datum], shared)
            self.channel.send(payload, shared.fds)
        finally:
            shared.close()
        if not self.queue:
            self.quiet_since = self._measured_at = now
            self.use.begin(now)
        work.size = len(payload) + shared.size
        self._queued_bytes += work.size
        self.queue.append(work)

    def pop(self) -> Slice:
        """Takes the slice that runs from the queue."""
        work = self.queue.popleft()
        self._queued_bytes -= work.size
        return work

    def finish(self, now: float) -> Slice:
        """Takes the slice that runs from the queue; the next one begins."""
        work = self.pop()
        self.answered += 1
        self.quiet_since = now
        if self.queue:
            self.use.begin(now)
        return work

    def receive(self) -> list[tuple[SandboxFrame, int]]:
        """Frames that have come, and their bytes. Raises EOFError, OSError, and FrameError for a broken protocol."""
        decoded = []
        received = self.channel.receive()
        try:
            for payload, fds in received:
                size = len(payload) + sum(os.fstat(fd).st_size for fd in fds)
                decoded.append((self._decoder.decode(payload, fds), size))
        finally:
            for _, fds in received:
                for fd in fds:
                    os.close(fd)
        return decoded

    def measure(self, finished: int, now: float) -> None:
        """Adapts the window after ``finished`` slices were answered."""
        seconds = (now - self._measured_at) / finished
        self._measured_at = now
        self._seconds_a_slice = seconds if self.results == 0 else 0.75 * self._seconds_a_slice + 0.25 * seconds
        self.results += finished
        target = int(_WINDOW_SECONDS / max(self._seconds_a_slice, 1e-6))
        self.window = max(1, min(target, 2 * self.window, _LARGEST_WINDOW))

    def close(self) -> None:
        """Closes the channel and the service socket: the sandbox ends."""
        self.ended = True
        self.channel.close()
        self.service_socket.close()
