"""Signals that end a worker, or have it look at its configuration again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


class StopSignals:
    """The first SIGINT or SIGTERM asks for a soft stop; SIGQUIT, and any second one, for a hard one.

    The third ends the process at once. ``number`` is the first that came.
    """

    def __init__(self, stop: Callable[[bool, str], None], reload: Callable[[], None]) -> None:
        """``stop`` is called with whether it is to be a hard one, and why."""
        self._stop = stop
        self._reload = reload
        self._count = 0
        self.number: int | None = None

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """While this lasts. Signals that are ignored stay so."""
        loop = asyncio.get_running_loop()
        heeded = [one for one in (*_ENDING, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
        for number in heeded:
            loop.add_signal_handler(number, self._came, number)
        try:
            yield
        finally:
            for number in heeded:
                loop.remove_signal_handler(number)

    def _came(self, number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            self._reload()
            return
        self._count += 1
        if self.number is None:
            self.number = number
        if self._count > 2:
            os._exit(128 + number)
        self._stop(self._count == 2 or number is signal.SIGQUIT, f"{number.name} has come")
