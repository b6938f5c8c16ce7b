"""An event loop in a thread of its own, also while the program ends: jobs that run then come to their end.

Python starts no threads any more at that time, and asyncio's own for blocking calls are gone; these are there before.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any

_HELPERS = 2


class _Loop(asyncio.SelectorEventLoop):
    """Whose blocking calls, of names and large messages, are done by ``_HELPERS`` threads."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        for _ in range(_HELPERS):
            threading.Thread(target=self._help, name="dcp-network-helper", daemon=True).start()

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self.create_future()

        def call() -> None:
            try:
                value, error = func(*args), None
            except BaseException as thrown:
                value, error = None, thrown
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.call_soon_threadsafe(_settle, future, value, error)

        self._calls.put(call)
        return future

    def close(self) -> None:
        for _ in range(_HELPERS):
            self._calls.put(None)
        super().close()

    def _help(self) -> None:
        while call := self._calls.get():
            call()


def _settle(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


class LoopThread:
    """Runs one coroutine, once ``begin`` has been called."""

    def __init__(self) -> None:
        self.loop = _Loop()
        self._lock = threading.Lock()
        self._has_begun = False
        self._work: SimpleQueue[Callable[[], Coroutine[Any, Any, None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="dcp-network", daemon=True)
        self._thread.start()

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]] | None) -> bool:
        """None: there will be nothing to do. Whether this call is the first, and counts."""
        with self._lock:
            is_first, self._has_begun = not self._has_begun, True
        if is_first:
            self._work.put(work)
        return is_first

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """In the loop, soon; from any thread. Nothing happens where it has ended."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(function, *arguments)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            if (work := self._work.get()) is not None:
                runner.run(work())
