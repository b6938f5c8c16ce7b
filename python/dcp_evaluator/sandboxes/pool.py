"""The sandboxes of one job, and the selector that waits for them, for their zygote and for a call to ``wake``."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence

from .. import _native
from ..errors import ZygoteError
from ..frames.values import FrameDecoder
from ..processes.zygote_messages import Message, Spawned
from .sandbox import Sandbox, SandboxFactory
from .shortage import Shortage
from .slice_limits import SliceLimits, SliceUse

_STARVED_PAUSE = 0.01


class SandboxPool:
    """``assignment``: payload and descriptors of the frame that every sandbox gets first."""

    def __init__(
        self,
        factory: SandboxFactory,
        assignment: tuple[bytes, Sequence[int]],
        decoder: FrameDecoder,
        limits: SliceLimits,
    ) -> None:
        self._factory = factory
        self._assignment = assignment
        self._decoder = decoder
        self._limits = limits
        self._sandboxes: dict[int, Sandbox] = {}
        self._shortage = Shortage()
        self._starved: set[Sandbox] = set()  # what is written to them waits for others' descriptors
        self._selector = selectors.DefaultSelector()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector.register(self._wake, selectors.EVENT_READ, lambda mask: os.eventfd_read(self._wake))

    def __iter__(self) -> Iterator[Sandbox]:
        """Those that there are now; sandboxes may be removed meanwhile."""
        return iter(list(self._sandboxes.values()))

    def __len__(self) -> int:
        return len(self._sandboxes)

    def __contains__(self, sandbox: Sandbox) -> bool:
        return sandbox.number in self._sandboxes

    @property
    def is_ready(self) -> bool:
        """Whether the zygote has loaded what all sandboxes share."""
        return self._factory.zygote.is_ready

    def start(self, now: float, on_readable: Callable[[Sandbox], object]) -> Sandbox | None:
        """One more sandbox, which has been sent the assignment. Raises JobError, ZygoteError.

        None where others have taken all descriptors, or the zygote still loads; it is to be called again after
        ``wait``. ``on_readable`` is called with it when its channel has something to read.
        """
        if not self.is_ready:
            return None
        try:
            sandbox = self._factory.create(self._decoder)
        except OSError as error:
            self.is_short(error, now)
            return None
        try:
            sandbox.channel.send(*self._assignment)
        except OSError as error:
            sandbox.close()
            self.is_short(error, now)
            return None
        self._sandboxes[sandbox.number] = sandbox
        sandbox.use = SliceUse(self._limits)
        sandbox.use.quiet_since = now
        self._selector.register(
            sandbox.channel, selectors.EVENT_READ, lambda mask: self._on_channel(sandbox, mask, on_readable)
        )
        self._selector.register(sandbox.service_socket, selectors.EVENT_READ, lambda mask: self._on_service(sandbox))
        self.flush(sandbox)
        return sandbox

    def is_short(self, error: OSError, now: float) -> None:
        """Something failed for want of descriptors; ``wait`` returns when it is worth another try. Raises JobError."""
        idle = not any(sandbox.lane.queue for sandbox in self._sandboxes.values())
        self._shortage.met(error, now, len(self._sandboxes), idle=idle)

    def flush(self, sandbox: Sandbox) -> None:
        """Writes as much as the channel takes now, the rest when it takes more."""
        if not sandbox.lane.is_open:
            return
        try:
            done = sandbox.channel.flush()
        except OSError:
            done = True  # it has ended: reading will say so
        starved = not done and sandbox.channel.starved
        if starved:
            self._starved.add(sandbox)
        elif self._starved:
            self._starved.discard(sandbox)
        wanted = selectors.EVENT_READ if done or starved else selectors.EVENT_READ | selectors.EVENT_WRITE
        key = self._selector.get_key(sandbox.channel)
        if key.events != wanted:
            self._selector.modify(sandbox.channel, wanted, key.data)

    def wait(self) -> None:
        """Waits until something happens or a sandbox has to be looked at, and calls back."""
        now = time.monotonic()
        deadline = min((sandbox.deadline for sandbox in self._sandboxes.values()), default=math.inf)
        deadline = min(deadline, self._shortage.take_retry(), now + _STARVED_PAUSE if self._starved else math.inf)
        left = None if deadline == math.inf else max(0.0, deadline - now)
        for key, mask in self._selector.select(left):
            key.data(mask)
        for sandbox in list(self._starved):
            sandbox.use.quiet_since = now  # what it waits for is not its fault
            self.flush(sandbox)

    def wake(self) -> None:
        """Makes ``wait`` return soon; may be called from any thread, before ``close``."""
        os.eventfd_write(self._wake, 1)

    def zygote_messages(self) -> Iterator[tuple[Sandbox, Message]]:
        """What the zygote has said of sandboxes that are still here. Raises ZygoteError."""
        for message in self._factory.zygote.receive():
            sandbox = self._sandboxes.get(message.sandbox)
            if sandbox is not None and isinstance(message, Spawned):
                self._factory.services.admit(message.sandbox, message.pid)
            if sandbox is not None:
                yield sandbox, message

    def watch_zygote(self, on_readable: Callable[[], object]) -> None:
        """``on_readable`` is called when it has said something or has ended."""
        self._selector.register(self._factory.zygote, selectors.EVENT_READ, lambda mask: on_readable())

    def replace_zygote(self) -> None:
        """Takes another one after it has ended. Raises InstallationError, ZygoteError."""
        callback = self._selector.unregister(self._factory.zygote).data
        self._factory.replace_zygote()
        self._selector.register(self._factory.zygote, selectors.EVENT_READ, callback)

    def stop_reading(self, sandbox: Sandbox) -> None:
        """Its channel is closed at the other end."""
        self._unwatch(sandbox.channel)

    def remove(self, sandbox: Sandbox) -> None:
        """Ends a sandbox."""
        self._starved.discard(sandbox)
        self._unwatch(sandbox.channel)
        self._unwatch(sandbox.service_socket)
        sandbox.close()
        del self._sandboxes[sandbox.number]
        self._factory.services.release(sandbox.number)
        with contextlib.suppress(ZygoteError):
            self._factory.zygote.kill(sandbox.number)

    def end(self) -> None:
        """Ends all sandboxes."""
        for sandbox in self:
            self.remove(sandbox)

    def close(self) -> None:
        """The last call, when nobody calls ``wake`` any more."""
        self._selector.close()
        os.close(self._wake)

    def _on_channel(self, sandbox: Sandbox, mask: int, on_readable: Callable[[Sandbox], object]) -> None:
        if sandbox.lane.is_open and mask & selectors.EVENT_WRITE:
            self.flush(sandbox)
        if sandbox.lane.is_open and mask & selectors.EVENT_READ:
            on_readable(sandbox)

    def _on_service(self, sandbox: Sandbox) -> None:
        if sandbox in self and not self._factory.services.answer(sandbox.service_socket, sandbox.number):
            self._unwatch(sandbox.service_socket)
            sandbox.service_socket.close()

    def _unwatch(self, stream: _native.FrameChannel | socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(stream)
