"""What a zygote says, as values, and how processes end."""

from __future__ import annotations

import os
import signal

import pytest

from dcp_evaluator.errors import ZygoteError
from dcp_evaluator.processes.exit_status import ExitStatus
from dcp_evaluator.processes.zygote_messages import Exited, Message, Ready, Refused, Spawned, Use, parse

pytestmark = pytest.mark.any_engine


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ready", Ready()),
        ("spawned 1 4711", Spawned(1, 4711)),
        ("refused 2 no memory is left", Refused(2, "no memory is left")),
        ("exited 3 exit 7 1500000 2048", Exited(3, ExitStatus(7), Use(1.5, 2 << 20))),
        ("exited 3 signal 9 0 0", Exited(3, ExitStatus(-signal.SIGKILL))),
    ],
)
def test_messages_are_values(text: str, message: Message | Ready) -> None:
    parsed = parse(text)
    assert type(parsed) is type(message)
    assert parsed == message


@pytest.mark.parametrize("text", ["failed no wasmtime", "failed"])
def test_a_zygote_that_fails_says_why(text: str) -> None:
    with pytest.raises(ZygoteError, match=r"^(no wasmtime|the sandbox runtime cannot be loaded)$"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "paused 1", "ready-made", "spawned", "spawned 1", "spawned x 2", "refused - unknown message", "exited 1",
     "exited 1 exit", "exited 1 stopped 3 0 0", "exited 1 exit 1", "exited 1 exit 1 0",
     "exited 1 exit 1 -1 0", "exited one exit 1", "\u202e" * 1000],
)  # fmt: skip
def test_a_message_of_another_version_names_the_remedy(text: str) -> None:
    with pytest.raises(ZygoteError, match=r"^[ -~]{20,700}; install dcp-evaluator again$"):
        parse(text)


@pytest.mark.parametrize(
    ("status", "text", "for_shells"),
    [
        (ExitStatus(0), "exit 0", 0),
        (ExitStatus(7), "exit 7", 7),
        (ExitStatus(86), "out of memory", 86),
        (ExitStatus(-signal.SIGKILL), "signal 9 (SIGKILL)", 137),
        (ExitStatus(-63), "signal 63", 191),
    ],
)
def test_statuses_as_text_and_for_shells(status: ExitStatus, text: str, for_shells: int) -> None:
    assert str(status) == text
    assert status.for_shells == for_shells


def test_statuses_of_real_processes() -> None:
    for command, status in (("exit 7", ExitStatus(7)), ("kill -TERM $$", ExitStatus(-signal.SIGTERM))):
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", command], {})
        assert ExitStatus.of_wait(os.waitpid(pid, 0)[1]) == status
