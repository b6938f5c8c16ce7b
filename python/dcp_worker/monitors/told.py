"""What programs tell over the machine's D-Bus: whether a desktop is in use (logind), the network is metered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from dbus_fast import Variant
from dbus_fast.errors import DBusError

from dcp_evaluator.activity.bus import LOST, Bus, Service, match, system_address
from dcp_evaluator.errors import MonitorError

_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_LOGIND: Final = "org.freedesktop.login1"
_SESSION: Final = "org.freedesktop.login1.Session"
_NETWORK: Final = "org.freedesktop.NetworkManager"
_MANAGER: Final = Service(_LOGIND, "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
_NETWORK_PATH: Final = "/org/freedesktop/NetworkManager"

_DESKTOPS: Final = ("x11", "wayland", "mir")
_METERED: Final = 1  # NM_METERED_YES; 3, a guess, is left alone: it may be wrong, and nobody has said so


class Told:
    """Asks anew when something is told to have changed. A bus that goes away is looked for again by ``look``."""

    def __init__(self, *, desktop: bool, network: bool, changed: Callable[[], None]) -> None:
        self._wants_desktop = desktop
        self._wants_network = network
        self._changed = changed
        self._bus: Bus | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ask = asyncio.Event()
        self.desktop = ""
        """Which desktop is in use, in words."""
        self.is_metered: bool | None = None
        """None where no NetworkManager says it."""
        self.failure = ""
        """Why nothing is known of desktops."""

    async def look(self) -> None:
        """Connects where that is to be done. Raises nothing: failures are kept."""
        if self._bus is not None:
            return
        address = system_address()
        if not address:
            self._fail("this machine has no D-Bus")
            return
        try:
            bus = self._bus = await Bus.connect(address)
            await bus.listen(
                lambda message: self._ask.set(),
                match(_LOGIND, _PROPERTIES, "PropertiesChanged", _MANAGER.path),
                match(_LOGIND, _MANAGER.interface, "SessionNew"),
                match(_LOGIND, _MANAGER.interface, "SessionRemoved"),
                match(_NETWORK, _PROPERTIES, "PropertiesChanged", _NETWORK_PATH),
            )
        except (MonitorError, *LOST) as error:
            self.close()
            self._fail(f"the machine's D-Bus cannot be used: {error}")
            return
        await self._find(bus)
        self._tasks = [asyncio.create_task(self._follow(bus)), asyncio.create_task(self._wait(bus))]

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    async def _follow(self, bus: Bus) -> None:
        while True:
            await self._ask.wait()
            self._ask.clear()
            await self._find(bus)
            self._changed()

    async def _wait(self, bus: Bus) -> None:
        await bus.wait_for_end()
        self._tasks[0].cancel()
        self._tasks = []
        self._bus = None
        self._fail("the machine's D-Bus has gone")
        self._changed()

    async def _find(self, bus: Bus) -> None:
        if self._wants_desktop:
            try:
                self.desktop, self.failure = await _desktop(bus), ""
            except (*LOST, ValueError, TypeError):
                self.desktop, self.failure = "", "logind does not answer"
        if self._wants_network:
            try:
                self.is_metered = await _is_metered(bus)
            except (*LOST, ValueError, TypeError):
                self.is_metered = None

    def _fail(self, reason: str) -> None:
        self.desktop, self.is_metered = "", None
        self.failure = reason if self._wants_desktop else ""


async def _desktop(bus: Bus) -> str:
    """Of the first session at a screen that is neither idle nor locked.

    Raises one of ``LOST``, and ValueError or TypeError for answers that logind does not give.
    """
    (sessions,) = await bus.call("ListSessions", to=_MANAGER)
    for _, _, user, _, path in cast(list[list[object]], sessions):
        try:
            (properties,) = await bus.call("GetAll", _SESSION, to=Service(_LOGIND, str(path), _PROPERTIES))
        except DBusError:  # it has just ended
            continue
        if _is_used({name: _plain(value) for name, value in dict(cast(dict[str, object], properties)).items()}):
            return f"the desktop of {user} is not idle"
    return ""


def _is_used(session: dict[str, object]) -> bool:
    if session.get("Class") != "user" or session.get("Type") not in _DESKTOPS or not session.get("Active"):
        return False
    return not session.get("IdleHint") and not session.get("LockedHint")


async def _is_metered(bus: Bus) -> bool:
    """Raises one of ``LOST``, and ValueError for an answer that NetworkManager does not give."""
    service = Service(_NETWORK, _NETWORK_PATH, _PROPERTIES)
    (metered,) = await bus.call("Get", _NETWORK, "Metered", to=service)
    return _plain(metered) == _METERED


def _plain(value: object) -> object:
    return value.value if isinstance(value, Variant) else value
