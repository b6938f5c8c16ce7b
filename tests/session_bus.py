"""A private bus, and services on it that do what a test says."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from cli_driver import DEADLINE

_CONFIGURATION = """<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""


class SessionBus:
    """``dbus-daemon`` at ``address``, until the ``with`` block ends."""

    def __init__(self, folder: Path) -> None:
        (folder / "bus.conf").write_text(_CONFIGURATION.format(socket=folder / "bus"))
        try:
            self._daemon = subprocess.Popen(
                ["dbus-daemon", f"--config-file={folder / 'bus.conf'}", "--nofork", "--print-address=1"],
                stdout=subprocess.PIPE,
                text=True,
            )
        except FileNotFoundError:
            raise AssertionError("dbus-daemon is missing: apt-get install dbus-daemon") from None
        assert self._daemon.stdout is not None
        self.address = self._daemon.stdout.readline().strip()

    def end(self) -> None:
        self._daemon.terminate()
        self._daemon.wait(DEADLINE)
        assert self._daemon.stdout is not None
        self._daemon.stdout.close()

    def __enter__(self) -> SessionBus:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class BusService:
    """A service on a bus, on a thread of its own. Ends with its ``with`` block."""

    def __init__(self, bus: SessionBus, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._bus = self._wait(self._start(bus.address, name))

    def answer(self, message: Message) -> Message | None:
        """To a call of a method; None: the library answers."""
        raise NotImplementedError

    def tell(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        """A signal."""
        self._wait(self._send(Message.new_signal(path, interface, member, signature, body)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()

    def _wait(self, action: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(action, self._loop).result(DEADLINE)

    async def _start(self, address: str, name: str) -> MessageBus:
        bus = await MessageBus(bus_address=address).connect()
        bus.add_message_handler(self._answer)
        await bus.request_name(name)
        return bus

    async def _send(self, message: Message) -> None:
        self._bus.send(message)

    async def _stop(self) -> None:
        self._bus.disconnect()
        with contextlib.suppress(EOFError, OSError):  # the bus has gone before
            await self._bus.wait_for_disconnect()

    def _answer(self, message: Message) -> Message | None:
        return self.answer(message) if message.message_type is MessageType.METHOD_CALL else None


class Screensaver(BusService):
    """A service with GetActive and ActiveChanged.

    ``active`` None: it answers GetActive with an error, as GNOME's org.freedesktop.ScreenSaver does.
    """

    def __init__(self, bus: SessionBus, name: str, path: str, interface: str, *, active: bool | None) -> None:
        self._place = (path, interface)
        self._active = active
        super().__init__(bus, name)

    def switch(self, active: bool) -> None:
        self._active = active
        self.tell(*self._place, "ActiveChanged", "b", [active])

    def answer(self, message: Message) -> Message | None:
        if message.member != "GetActive":
            return None
        if (message.path, message.interface) != self._place or self._active is None:
            return Message.new_error(message, "org.freedesktop.DBus.Error.NotSupported", "no GetActive here")
        return Message.new_method_return(message, "b", [self._active])
