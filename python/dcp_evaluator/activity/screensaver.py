"""The screensaver of the desktop, over D-Bus: the machine is in use while it is off.

Desktops agree on ``GetActive() -> b`` and the signal ``ActiveChanged(b)``, not on the names of service and interface. A
service without ``GetActive`` is passed over: GNOME has such a one as org.freedesktop.ScreenSaver.
"""

from __future__ import annotations

import asyncio
import contextlib

from dbus_fast import Message
from dbus_fast.errors import DBusError

from ..errors import MonitorError
from .bus import BUS, LOST, Bus, Service, match, session_address
from .monitor import Host

_SERVICES = (
    Service("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver"),
    Service("org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver", "org.cinnamon.ScreenSaver"),
    Service("org.kde.screensaver", "/ScreenSaver", "org.freedesktop.ScreenSaver"),
    Service("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver"),
)


class ScreensaverMonitor:
    """While no screensaver answers, the machine counts as in use, unless ``may_be_missing``; one that appears later is
    taken.
    """

    def __init__(self, remedy: str, *, may_be_missing: bool = False) -> None:
        """``remedy``: what to do without it."""
        self._remedy = remedy
        self._may_be_missing = may_be_missing
        self._bus: Bus | None = None
        self._host: Host | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._owner = ""
        self._name = ""
        self._active = False
        self._ask = asyncio.Event()

    async def start(self, host: Host) -> None:
        self._host = host
        self._bus = await self._connect()
        try:
            rules = [match(service.name, service.interface, "ActiveChanged") for service in _SERVICES]
            await self._bus.listen(self._receive, match(BUS, BUS, "NameOwnerChanged"), *rules)
            await self._find()
        except LOST as error:
            raise self._lost(error) from None
        if not self._name and not self._may_be_missing:
            host.notice(f"no screensaver is on the session bus: in use until one appears; {self._remedy}")
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._wait_for_end(self._bus))]

    def activity(self) -> str:
        if not self._name:
            return "" if self._may_be_missing else "no screensaver on the session bus"
        return "" if self._active else f"the screensaver {self._name} is off"

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._bus is not None:
            self._bus.close()

    def _receive(self, message: Message) -> None:
        """Every signal has the services asked again; that the screensaver goes off counts without waiting for that."""
        if message.member == "NameOwnerChanged":
            if message.sender == BUS and message.body[0] in (service.name for service in _SERVICES):
                self._ask.set()
        elif message.member == "ActiveChanged":
            if message.sender == self._owner and message.body == [False]:
                self._set(self._name, self._owner, active=False)
            self._ask.set()

    async def _follow(self) -> None:
        while True:
            await self._ask.wait()
            self._ask.clear()
            # Where the bus has gone, _wait_for_end tells it.
            with contextlib.suppress(*LOST):
                await self._find()

    async def _find(self) -> None:
        """Takes the first service that answers. What it says is dropped when a signal came meanwhile: it is older."""
        assert self._bus is not None
        for service in _SERVICES:
            with contextlib.suppress(DBusError, TimeoutError):
                owner = await self._bus.call("GetNameOwner", service.name)
                active = await self._bus.call("GetActive", to=service)
                if not self._ask.is_set():
                    self._set(service.name, str(owner[0]), active=active == [True])
                return
        self._set("", "", active=False)

    def _set(self, name: str, owner: str, *, active: bool) -> None:
        assert self._host is not None
        if name != self._name:
            self._host.notice(
                f"watching the screensaver {name}" if name else "the screensaver has left the session bus"
            )
        changed = (name, active) != (self._name, self._active)
        self._name, self._owner, self._active = name, owner, active
        if changed:
            self._host.changed()

    async def _wait_for_end(self, bus: Bus) -> None:
        error = await bus.wait_for_end()
        assert self._host is not None
        self._host.failed(self._lost(error))

    async def _connect(self) -> Bus:
        address = session_address()
        if not address:
            raise MonitorError(
                f"the screensaver monitor finds no session bus: DBUS_SESSION_BUS_ADDRESS is not set; {self._remedy}"
            )
        try:
            return await Bus.connect(address)
        except MonitorError as error:
            raise MonitorError(
                f"the screensaver monitor cannot use the session bus {address}: {error}; {self._remedy}"
            ) from None

    def _lost(self, error: Exception | None) -> MonitorError:
        reason = f" ({error})" if error is not None and str(error) else ""
        return MonitorError(f"the screensaver monitor has lost the session bus{reason}; {self._remedy}")
