"""One sandbox as its supervisor sees it: its channel, its service socket, and the slices that it has been given."""

from __future__ import annotations

import math
import os
import socket
from functools import partial

from .. import _native
from ..frames import table
from ..frames.fields import SandboxFrame
from ..frames.values import FrameDecoder, SharedArrays, encode
from ..gpu.options import GpuOptions
from ..gpu.shader_cache import ShaderCache
from ..processes.zygote import Template, Zygote
from ..settings import engines
from ..settings.settings import Settings
from .services import SandboxServices
from .slice_ledger import Lane, Slice
from .slice_limits import SliceLimits, SliceUse
from .spawn import spawn_sandbox

_MOST_QUEUED_BYTES = 32 << 20
_WORTH_OF_A_DESCRIPTOR = 1 << 20  # a sandbox has few: no more than 32 wait there, and those of one slice
_WINDOW_SECONDS = 0.010
_LARGEST_WINDOW = 256
_EXIT_GRACE = 2.0
_TEMPLATE = 0  # in the place of a sandbox's number


class SandboxFactory:
    """What sandboxes on this machine need: a zygote, GPU hosts, the compiler. Not thread-safe: one owner at a time.

    ``engine``: ``quickjs`` or ``v8``.
    """

    def __init__(
        self,
        settings: Settings,
        memory_limit: int | None = None,
        gpu: GpuOptions | None = None,
        template: str | None = None,
    ) -> None:
        """``template``: the description of what its sandboxes share besides the runtime."""
        self.engine = engines.chosen(settings)
        self.services = SandboxServices(settings, gpu=gpu, shaders=ShaderCache(settings))
        loaded = None if template is None else Template(template, partial(self.services.compiler.connect, _TEMPLATE))
        self._start_zygote = partial(Zygote, "job", settings, memory_limit=memory_limit, template=loaded)
        self.zygote = self._start_zygote()

    def create(self, decoder: FrameDecoder) -> Sandbox:
        """A new sandbox, which gets ready while the caller goes on. Raises ZygoteError, OSError at once."""
        number, channel, service_socket = spawn_sandbox(self.zygote, patience=0.0)
        return Sandbox(number, channel, service_socket, decoder)

    def replace_zygote(self) -> None:
        """Starts another one, after the first has ended. Raises InstallationError, ZygoteError."""
        self.zygote.close()
        self.zygote = self._start_zygote()

    def close(self) -> None:
        """Ends the zygote, all sandboxes and what serves them."""
        self.zygote.close()
        self.services.close()


class Sandbox:
    """A sandbox process: its channel, how far ahead slices are sent to it, and when it has been quiet for too long.

    ``lane``: its slices, and what state it is in. ``is_ready``: whether its runtime has started.
    """

    def __init__(
        self, number: int, channel: _native.FrameChannel, service_socket: socket.socket, decoder: FrameDecoder
    ) -> None:
        self.number = number
        self.channel = channel
        self.service_socket = service_socket
        self.lane = Lane()
        self.is_ready = False
        self.use = SliceUse(SliceLimits())
        self._decoder = decoder
        channel.limit_values(decoder.limit)
        self._window = 1
        self._queued_bytes = 0
        self._taken = 0
        self._results = 0
        self._seconds_per_slice = 0.0
        self._measured_at = 0.0

    @property
    def wants_slices(self) -> bool:
        """Whether its queue has run low. Many small slices are sent ahead; long ones one by one."""
        return self.lane.is_assigned and len(self.lane.queue) <= self._window // 2

    @property
    def has_room(self) -> bool:
        return len(self.lane.queue) < self._window and self._queued_bytes < _MOST_QUEUED_BYTES

    def send(self, work: Slice) -> None:
        """Writes a slice. Raises TypeError or ValueError when its datum cannot be sent."""
        shared = SharedArrays()
        try:
            payload = encode([table.RUN, work.index, work.datum], shared)
            self.channel.send(payload, shared.fds)
        finally:
            shared.close()
        work.size = len(payload) + shared.size + len(shared.fds) * _WORTH_OF_A_DESCRIPTOR
        self._queued_bytes += work.size

    def begin(self, now: float) -> None:
        """A slice begins to run where none did."""
        self._measured_at = now
        self.use.begin(now)

    def finish(self, index: int, now: float) -> None:
        """The slice that runs has its answer; the next one begins. Raises FrameError where it is another slice's."""
        queue = self.lane.queue
        if not queue or queue[0].index != index:
            raise _native.FrameError("an answer to a slice that does not run")
        self._queued_bytes -= queue[0].size
        self.use.quiet_since = now
        if len(queue) > 1:
            self.use.begin(now)

    def receive(self) -> list[tuple[SandboxFrame, int]]:
        """Frames that have come, and their bytes. Raises EOFError, OSError, and FrameError for a broken protocol."""
        decoded = []
        received = self.channel.receive()
        try:
            for payload, fds in received:
                size = len(payload) + (sum(os.fstat(fd).st_size for fd in fds) if fds else 0)
                self._taken += bool(fds)
                decoded.append((self._decoder.decode(payload, fds), size))
        finally:
            for _, fds in received:
                for fd in fds:
                    os.close(fd)
        return decoded

    def give_credit(self) -> bool:
        """Tells it how many frames with descriptors were handled since the last call; False where none was."""
        if self._taken == 0:
            return False
        self.channel.send(encode([table.TAKEN, self._taken], SharedArrays()))
        self._taken = 0
        return True

    def measure(self, finished: int, now: float) -> None:
        """Adapts the window after ``finished`` slices were answered."""
        seconds = (now - self._measured_at) / finished
        self._measured_at = now
        self._seconds_per_slice = seconds if self._results == 0 else 0.75 * self._seconds_per_slice + 0.25 * seconds
        self._results += finished
        target = int(_WINDOW_SECONDS / max(self._seconds_per_slice, 1e-6))
        self._window = max(1, min(target, 2 * self._window, _LARGEST_WINDOW))

    @property
    def deadline(self) -> float:
        """When it has to be looked at if nothing comes from it."""
        if self.lane.is_assigned:
            return self.use.deadline if self.lane.queue else math.inf
        if self.lane.is_open:
            return self.use.quiet_deadline
        return self.use.quiet_since + _EXIT_GRACE

    def close(self) -> None:
        """Closes the channel and the service socket: the sandbox ends."""
        self.channel.close()
        self.service_socket.close()
