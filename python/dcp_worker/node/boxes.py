"""The sandboxes that run, by the numbers that the supervisor gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ..dialects.sandbox_messages import Description, SandboxMessages
from ..errors import EvaluatorError, SandboxError
from ..sandboxes.channels import Evaluator
from ..sandboxes.limits import Timeouts
from ..sandboxes.sandbox import Sandbox


class Boxes:
    """``on_end`` is called with a sandbox that has ended by itself while nobody waited for it, and why."""

    def __init__(
        self,
        evaluator: Evaluator,
        messages: SandboxMessages,
        timeouts: Timeouts,
        on_end: Callable[[int, str], None],
    ) -> None:
        self._evaluator = evaluator
        self._messages = messages
        self._timeouts = timeouts
        self._on_end = on_end
        self._known: Description | None = None
        self._sandboxes: dict[int, Sandbox] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def get(self, number: int) -> Sandbox | None:
        return self._sandboxes.get(number)

    async def start(self, number: int) -> Sandbox:
        """Raises EvaluatorError, SandboxError."""
        channel = await self._evaluator.open()
        sandbox = await Sandbox.start(channel, self._messages, self._timeouts, known=self._known)
        if self._evaluator.is_uniform:
            self._known = sandbox.description
        self._sandboxes[number] = sandbox
        self._watch(number, sandbox)
        return sandbox

    def run(self, number: int, work: Coroutine[Any, Any, None]) -> None:
        """What the sandbox does now; it is cancelled when the sandbox is ended."""
        task = self._tasks[number] = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._done(number, done))

    def end(self, number: int) -> None:
        """The supervisor needs it no more."""
        if task := self._tasks.pop(number, None):
            task.cancel()
        if sandbox := self._sandboxes.pop(number, None):
            self._later(sandbox.end())

    def forget(self, number: int) -> None:
        """It has ended, and somebody knows it."""
        self._sandboxes.pop(number, None)

    async def close(self) -> None:
        """Ends all, and waits for it."""
        for number in {*self._sandboxes, *self._tasks}:
            self.end(number)
        while self._ending:
            await asyncio.wait(self._ending)

    def _done(self, number: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(number) is task:
            del self._tasks[number]
        if not task.cancelled() and (error := task.exception()):
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a sandbox's work failed", "exception": error}
            )

    def _watch(self, number: int, sandbox: Sandbox) -> None:
        async def wait() -> None:
            await sandbox.wait_closed()
            if self._sandboxes.get(number) is sandbox and number not in self._tasks:
                del self._sandboxes[number]
                self._on_end(number, str(sandbox.error or "its connection was closed"))

        self._later(wait())

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


EVALUATOR_ERRORS = (EvaluatorError, SandboxError)
"""Why a sandbox cannot be had."""
