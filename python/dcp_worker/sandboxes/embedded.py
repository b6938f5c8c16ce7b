"""The evaluator of this machine, in this program: a thread looks after the zygote, sandboxes are processes of it.

Data does not pass through the thread: each sandbox has one end of a socket pair. When this program is killed, the
zygote and all sandboxes end with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from dcp_evaluator.errors import DcpError, ZygoteEndedError, ZygoteError, reason_of
from dcp_evaluator.gpu.options import GpuOptions
from dcp_evaluator.lines.evaluator import LineEvaluator
from dcp_evaluator.metrics.counters import Counters
from dcp_evaluator.service.journal import NOTICE
from dcp_evaluator.settings.settings import Settings

from ..errors import EvaluatorError
from .channels import Channel

_LONG_ENOUGH = 10.0  # seconds: a zygote that has lived so long is replaced at once
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
_MOST_STARTS = 3
_CLOSE_PATIENCE = 10.0


def _ignore(*_: object) -> None:
    pass


class EmbeddedEvaluator:
    """Sandboxes with ``files`` loaded, those of dcp-client, in their order.

    ``settings``: engine, isolation and the like. ``memory_limit``: bytes that a sandbox may use. ``spares``: sandboxes
    that wait ahead of need. ``patience``: seconds that ``open`` waits for an evaluator that is being started again.
    ``on_down`` hears why it ended, each time, after which it is started again; ``on_notice`` hears level, which is
    syslog's, and text. Both are called on the event loop, and may be changed before ``start``.
    """

    def __init__(
        self,
        files: Sequence[str],
        settings: Settings,
        *,
        memory_limit: int | None = None,
        spares: int | None = None,
        gpu: GpuOptions | None = None,
        patience: float = 60.0,
        on_down: Callable[[str], None] = _ignore,
        on_notice: Callable[[int, str], None] = _ignore,
    ) -> None:
        self.is_uniform = True
        self.on_down = on_down
        self.on_notice = on_notice
        self._patience = patience
        self._gpu = gpu = gpu or GpuOptions()
        self._calls = _Calls()
        self._thread: _Keeper | None = None
        self._ready: asyncio.Future[None]
        self._make_evaluator = lambda owner: LineEvaluator(
            files, settings, memory_limit=memory_limit, level=NOTICE, warm=0, spares=spares, gpu=gpu,
            owner=owner,
        )  # fmt: skip

    def begin(self) -> None:
        """Begins to load the files, even before there is an event loop. ``start`` follows, or ``abandon``."""
        if self._thread is None:
            self._thread = _Keeper(self._make_evaluator, self._calls, self)
            self._thread.start()

    async def start(self) -> None:
        """Waits until the files are loaded. Raises EvaluatorError."""
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        self._calls.deliver_to(loop)
        self.begin()
        await self._ready

    def abandon(self) -> None:
        """Ends what ``begin`` has begun."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()
            thread.join(_CLOSE_PATIENCE)

    async def open(self) -> Channel:
        """A sandbox, which may still be on its way. Raises EvaluatorError."""
        if self._thread is None:
            raise EvaluatorError("the evaluator is not started")
        loop = asyncio.get_running_loop()
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise EvaluatorError(f"a sandbox has no connection: {reason_of(error)}") from None
        channel = Channel(ours)
        channel.exit = loop.create_future()
        opened: asyncio.Future[None] = loop.create_future()
        self._thread.submit(_Request(channel, theirs, opened))
        try:
            await asyncio.wait_for(opened, self._patience)
        except TimeoutError:
            ours.close()
            raise EvaluatorError(f"the evaluator was not started again within {self._patience:g} s") from None
        except BaseException:
            ours.close()
            raise
        return channel

    def withhold_gpus(self, identities: Collection[str]) -> bool:
        self._gpu.withheld = frozenset(identities)
        return True

    @property
    def counters(self) -> Counters:
        """What became of its sandboxes and GPU hosts so far. Its thread changes them."""
        return self._thread.counters if self._thread else Counters()

    async def close(self) -> None:
        """Ends the zygote and all sandboxes."""
        await asyncio.to_thread(self.abandon)

    # --- What its thread tells, on the event loop ---

    def is_up(self) -> None:
        _succeed(self._ready)

    def is_down(self, reason: str) -> None:
        self.on_down(reason)

    def has_ended(self, reason: str) -> None:
        _fail(self._ready, f"the evaluator cannot be started: {reason}")

    def says(self, level: int, text: str) -> None:
        self.on_notice(level, text)


class _Calls:
    """Calls to an event loop from a thread. They wait until there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def deliver_to(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._loop = loop
            for callback, arguments in self._waiting:
                loop.call_soon(callback, *arguments)
            self._waiting.clear()

    def __call__(self, callback: Callable[..., None], *arguments: Any) -> None:
        with self._lock, contextlib.suppress(RuntimeError):  # the event loop is closed
            if self._loop is None:
                self._waiting.append((callback, arguments))
            else:
                self._loop.call_soon_threadsafe(callback, *arguments)


class _Request:
    """Of a sandbox on ``theirs``; ``opened`` hears whether it is on its way."""

    def __init__(self, channel: Channel, theirs: socket.socket, opened: asyncio.Future[None]) -> None:
        self.channel = channel
        self.theirs = theirs
        self.opened = opened


class _Keeper(threading.Thread):
    """The thread of an evaluator: its ``LineEvaluator`` belongs to it alone."""

    def __init__(
        self, make_evaluator: Callable[[_Keeper], LineEvaluator], tell: _Calls, owner: EmbeddedEvaluator
    ) -> None:
        super().__init__(name="dcp-evaluator", daemon=True)
        self._make_evaluator = make_evaluator
        self._tell = tell
        self._owner = owner
        self.counters = Counters()
        self._was_ready = False
        self._lock = threading.Lock()
        self._requests: list[_Request] = []
        self._channels: dict[int, Channel] = {}
        self._stopping = self._has_ended = False
        self._starts = 0
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)

    # --- For the event loop ---

    def submit(self, request: _Request) -> None:
        with self._lock:
            ended = self._has_ended
            if not ended:
                self._requests.append(request)
        if ended:
            self._refuse(request, "it has ended")
        else:
            self._wake()

    def stop(self) -> None:
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it wakes up anyway; closed: it has ended
            self._wake_writer.send(b"\0")

    # --- The thread ---

    def run(self) -> None:
        try:
            evaluator = self._make_evaluator(self)
        except DcpError as error:
            self._end(f"{error}")
            return
        self.counters = evaluator.counters
        reason = "it was closed"
        try:
            evaluator.watch(self._wake_reader, self._on_wake)
            while not self._stopping:
                self._keep(evaluator)
        except DcpError as error:
            reason = str(error)
        finally:
            evaluator.close()
            self._end(reason)

    def _keep(self, evaluator: LineEvaluator) -> None:
        """One life of a zygote. Raises ZygoteError where none has been ready, and another would not be either."""
        began = time.monotonic()
        try:
            while not self._stopping:
                evaluator.step()
                if evaluator.is_ready:
                    if not self._was_ready:
                        self._was_ready = True
                        self._tell(self._owner.is_up)
                    self._serve(evaluator)
        except ZygoteError as error:
            if not self._was_ready:
                self._starts += 1
                if not isinstance(error, ZygoteEndedError) or self._starts == _MOST_STARTS:
                    raise
            self._tell(self._owner.is_down, str(error))
            self._restart(evaluator, 0.0 if time.monotonic() - began > _LONG_ENOUGH else _FIRST_PAUSE)

    def _restart(self, evaluator: LineEvaluator, pause: float) -> None:
        while not self._stopping:
            self._rest(evaluator, pause)
            try:
                evaluator.restart()
            except DcpError as error:
                self._tell(self._owner.is_down, str(error))
            else:
                break
            pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, 2 * pause))

    def _rest(self, evaluator: LineEvaluator, pause: float) -> None:
        until = time.monotonic() + pause
        while not self._stopping and (left := until - time.monotonic()) > 0:
            with contextlib.suppress(ZygoteError):  # of the one that has ended
                evaluator.step(left)
                continue
            time.sleep(min(left, _FIRST_PAUSE))

    def _serve(self, evaluator: LineEvaluator) -> None:
        """Raises ZygoteError; what is not served then waits for the next zygote."""
        while request := self._next_request():
            try:
                number = evaluator.connect(request.theirs.fileno(), request.theirs.fileno())
            except OSError as error:
                self._refuse(request, reason_of(error))
                continue
            except ZygoteError:
                with self._lock:
                    self._requests.insert(0, request)
                raise
            request.theirs.close()
            self._channels[number] = request.channel
            self._tell(_succeed, request.opened)

    def _next_request(self) -> _Request | None:
        with self._lock:
            return self._requests.pop(0) if self._requests else None

    def _on_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_reader.recv(4096)

    def _end(self, reason: str) -> None:
        with self._lock:
            self._has_ended = True
            requests, self._requests = self._requests, []
        for number in list(self._channels):
            self.sandbox_ended(number, "its evaluator was closed")
        for request in requests:
            self._refuse(request, reason)
        self._tell(self._owner.has_ended, reason)
        self._wake_reader.close()
        self._wake_writer.close()

    def _refuse(self, request: _Request, reason: str) -> None:
        request.theirs.close()
        self._tell(_fail, request.opened, f"the evaluator gives no sandbox: {reason}")

    # --- What the evaluator tells: lines.evaluator.Owner ---

    def notice(self, level: int, text: str) -> None:
        self._tell(self._owner.says, level, text)

    def sandbox_started(self, number: int, pid: int) -> None:
        if (channel := self._channels.get(number)) is not None:
            self._tell(setattr, channel, "pid", pid)

    def sandbox_ended(self, number: int, reason: str) -> None:
        channel = self._channels.pop(number, None)
        if channel is not None and channel.exit is not None:
            self._tell(_settle, channel, reason)


def _settle(channel: Channel, reason: str) -> None:
    channel.pid = None
    if channel.exit is not None and not channel.exit.done():
        channel.exit.set_result(reason)


def _succeed(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], message: str) -> None:
    if not future.done():
        future.set_exception(EvaluatorError(message))
