"""What somebody waits for: one thing at a time."""

from __future__ import annotations

import asyncio
from typing import Any


class Question:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[Any] | None = None

    def open(self) -> None:
        """Raises RuntimeError while another one is."""
        if self._waiter is not None:
            raise RuntimeError("a sandbox does one thing at a time")
        self._waiter = self._loop.create_future()

    async def wait(self) -> Any:
        """The answer, or what it failed with."""
        assert self._waiter is not None
        return await self._waiter

    def close(self) -> None:
        """Nobody waits any more."""
        self._waiter = None

    def answer(self, value: Any) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(value)

    def fail(self, error: BaseException) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
