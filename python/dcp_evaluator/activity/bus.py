"""A connection to a D-Bus bus: calls with a limit of time, and signals."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import NamedTuple

from dbus_fast import Message, MessageFlag, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from ..errors import MonitorError

BUS = "org.freedesktop.DBus"
_ANSWER_WITHIN = 5.0  # seconds

LOST = (DBusError, OSError, EOFError, TimeoutError)
"""What a call raises where the bus has gone, or nobody answers."""


class Service(NamedTuple):
    name: str
    path: str
    interface: str


_DAEMON = Service(BUS, "/org/freedesktop/DBus", BUS)


class Bus:
    def __init__(self, connection: MessageBus) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, address: str) -> Bus:
        """Raises MonitorError, whose message is the reason alone."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                return cls(await MessageBus(bus_address=address).connect())
        except Exception as error:  # the library has many kinds
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise MonitorError(reason) from None

    async def listen(self, heard: Callable[[Message], None], *rules: str) -> None:
        """``rules``: of signals, as ``match`` makes them. Raises one of ``LOST``."""
        self._connection.add_message_handler(lambda message: _pass(message, heard))
        for rule in rules:
            await self.call("AddMatch", rule)

    async def call(self, member: str, *arguments: str, to: Service = _DAEMON) -> list[object]:
        """Raises DBusError, TimeoutError, and OSError or EOFError when the bus has gone."""
        message = Message(
            destination=to.name, path=to.path, interface=to.interface, member=member,
            flags=MessageFlag.NO_AUTOSTART, signature="s" * len(arguments), body=list(arguments),
        )  # fmt: skip
        async with asyncio.timeout(_ANSWER_WITHIN):
            reply = await self._connection.call(message)
        if reply is None or reply.message_type is MessageType.ERROR:
            raise DBusError((reply and reply.error_name) or "", "no answer")
        body: list[object] = reply.body
        return body

    async def wait_for_end(self) -> Exception | None:
        """Until the connection has ended. Why, where that is known."""
        try:
            await self._connection.wait_for_disconnect()  # type: ignore[no-untyped-call]
        except Exception as error:
            return error
        return None

    def close(self) -> None:
        self._connection.disconnect()


def session_address() -> str:
    """Of the user's bus; empty where there is none."""
    if told := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return told
    path = f"{os.environ.get('XDG_RUNTIME_DIR') or f'/run/user/{os.getuid()}'}/bus"  # of a systemd user session
    return f"unix:path={path}" if os.path.exists(path) else ""  # noqa: PTH110


def system_address() -> str:
    """Of the machine's bus; empty where there is none."""
    if told := os.environ.get("DBUS_SYSTEM_BUS_ADDRESS"):
        return told
    path = "/run/dbus/system_bus_socket"
    return f"unix:path={path}" if os.path.exists(path) else ""  # noqa: PTH110


def match(sender: str, interface: str, member: str, path: str = "") -> str:
    """``path``: of the object that tells, or of those above it."""
    rule = f"type='signal',sender='{sender}',interface='{interface}',member='{member}'"
    return f"{rule},path_namespace='{path}'" if path else rule


def _pass(message: Message, heard: Callable[[Message], None]) -> None:
    if message.message_type is MessageType.SIGNAL:
        heard(message)
