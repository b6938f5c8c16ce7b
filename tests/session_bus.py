"""A private session bus, and a screensaver on it that does what a test says."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

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


class Screensaver:
    """A service with GetActive and ActiveChanged, on a thread of its own.

    ``active`` None: it answers GetActive with an error, as GNOME's org.freedesktop.ScreenSaver does.
    """

    def __init__(self, bus: SessionBus, name: str, path: str, interface: str, *, active: bool | None) -> None:
        self._place = (path, interface)
        self._active = active
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._bus = self._wait(self._start(bus.address, name))

    def switch(self, active: bool) -> None:
        self._wait(self._tell(active))

    def __enter__(self) -> Screensaver:
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

    async def _tell(self, active: bool) -> None:
        self._active = active
        path, interface = self._place
        self._bus.send(Message.new_signal(path, interface, "ActiveChanged", "b", [active]))

    async def _stop(self) -> None:
        self._bus.disconnect()
        with contextlib.suppress(EOFError):  # the bus has gone before
            await self._bus.wait_for_disconnect()

    def _answer(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL or message.member != "GetActive":
            return None
        if (message.path, message.interface) != self._place or self._active is None:
            return Message.new_error(message, "org.freedesktop.DBus.Error.NotSupported", "no GetActive here")
        return Message.new_method_return(message, "b", [self._active])
