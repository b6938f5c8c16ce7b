"""What services tell their service manager, and the sockets that it hands over."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dcp_evaluator.errors import UsageError
from dcp_evaluator.service.activation import activated_listeners
from dcp_evaluator.service.manager import ServiceManager
from service_manager import DEADLINE, StandInManager, with_sockets

pytestmark = pytest.mark.any_engine


@pytest.mark.parametrize("name", [None, f"@dcp-test-{os.getpid()}"], ids=["file", "abstract"])
def test_a_service_tells_its_manager_what_becomes_of_it(tmp_path: Path, name: str | None) -> None:
    with StandInManager(tmp_path, name) as stand_in:
        manager = ServiceManager.of_environment(dict(stand_in.environment))
        assert manager.is_there
        manager.ready("no sandboxes")
        manager.status("1 sandbox")
        manager.needs(90)
        manager.stopping("the last\nsandbox")
        stand_in.wait_for("STOPPING=1")
        assert stand_in.told == [
            "READY=1", "STATUS=no sandboxes", "STATUS=1 sandbox", "EXTEND_TIMEOUT_USEC=90000000",
            "STOPPING=1", "STATUS=the last sandbox",
        ]  # fmt: skip
        manager.close()
        manager.ready()


def test_a_status_that_has_not_changed_is_told_once(tmp_path: Path) -> None:
    with StandInManager(tmp_path) as stand_in:
        manager = ServiceManager.of_environment(dict(stand_in.environment))
        for text in ("1 sandbox", "1 sandbox", "2 sandboxes"):
            manager.status(text)
        stand_in.wait_for("STATUS=2")
        assert stand_in.told == ["STATUS=1 sandbox", "STATUS=2 sandboxes"]
        manager.close()


def test_a_watchdog_is_fed_by_the_process_that_it_watches_alone(tmp_path: Path) -> None:
    with StandInManager(tmp_path) as stand_in:
        variables = {**stand_in.environment, "WATCHDOG_USEC": "30000000"}
        for process, interval in ((str(os.getpid()), 15.0), ("", 15.0), ("1", None)):
            manager = ServiceManager.of_environment({**variables, "WATCHDOG_PID": process})
            assert manager.watchdog_interval == interval
            manager.alive()
            manager.status(f"for {process!r}")
            stand_in.wait_for(f"STATUS=for {process!r}")
            assert (stand_in.told.pop(0) == "WATCHDOG=1") == (interval is not None)
            stand_in.told.clear()
            manager.close()


def test_without_a_manager_nobody_is_told(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": "tcp:1"}, {"NOTIFY_SOCKET": ""}, {"WATCHDOG_USEC": "1000"}):
        manager = ServiceManager.of_environment(dict(environment))
        assert not manager.is_there and manager.watchdog_interval is None
        manager.ready()
    gone = ServiceManager.of_environment({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "x"})
    assert gone.watchdog_interval is None
    gone.ready("nobody reads this")
    gone.close()


def test_what_a_manager_says_does_not_reach_the_programs_that_we_start(tmp_path: Path) -> None:
    variables = {"NOTIFY_SOCKET": str(tmp_path / "s"), "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "/bin"}
    ServiceManager.of_environment(variables).close()
    assert variables == {"PATH": "/bin"}
    variables = {"LISTEN_PID": "1", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b", "PATH": "/bin"}
    assert activated_listeners(variables) == []  # for another process
    assert variables == {"PATH": "/bin"}


_SERVES = """
    import os
    from dcp_evaluator.service.activation import activated_listeners
    listeners = activated_listeners()
    assert not any(name.startswith("LISTEN_") for name in os.environ)
    assert not any(os.get_inheritable(listener.fileno()) or listener.getblocking() for listener in listeners)
    for listener in listeners:
        listener.setblocking(True)
        connection, _ = listener.accept()
        connection.sendall(b"served\\n")
        connection.close()
"""


def test_a_service_gets_the_sockets_that_its_manager_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        command = with_sockets([sys.executable, "-c", textwrap.dedent(_SERVES)], first, second)
        process = subprocess.Popen(command, pass_fds=(first.fileno(), second.fileno()))
        for each in (first, second):
            with socket.create_connection(each.getsockname(), timeout=DEADLINE) as peer:
                assert peer.makefile().readline() == "served\n"
        assert process.wait(DEADLINE) == 0


def test_a_socket_of_another_kind_is_refused(tmp_path: Path) -> None:
    unix, deaf = socket.socket(socket.AF_UNIX), socket.socket()
    unix.bind(str(tmp_path / "socket"))
    unix.listen()
    with unix, deaf:
        for each in (unix, deaf):
            command = with_sockets([sys.executable, "-c", textwrap.dedent(_REFUSES)], each)
            said = subprocess.check_output(command, pass_fds=(each.fileno(),), timeout=DEADLINE, encoding="utf-8")
            assert said == (
                "descriptor 3 of the service manager is no TCP socket that listens: "
                "the unit of the socket needs ListenStream= with a port, and Accept=no\n"
            )


_REFUSES = """
    from dcp_evaluator.errors import UsageError
    from dcp_evaluator.service.activation import activated_listeners
    try:
        activated_listeners()
    except UsageError as error:
        print(error)
"""


def test_more_sockets_than_any_unit_has_are_refused() -> None:
    with pytest.raises(UsageError, match="has passed 65 sockets"):
        activated_listeners({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "65"})
