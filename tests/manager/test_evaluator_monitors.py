"""The monitors of ``dcp-evaluator-manager``: the user comes back to the screen or to a terminal, and evaluators end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_driver import DEADLINE
from dcp_client import MANAGER, install_dcp_client, run_command
from evaluator_manager import Manager, Terminal
from process_tree import descendants, is_running
from session_bus import Screensaver, SessionBus
from zygote_control import wait_until

pytestmark = pytest.mark.any_engine

GNOME = ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver")
CINNAMON = ("org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver", "org.cinnamon.ScreenSaver")
KDE = ("org.kde.screensaver", "/ScreenSaver", "org.freedesktop.ScreenSaver")
FREEDESKTOP = ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver")
SCREENSAVER_ONLY = ("-d", "session", "-d", "signal")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_dcp_client(tmp_path_factory.mktemp("client"))


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SessionBus]:
    with SessionBus(tmp_path) as bus:
        yield bus


def manager_on(bus: SessionBus, modules: Path, *options: str) -> Manager:
    return Manager(modules, *SCREENSAVER_ONLY, *options, environment={"DBUS_SESSION_BUS_ADDRESS": bus.address})


# --- The screensaver ---


@pytest.mark.parametrize("service", [GNOME, CINNAMON, KDE, FREEDESKTOP], ids=lambda service: service[0])
def test_evaluators_run_while_the_screensaver_does(modules: Path, bus: SessionBus, service: tuple[str, ...]) -> None:
    with Screensaver(bus, *service, active=True) as screensaver, manager_on(bus, modules) as manager:
        with manager.connect() as peer:
            assert peer.ask("echo 1") == "1"
            below = descendants(manager.process.pid)
            peer.send("spin")
            screensaver.switch(False)
            assert peer.read() == ""
            wait_until(lambda: not any(map(is_running, below)), "evaluator, zygote and sandbox have ended", 5)
        assert f"the screensaver {service[0]} is off" in manager.wait_for("in use")
        assert not manager.serves()
        screensaver.switch(True)
        manager.wait_for(": free")
        assert manager.serves()


def test_the_screensaver_is_off_at_the_start(modules: Path, bus: SessionBus) -> None:
    with Screensaver(bus, *GNOME, active=False) as screensaver, manager_on(bus, modules) as manager:
        assert not manager.serves()
        screensaver.switch(True)
        manager.wait_for(": free")
        assert manager.serves()


def test_a_service_that_does_not_tell_its_state_is_passed_over(modules: Path, bus: SessionBus) -> None:
    with (
        Screensaver(bus, *GNOME, active=None),
        Screensaver(bus, *FREEDESKTOP, active=True),
        manager_on(bus, modules) as manager,
    ):
        assert manager.serves()


def test_a_screensaver_that_comes_and_goes(modules: Path, bus: SessionBus) -> None:
    with manager_on(bus, modules) as manager:
        manager.wait_for("in use: no screensaver on the session bus")
        assert not manager.serves()
        with Screensaver(bus, *CINNAMON, active=True):
            manager.wait_for(": free")
            peer = manager.connect()
            assert peer.ask("echo 1") == "1"
        with peer:
            manager.wait_for("in use: no screensaver on the session bus")
            assert peer.read() == ""
        with Screensaver(bus, *GNOME, active=True):
            manager.wait_for(": free")
            assert manager.serves()


def test_signals_of_others_mean_nothing(modules: Path, bus: SessionBus) -> None:
    with (
        Screensaver(bus, *GNOME, active=False),
        Screensaver(bus, "org.example.Stranger", *GNOME[1:], active=True) as stranger,
        Screensaver(bus, *FREEDESKTOP, active=True) as second,
        manager_on(bus, modules) as manager,
    ):
        for other in (stranger, second):
            other.switch(False)
            other.switch(True)
        assert not manager.serves()


def test_only_limits_lets_evaluators_run_on(modules: Path, bus: SessionBus) -> None:
    with Screensaver(bus, *GNOME, active=True) as screensaver, manager_on(bus, modules, "-L") as manager:
        with manager.connect() as peer:
            assert peer.ask("echo 1") == "1"
            screensaver.switch(False)
            manager.wait_for("in use")
            assert peer.ask("echo 2") == "2"
        assert manager.serves()


def test_always_needs_no_bus(modules: Path) -> None:
    with Manager(modules, "-a") as manager:
        assert manager.serves()


def test_without_a_session_bus(modules: Path, tmp_path: Path) -> None:
    environment = {"NODE_PATH": str(modules), "XDG_RUNTIME_DIR": str(tmp_path)}
    done = run_command(MANAGER, "-p", "0", *SCREENSAVER_ONLY, **environment)
    assert done.returncode == 3
    assert done.stderr == (
        "dcp-evaluator-manager: the screensaver monitor finds no session bus: DBUS_SESSION_BUS_ADDRESS is not set; "
        "start dcp-evaluator-manager in the user's session, or use --disable-monitor=screensaver\n"
    )


@pytest.mark.parametrize("address", ["unix:path={missing}/bus", "nonsense", "unix:"])
def test_a_session_bus_that_does_not_answer(modules: Path, missing: Path, address: str) -> None:
    address = address.format(missing=missing)
    environment = {"NODE_PATH": str(modules), "DBUS_SESSION_BUS_ADDRESS": address}
    done = run_command(MANAGER, "-p", "0", *SCREENSAVER_ONLY, **environment)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 3
    assert line.startswith(f"dcp-evaluator-manager: the screensaver monitor cannot use the session bus {address}: ")
    assert line.endswith("or use --disable-monitor=screensaver")


def test_the_end_of_the_session_bus_ends_everything(modules: Path, tmp_path: Path) -> None:
    with SessionBus(tmp_path) as bus, Screensaver(bus, *GNOME, active=True), manager_on(bus, modules) as manager:
        with manager.connect() as peer:
            assert peer.ask("echo 1") == "1"
            bus.end()
            assert peer.read() == ""
        manager.wait_for("the screensaver monitor has lost the session bus")
        assert manager.process.wait(DEADLINE) == 3


# --- Terminals ---


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with Terminal(tmp_path) as terminal:
        yield terminal


def manager_with(terminal: Terminal, modules: Path, *options: str) -> Manager:
    return Manager(modules, "-d", "screensaver", "--pts", str(terminal.folder), *options)


def test_typing_in_a_terminal_ends_evaluators(modules: Path, terminal: Terminal) -> None:
    with manager_with(terminal, modules) as manager:
        with manager.connect() as peer:
            assert peer.ask("echo 1") == "1"
            terminal.type()
            assert peer.read() == ""
        manager.wait_for(f"in use: terminal {terminal.folder / terminal.path.name}")
        assert not manager.serves()
        terminal.leave()
        manager.wait_for(": free")
        assert manager.serves()


def test_a_terminal_counts_until_the_idle_timeout(modules: Path, terminal: Terminal) -> None:
    terminal.type()
    with manager_with(terminal, modules, "-i", "600") as manager:
        assert not manager.serves()
    with manager_with(terminal, modules, "-i", "1") as manager:
        wait_until(manager.serves, "a second has passed")


def test_a_terminal_that_is_opened_later_counts(modules: Path, terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    with manager_with(terminal, modules) as manager, Terminal(tmp_path / "more") as other:
        assert manager.serves()
        (terminal.folder / "other").symlink_to(other.path)
        other.type()
        manager.wait_for("in use: terminal")
        assert not manager.serves()


def test_the_managers_own_terminal_does_not_count(modules: Path, terminal: Terminal) -> None:
    options = ("-d", "screensaver", "--pts", str(terminal.folder))
    with Manager(modules, *options, terminal=terminal.fd) as manager:
        terminal.type()
        assert manager.serves()
