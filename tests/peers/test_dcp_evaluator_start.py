"""npm's dcp-evaluator-start in front of this evaluator, over TCP and over stdio."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from dcp_programs import EVALUATOR, environment, modules, run_slices

from node import node
from ports import free_port
from zygote_control import wait_until

_DEADLINE = 60.0
_MESSAGE = {"_serializeVerId": "v8", "what": {"raw": {"request": "describe"}}}
"""As kvin, dcp-client's serializer, marshals it."""
_DESCRIBE = json.dumps({"type": "workerMessage", "message": _MESSAGE}) + "\n"


@contextmanager
def started(*options: str, evaluator: str = f"--evaluator={EVALUATOR}") -> Iterator[subprocess.Popen[str]]:
    start = modules() / "dcp-worker" / "bin" / "dcp-evaluator-start"
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [node(), start, evaluator, *options],
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()


def can_connect(port: int) -> bool:
    try:
        socket.create_connection(("localhost", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_it_serves_over_tcp_and_ends_by_sigint() -> None:
    port = free_port()
    with started("-p", str(port), "-d", "info", "--", "--options=--max-old-space-size=2048") as process:
        assert process.stderr is not None
        while not re.search(rf"listening on .* port {port}", line := process.stderr.readline()):
            assert line, "it ended"
        report = run_slices(port, {"workFunction": "(x) => { progress(); return 2 * x; }"}, [21])
        assert report["slices"][0]["result"] == 42
        process.send_signal(signal.SIGINT)
        assert process.wait(_DEADLINE) == 0


@pytest.mark.parametrize(("level", "told"), [("notice", []), ("info", ["ended"]), ("debug", ["is process", "ended"])])
def test_the_evaluator_of_a_prefix_tells_what_the_level_asks_for(level: str, told: list[str]) -> None:
    """``--prefix PREFIX`` names PREFIX/bin/dcp-evaluator, as an installed one is."""
    port = free_port()
    with started("-p", str(port), "-d", level, evaluator=f"--prefix={EVALUATOR.parents[1]}") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        wait_until(lambda: can_connect(port), "it listens")
        run_slices(port, {"workFunction": "(x) => { progress(); return x; }"}, [1])
        process.send_signal(signal.SIGTERM)
        notices = process.stderr.read()
        assert process.wait(_DEADLINE) == 0
    assert [word for word in ("is process", "ended") if word in notices] == told, notices


def test_it_is_one_sandbox_over_stdio_that_ends_with_its_input() -> None:
    with started("--stdio") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_DESCRIBE)
        process.stdin.flush()
        lines = [process.stdout.readline()]
        while lines[-1] and '"capabilities"' not in lines[-1]:
            lines.append(process.stdout.readline())
        assert any('"__sandboxLoaded"' in line for line in lines)
        assert '"fdlibm":true' in lines[-1].replace(" ", "")
        process.stdin.close()
        assert process.wait(_DEADLINE) == 0
