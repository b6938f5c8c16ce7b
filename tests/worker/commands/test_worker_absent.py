"""Commands that speak with a running worker, where none runs."""

from __future__ import annotations

import socket

import pytest
from worker_command import Home

pytestmark = pytest.mark.any_engine


@pytest.mark.parametrize("command", ["status", "logs", "pause", "resume", "finish", "stop", "exit-when-done"])
def test_the_status_says_that_no_worker_runs(home: Home, command: str) -> None:
    done = home.run(command)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("dcp-worker: no worker runs: there is no socket ")


def test_a_socket_that_was_left_is_no_worker(home: Home) -> None:
    path = home.root / "dcp-worker" / "control"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    done = home.run("status")
    assert (done.returncode, done.stderr) == (3, f"dcp-worker: no worker runs: nothing listens at {path}\n")


def test_there_is_nothing_to_report(home: Home) -> None:
    done = home.run("report")
    assert (done.returncode, done.stdout) == (3, "")
    assert "none has written down here what it has done" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pause", "--for", "soon"], "'soon' is no time, such as 90s, 30m, 8h or 2d"),
        (["report", "--since", "yesterday"], "'yesterday' is no day, such as 2026-01-31 or 30d"),
        (["stats"], "there is no such command (is it status?)"),
    ],
)
def test_what_is_wrong_is_told(home: Home, arguments: list[str], message: str) -> None:
    assert message in home.fail(*arguments)
