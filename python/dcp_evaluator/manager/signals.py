"""The operator's own signal: it pauses the evaluators and lets them go on, or only ends those that run."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from ..activity.monitor import Host

ALLOWED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGPWR")
"""Those that dcp-worker's manager knows."""

MODES = ("toggle", "quick")


class SignalMonitor:
    """``toggle``: each signal begins or ends a time of activity. ``quick``: it ends evaluators, new ones may start."""

    def __init__(self, number: signal.Signals, mode: str, kill: Callable[[str], None]) -> None:
        """``kill``: ends all evaluators at once, with a reason."""
        self._kill = kill
        self._number = number
        self._mode = mode
        self._paused = False
        self._host: Host | None = None

    async def start(self, host: Host) -> None:
        self._host = host
        asyncio.get_running_loop().add_signal_handler(self._number, self._receive)

    def activity(self) -> str:
        return f"paused by {self._number.name}" if self._paused else ""

    def close(self) -> None:
        if self._host is not None:
            asyncio.get_running_loop().remove_signal_handler(self._number)
            self._host = None

    def _receive(self) -> None:
        assert self._host is not None
        if self._mode == "toggle":
            self._paused = not self._paused
        self._kill(f"{self._number.name} came")
        self._host.changed()
