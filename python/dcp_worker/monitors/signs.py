"""Signs that somebody uses the machine, and whether the network is metered: what is told, not read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dcp_evaluator.activity.monitor import Monitor
from dcp_evaluator.activity.sessions import SessionMonitor
from dcp_evaluator.errors import MonitorError

from ..configuration.rules import Rules
from ..rules.verdict import Reason

if TYPE_CHECKING:
    from .told import Told

_REMEDY: Final = "take it out of inUse of node.rules"
_AGAIN: Final = 60.0  # seconds until what cannot be watched is tried again


class Signs:
    """``changed`` is called when another answer is to be expected."""

    def __init__(self, rules: Rules, changed: Callable[[], None], root: Path = Path("/")) -> None:
        every = rules.all()
        self._wanted = {sign for rule in every for sign in rule.in_use}
        self._idle_time = rules.idle_time
        self._network = any(rule.metered for rule in every) and (root / "run/NetworkManager").exists()
        self._root = root
        self.changed = changed
        self._monitors: dict[str, Monitor] = {}
        self._failures: dict[str, str] = {}
        self._told: Told | None = None
        self._not_before = 0.0

    async def look(self) -> None:
        """Begins to watch what is not watched yet, now and then. Raises nothing."""
        now = asyncio.get_running_loop().time()
        if now < self._not_before:
            return
        self._not_before = now + _AGAIN
        for sign in sorted(self._wanted & {"terminal", "screensaver"} - self._monitors.keys()):
            await self._start(sign)
        if self._network or "desktop" in self._wanted:
            if self._told is None:
                from .told import Told  # loads the D-Bus library

                self._told = Told(desktop="desktop" in self._wanted, network=self._network, changed=self.changed)
            await self._told.look()

    @property
    def in_use(self) -> Mapping[str, str]:
        """By sign, in words."""
        found = {sign: monitor.activity() for sign, monitor in self._monitors.items()}
        return found | {"desktop": self._told.desktop} if self._told else found

    @property
    def is_metered(self) -> bool | None:
        return self._told.is_metered if self._told else None

    def unwatched(self) -> Iterator[Reason]:
        for failure in self._failures.values():
            yield Reason("inUse", failure)
        if self._told and self._told.failure:
            yield Reason("inUse", f"desktops: {self._told.failure}")

    def close(self) -> None:
        for monitor in self._monitors.values():
            monitor.close()
        self._monitors.clear()
        if self._told:
            self._told.close()

    async def _start(self, sign: str) -> None:
        monitor = self._monitors[sign] = self._make(sign)  # so that it is closed, whatever comes
        try:
            await monitor.start(_Host(self, sign))
        except MonitorError as error:
            self.lost(sign, error)
        else:
            self._failures.pop(sign, None)

    def _make(self, sign: str) -> Monitor:
        if sign == "terminal":
            return SessionMonitor(self._root / "dev/pts", self._idle_time, _REMEDY)
        from dcp_evaluator.activity.screensaver import ScreensaverMonitor  # loads the D-Bus library

        remedy = f"start the worker in the user's session, or {_REMEDY}"
        return ScreensaverMonitor(remedy, may_be_missing=True)

    def lost(self, sign: str, error: Exception) -> None:
        """It is not watched any more; that is tried again in a while."""
        if monitor := self._monitors.pop(sign, None):
            monitor.close()
        self._failures[sign] = str(error)
        self.changed()


class _Host:
    """What a monitor tells goes to its ``Signs``."""

    def __init__(self, signs: Signs, sign: str) -> None:
        self._signs = signs
        self._sign = sign

    def changed(self) -> None:
        self._signs.changed()

    def notice(self, text: str) -> None:
        """Nothing is lost by it: what is not watched is told by ``unwatched``."""

    def failed(self, error: Exception) -> None:
        self._signs.lost(self._sign, error)
