"""What GPU hosts write to stderr is passed on, within limits."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from broken_driver import BODIES, broken_driver
from cli_driver import run_script
from dcp_evaluator.gpu.messages import MOST_OF_A_HOST, Messages
from dcp_evaluator.processes.allowance import Allowance

pytestmark = pytest.mark.any_engine

NOTICE = "\ndcp-evaluator: a GPU host writes too much to stderr: the rest of its messages is dropped\n"


class Pipe:
    """A host's stderr, and what comes out of it."""

    def __init__(self, allowance: Allowance) -> None:
        read, self._write = os.pipe()
        self._parts: list[bytes] = []
        self.messages = Messages(read, self._parts.append, allowance)
        self._thread = threading.Thread(target=self.messages.run)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """All of it, or as much as is taken."""
        try:
            while data:
                data = data[os.write(self._write, data) :]
        except BrokenPipeError:
            pass

    def end(self) -> str:
        os.close(self._write)
        self._thread.join(20)
        assert not self._thread.is_alive()
        return b"".join(self._parts).decode()


def test_messages_come_as_they_are() -> None:
    pipe = Pipe(Allowance(1000, 0))
    pipe.write("MESA: warning: für Ж\n".encode())
    pipe.write(b"\tsecond\n")
    assert pipe.end() == "MESA: warning: für Ж\n\tsecond\n"


def test_what_could_steer_a_terminal_does_not_pass() -> None:
    pipe = Pipe(Allowance(1000, 0))
    pipe.write(b"\x1b[2J\x00\x07\x7f\rend\n")
    assert pipe.end() == "?[2J????end\n"


def test_a_host_has_a_limit() -> None:
    pipe = Pipe(Allowance(1 << 30, 0))
    pipe.write(b"x" * (MOST_OF_A_HOST - 10))
    pipe.write(b"y" * 1000)
    pipe.write(b"z" * 1_000_000)  # the pipe is closed: this does not wait
    assert pipe.end() == "x" * (MOST_OF_A_HOST - 10) + "y" * 10 + NOTICE


def test_all_hosts_together_have_a_limit() -> None:
    now = 0.0
    allowance = Allowance(100, 10, lambda: now)
    first, second = Pipe(allowance), Pipe(allowance)
    first.write(b"x" * 60)
    assert first.end() == "x" * 60
    second.write(b"y" * 60)
    assert second.end() == "y" * 40 + NOTICE
    now = 3.0
    third = Pipe(allowance)
    third.write(b"z" * 31)
    assert third.end() == "z" * 30 + NOTICE


def test_a_driver_that_never_stops_complaining_fills_no_log(tmp_path: Path) -> None:
    """Its host writes for as long as it lives; its sandbox goes on."""
    manifest = str(broken_driver(tmp_path, BODIES["chatters"]))
    source = """
      for (let round = 0; round < 3; round++) {
        print(await navigator.gpu.requestAdapter());
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    """
    environment = {"VK_DRIVER_FILES": manifest, "VK_ICD_FILENAMES": manifest}
    done = run_script(tmp_path, source, "--module", environment=environment)
    assert (done.returncode, done.stdout.count("null\n")) == (0, 3)
    said, _, rest = done.stderr.partition(NOTICE)
    assert MOST_OF_A_HOST - 100 <= len(said) <= MOST_OF_A_HOST + 1000
    assert "?[2Ja driver that complains\n" in said
    assert len(rest) < 1000
