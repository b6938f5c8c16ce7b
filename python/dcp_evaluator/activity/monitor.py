"""What is asked of a monitor, and what a monitor may tell."""

from __future__ import annotations

from typing import Protocol

from ..errors import MonitorError


class Host(Protocol):
    """Whoever has monitors, as they see it."""

    def changed(self) -> None:
        """``activity()`` gives another answer than before."""

    def notice(self, text: str) -> None:
        """A line for the operator."""

    def failed(self, error: MonitorError) -> None:
        """A monitor has lost what it watches."""


class Monitor(Protocol):
    """Watches one sign that somebody uses the machine. It waits for events or timers, and keeps no CPU busy."""

    async def start(self, host: Host) -> None:
        """Begins to watch; returns when the first state is known. Raises MonitorError."""

    def activity(self) -> str:
        """What is in use, in a few words; empty while nothing is."""

    def close(self) -> None:
        """Ends what ``start`` began; harmless where that failed or never ran."""
