"""What the manager asks of a monitor, and what a monitor may tell the manager."""

from __future__ import annotations

from typing import Protocol

from ..errors import MonitorError


class Host(Protocol):
    """The manager, as monitors see it."""

    def changed(self) -> None:
        """``activity()`` gives another answer than before."""

    def kill_evaluators(self, reason: str) -> None:
        """Ends all evaluators at once, whatever the monitors say."""

    def notice(self, text: str) -> None:
        """A line for the operator."""

    def failed(self, error: MonitorError) -> None:
        """A monitor has lost what it watches: the manager ends."""


class Monitor(Protocol):
    """Watches one sign that somebody uses the machine. It waits for events or timers, and keeps no CPU busy."""

    async def start(self, host: Host) -> None:
        """Begins to watch; returns when the first state is known. Raises MonitorError."""

    def activity(self) -> str:
        """What is in use, in a few words; empty while nothing is."""

    def close(self) -> None:
        """Ends what ``start`` began; harmless where that failed or never ran."""
