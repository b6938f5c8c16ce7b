"""The screensaver of the desktop, over D-Bus: the machine is in use while it is off.

Desktops agree on ``GetActive() -> b`` and the signal ``ActiveChanged(b)``, not on the names of service and interface. A
service without ``GetActive`` is passed over: GNOME has such a one as org.freedesktop.ScreenSaver.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import NamedTuple

from dbus_fast import Message, MessageFlag, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from ..errors import MonitorError
from .monitor import Host


class _Service(NamedTuple):
    name: str
    path: str
    interface: str


_SERVICES = (
    _Service("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver"),
    _Service("org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver", "org.cinnamon.ScreenSaver"),
    _Service("org.kde.screensaver", "/ScreenSaver", "org.freedesktop.ScreenSaver"),
    _Service("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver"),
)
_BUS = "org.freedesktop.DBus"
_DAEMON = _Service(_BUS, "/org/freedesktop/DBus", _BUS)
_ANSWER_WITHIN = 5.0  # seconds
_WITHOUT = "use --disable-monitor=screensaver"
_REMEDY = f"start dcp-evaluator-manager in the user's session, or {_WITHOUT}"


class ScreensaverMonitor:
    """While no screensaver answers, the machine counts as in use; one that appears later is taken."""

    def __init__(self) -> None:
        self._bus: MessageBus | None = None
        self._host: Host | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._owner = ""
        self._name = ""
        self._active = False
        self._ask = asyncio.Event()

    async def start(self, host: Host) -> None:
        self._host = host
        self._bus = await _connect()
        self._bus.add_message_handler(self._receive)
        try:
            await self._call("AddMatch", _match(_BUS, _BUS, "NameOwnerChanged"))
            for service in _SERVICES:
                await self._call("AddMatch", _match(service.name, service.interface, "ActiveChanged"))
            await self._find()
            if not self._name:
                host.notice(
                    f"no screensaver is on the session bus: in use until one appears. To do without, {_WITHOUT}"
                )
        except (DBusError, OSError, EOFError, TimeoutError) as error:
            raise _lost(error) from None
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._wait_for_end(self._bus))]

    def activity(self) -> str:
        if not self._name:
            return "no screensaver on the session bus"
        return "" if self._active else f"the screensaver {self._name} is off"

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._bus is not None:
            self._bus.disconnect()

    def _receive(self, message: Message) -> None:
        """Every signal has the services asked again; that the screensaver goes off counts without waiting for that."""
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "NameOwnerChanged":
            if message.sender == _BUS and message.body[0] in (service.name for service in _SERVICES):
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
            with contextlib.suppress(DBusError, OSError, EOFError, TimeoutError):
                await self._find()

    async def _find(self) -> None:
        """Takes the first service that answers. What it says is dropped when a signal came meanwhile: it is older."""
        for service in _SERVICES:
            with contextlib.suppress(DBusError, TimeoutError):
                owner = await self._call("GetNameOwner", service.name)
                active = await self._call("GetActive", to=service)
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

    async def _call(self, member: str, *arguments: str, to: _Service = _DAEMON) -> list[object]:
        """Raises DBusError, TimeoutError, and OSError or EOFError when the bus has gone."""
        assert self._bus is not None
        message = Message(
            destination=to.name, path=to.path, interface=to.interface, member=member,
            flags=MessageFlag.NO_AUTOSTART, signature="s" * len(arguments), body=list(arguments),
        )  # fmt: skip
        async with asyncio.timeout(_ANSWER_WITHIN):
            reply = await self._bus.call(message)
        if reply is None or reply.message_type is MessageType.ERROR:
            raise DBusError((reply and reply.error_name) or "", "no answer")
        body: list[object] = reply.body
        return body

    async def _wait_for_end(self, bus: MessageBus) -> None:
        error: Exception | None = None
        try:
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        except Exception as raised:
            error = raised
        assert self._host is not None
        self._host.failed(_lost(error))


async def _connect() -> MessageBus:
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS") or _systemd_bus()
    if not address:
        raise MonitorError(
            f"the screensaver monitor finds no session bus: DBUS_SESSION_BUS_ADDRESS is not set; {_REMEDY}"
        )
    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            return await MessageBus(bus_address=address).connect()
    except Exception as error:  # the library has many kinds
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MonitorError(
            f"the screensaver monitor cannot use the session bus {address}: {reason}; {_REMEDY}"
        ) from None


def _systemd_bus() -> str:
    """The bus of a systemd user session; empty where there is none."""
    path = f"{os.environ.get('XDG_RUNTIME_DIR') or f'/run/user/{os.getuid()}'}/bus"
    return f"unix:path={path}" if os.path.exists(path) else ""  # noqa: PTH110


def _match(sender: str, interface: str, member: str) -> str:
    return f"type='signal',sender='{sender}',interface='{interface}',member='{member}'"


def _lost(error: Exception | None) -> MonitorError:
    reason = f" ({error})" if error is not None and str(error) else ""
    return MonitorError(f"the screensaver monitor has lost the session bus{reason}; {_REMEDY}")
