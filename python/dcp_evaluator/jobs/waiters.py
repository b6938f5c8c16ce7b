"""Threads and event loops that wait for what another thread brings."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

_INTERRUPTED = (
    "Only the wait was interrupted, the job goes on as long as the program does: cancel() of its results ends it, "
    "and reading them waits again (with keep=False: by the same iterator)."
)


class Waiters:
    """``cancel`` is called where a cancelled task ends a wait; ``thread`` brings what is waited for."""

    def __init__(self, cancel: Callable[[], None], thread: threading.Thread) -> None:
        self.cancel = cancel
        self._thread = thread
        self._condition = threading.Condition()
        self._wakers: list[Callable[[], object]] = []

    def is_bringer(self) -> bool:
        """Whether the caller is the thread that brings what is waited for."""
        return threading.current_thread() is self._thread

    def wait(self, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        """Whether it is ready, after ``timeout`` seconds at most. Raises RuntimeError where nobody could bring it."""
        if ready():
            return True
        if self.is_bringer():
            raise RuntimeError("an event callback cannot wait for results: it runs on the thread that brings them")
        try:
            with self._condition:
                return self._condition.wait_for(ready, timeout)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(_INTERRUPTED)
            raise

    async def wait_async(self, ready: Callable[[], bool]) -> None:
        """The same without blocking the event loop."""
        loop = asyncio.get_running_loop()
        while not ready():
            event = asyncio.Event()

            def wake(event: asyncio.Event = event) -> None:
                loop.call_soon_threadsafe(event.set)

            with self._condition:
                if ready():
                    return
                self._wakers.append(wake)
            try:
                await event.wait()
            except asyncio.CancelledError:
                self.cancel()
                raise

    def notify(self) -> None:
        """Something has come."""
        with self._condition:
            wakers, self._wakers = self._wakers, []
            self._condition.notify_all()
        for wake in wakers:
            with contextlib.suppress(RuntimeError):  # that event loop is closed
                wake()
