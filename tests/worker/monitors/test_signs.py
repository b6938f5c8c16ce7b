"""Signs that somebody uses the machine, and whether the network is metered: terminals, and services of D-Bus."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, Variant

from dcp_worker.configuration.rules import Rules, RuleSettings
from dcp_worker.monitors.machine import Monitors
from dcp_worker.rules.observation import Observation
from session_bus import BusService, Screensaver, SessionBus

pytestmark = pytest.mark.any_engine

GNOME = ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver")
LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
NETWORK = ("org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager")
PROPERTIES = "org.freedesktop.DBus.Properties"


class Logind(BusService):
    """Has sessions, by their names."""

    def __init__(self, bus: SessionBus) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        super().__init__(bus, LOGIND[0])

    def change(self, name: str, **properties: Any) -> None:
        if name not in self.sessions:
            self.sessions[name] = {"Class": "user", "IdleHint": False, "LockedHint": False, **properties}
            self.tell(*LOGIND[1:], "SessionNew", "so", [name, self._path(name)])
        else:
            self.sessions[name].update(properties)
            body = ["org.freedesktop.login1.Session", {"IdleHint": Variant("b", True)}, []]
            self.tell(self._path(name), PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def answer(self, message: Message) -> Message | None:
        if message.member == "ListSessions":
            sessions = [[name, 1000, "jo", "seat0", self._path(name)] for name in self.sessions]
            return Message.new_method_return(message, "a(susso)", [sessions])
        if message.member == "GetAll":
            session = self.sessions[str(message.path).rpartition("/")[2]]
            variants = {
                name: Variant("b" if isinstance(value, bool) else "s", value) for name, value in session.items()
            }
            return Message.new_method_return(message, "a{sv}", [variants])
        return None

    @staticmethod
    def _path(name: str) -> str:
        return f"/org/freedesktop/login1/session/{name}"


class NetworkManager(BusService):
    def __init__(self, bus: SessionBus, metered: int) -> None:
        self.metered = metered
        super().__init__(bus, NETWORK[0])

    def change(self, metered: int) -> None:
        self.metered = metered
        body = [NETWORK[0], {"Metered": Variant("u", metered)}, []]
        self.tell(NETWORK[1], PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def answer(self, message: Message) -> Message | None:
        if message.member != "Get" or message.body != [NETWORK[0], "Metered"]:
            return None
        return Message.new_method_return(message, "v", [Variant("u", self.metered)])


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionBus]:
    """The session's, and the machine's."""
    with SessionBus(tmp_path) as bus:
        for name in ("DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"):
            monkeypatch.setenv(name, bus.address)
        yield bus


Until = Callable[[Callable[[Observation], object]], Awaitable[Observation]]


def watch(
    test: Callable[[Until], Awaitable[None]], root: Path = Path("/"), every: float | None = None, **rules: Any
) -> None:
    """Runs a test on monitors for such rules; it waits until what is seen is as it should be.

    ``every``: seconds after which it looks again; without, only when a monitor says so.
    """

    async def run() -> None:
        changed = asyncio.Event()
        wanted = RuleSettings(**{"battery": False, "metered": False, **rules})
        none = RuleSettings(battery=False, metered=False)
        monitors = Monitors(Rules(cpu=wanted, gpu=none), changed.set, root=root)

        async def until(expected: Callable[[Observation], object]) -> Observation:
            async with asyncio.timeout(20):
                while not expected(seen := await monitors.look()):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), every)
                    changed.clear()
            return seen

        try:
            await test(until)
        finally:
            monitors.close()

    asyncio.run(run())


def test_a_terminal_in_use() -> None:
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)

    async def test(until: Until) -> None:
        os.write(ours, b"x\n")
        os.read(theirs, 10)
        os.utime(theirs)  # as the kernel has it within eight seconds
        seen = await until(lambda seen: seen.in_use["terminal"])
        assert seen.in_use["terminal"].startswith("terminal /dev/")

    try:
        assert name.startswith("/dev/pts/")
        watch(test, in_use=("terminal",))
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_folder_of_terminals_that_is_missing_is_told(tmp_path: Path) -> None:
    async def test(until: Until) -> None:
        (reason,) = (await until(lambda seen: True)).unwatched
        assert reason.rule == "inUse"
        assert reason.text.endswith("take it out of inUse of node.rules")

    watch(test, tmp_path, in_use=("terminal",))


def test_a_screensaver_that_is_off(bus: SessionBus) -> None:
    async def test(until: Until) -> None:
        assert (await until(lambda seen: True)).in_use == {"screensaver": ""}
        with Screensaver(bus, *GNOME, active=False) as screensaver:
            await until(lambda seen: seen.in_use["screensaver"] == "the screensaver org.gnome.ScreenSaver is off")
            screensaver.switch(True)
            await until(lambda seen: not seen.in_use["screensaver"])
            screensaver.switch(False)
            await until(lambda seen: seen.in_use["screensaver"])
        await until(lambda seen: not seen.in_use["screensaver"])

    watch(test, in_use=("screensaver",))


def test_without_a_session_bus_a_screensaver_is_no_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    async def test(until: Until) -> None:
        (reason,) = (await until(lambda seen: True)).unwatched
        assert "DBUS_SESSION_BUS_ADDRESS is not set; start the worker in the user's session, or take it" in reason.text

    watch(test, in_use=("screensaver",))


def test_a_desktop_that_is_not_idle(bus: SessionBus) -> None:
    async def test(until: Until) -> None:
        assert not (await until(lambda seen: True)).in_use["desktop"]
        logind.change("c1", Type="tty", Active=True)
        logind.change("c2", Type="wayland", Active=False)
        logind.change("c3", Type="x11", Active=True, Class="greeter")
        await asyncio.sleep(0.2)
        assert not (await until(lambda seen: True)).in_use["desktop"]
        logind.change("c2", Active=True)
        await until(lambda seen: seen.in_use["desktop"] == "the desktop of jo is not idle")
        logind.change("c2", IdleHint=True)
        await until(lambda seen: not seen.in_use["desktop"])
        logind.change("c2", IdleHint=False)
        await until(lambda seen: seen.in_use["desktop"])
        logind.change("c2", LockedHint=True)
        await until(lambda seen: not seen.in_use["desktop"])

    with Logind(bus) as logind:
        watch(test, in_use=("desktop",))


def test_without_logind_and_without_a_bus_it_is_told(bus: SessionBus) -> None:
    async def test(until: Until) -> None:
        (reason,) = (await until(lambda seen: True)).unwatched
        assert reason.text == "desktops: logind does not answer"
        bus.end()
        (reason,) = (await until(lambda seen: "has gone" in seen.unwatched[0].text)).unwatched
        assert reason.text == "desktops: the machine's D-Bus has gone"

    watch(test, in_use=("desktop",))


def test_a_bus_that_comes_back_is_used_again(bus: SessionBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcp_worker.monitors.signs._AGAIN", 0.0)

    async def test(until: Until) -> None:
        with Logind(bus), Screensaver(bus, *GNOME, active=False):
            await until(lambda seen: seen.in_use["screensaver"] and not seen.unwatched)
            bus.end()
            seen = await until(lambda seen: len(seen.unwatched) == 2)
            assert not seen.in_use.get("screensaver")
        with SessionBus(tmp_path) as again, Logind(again) as logind, Screensaver(again, *GNOME, active=False):
            logind.change("c1", Type="x11", Active=True)
            await until(lambda seen: seen.in_use.get("screensaver") and seen.in_use["desktop"] and not seen.unwatched)

    watch(test, in_use=("screensaver", "desktop"), every=0.1)


@pytest.mark.parametrize("answer", [[], [[1, 2]], [[["c1", 1000, "jo", "seat0", "nonsense"]], 3]])
def test_a_logind_that_answers_nonsense_does_not_count(bus: SessionBus, answer: list[Any]) -> None:
    class Nonsense(BusService):
        def answer(self, message: Message) -> Message | None:
            if message.member != "ListSessions":
                return None
            signature = {0: "", 1: "ai", 2: "a(susss)i"}[len(answer)]
            return Message.new_method_return(message, signature, answer)

    async def test(until: Until) -> None:
        seen = await until(lambda seen: True)
        assert not seen.in_use["desktop"]
        assert [reason.text for reason in seen.unwatched] == ["desktops: logind does not answer"]

    with Nonsense(bus, LOGIND[0]):
        watch(test, in_use=("desktop",))


def test_a_metered_network(bus: SessionBus, tmp_path: Path) -> None:
    (tmp_path / "run/NetworkManager").mkdir(parents=True)

    async def test(until: Until) -> None:
        assert (await until(lambda seen: True)).is_metered is False
        network.change(1)
        await until(lambda seen: seen.is_metered)
        network.change(2)
        await until(lambda seen: seen.is_metered is False)
        network.change(3)  # a guess, which may be wrong
        await asyncio.sleep(0.2)
        assert (await until(lambda seen: True)).is_metered is False

    with NetworkManager(bus, 4) as network:
        watch(test, tmp_path, metered=True)


def test_where_there_is_no_networkmanager_no_bus_is_used(bus: SessionBus, tmp_path: Path) -> None:
    async def test(until: Until) -> None:
        seen = await until(lambda seen: True)
        assert seen.is_metered is None
        assert not seen.unwatched

    watch(test, tmp_path, metered=True)
