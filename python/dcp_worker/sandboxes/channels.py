"""Where sandboxes come from, as a supervisor sees it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from typing import Protocol


class Channel:
    """The connection of one new sandbox. ``socket`` is a stream, not blocking; who takes it closes it.

    ``pid`` is the sandbox's process on this machine; None where it is not known, or not yet.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.pid: int | None = None
        self.exit: asyncio.Future[str] | None = None
        """How its process ended, where the evaluator tells: it may be known after the connection has ended."""


class Evaluator(Protocol):
    """Gives sandboxes with start-up files loaded. ``is_uniform``: whether all can do the same."""

    is_uniform: bool

    async def open(self) -> Channel:
        """A new sandbox. Raises EvaluatorError."""

    def withhold_gpus(self, identities: Collection[str]) -> bool:
        """New sandboxes do not get these GPUs, by PCI address. False where that cannot be said to it."""

    async def close(self) -> None:
        """Ends it, where it is this program's, and all sandboxes of it."""
