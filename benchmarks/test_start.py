"""From a connection to the first answer, and what a sandbox costs while it waits."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dcp_evaluator as dcp
from zygote_control import descendants

_ECHO = 'onreadln((line) => writeln("answer to " + line));'


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """The port of a dcp-evaluator that answers each line."""
    script = tmp_path_factory.mktemp("start") / "echo.js"
    script.write_text(_ECHO)
    command = [sys.executable, "-m", "dcp_evaluator", "-p", "0", "-d", "7", str(script)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if found := re.search(r"listening on \S+ port (\d+)", line):
                break
        else:
            pytest.fail("dcp-evaluator does not listen")
        yield int(found[1])
        process.terminate()


def test_first_answer_over_tcp(benchmark, measure, port):
    def first_answer() -> None:
        with socket.create_connection(("localhost", port)) as connection:
            connection.sendall(b"1\n")
            assert connection.recv(64) == b"answer to 1\n"

    first_answer()
    benchmark.pedantic(first_answer, setup=lambda: time.sleep(0.05), rounds=50)
    measure("connection to first answer, TCP, median", 1e3 * benchmark.stats["median"], "ms", "<= 5")


def test_first_result_of_a_job(benchmark, measure, evaluator):
    last: list[dcp.Results] = []

    def finish_last() -> None:
        for results in last:
            results.wait()
        last.clear()
        time.sleep(0.05)

    def first_result() -> None:
        last.append(dcp.compute_for([1], "(x) => x").local_exec(1, evaluator=evaluator))
        assert last[0][0] == 1

    benchmark.pedantic(first_result, setup=finish_last, rounds=50)
    finish_last()
    measure("new sandbox to first result, frames, median", 1e3 * benchmark.stats["median"], "ms", "<= 5")


def _private_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(map(int, re.findall(r"^Private_(?:Clean|Dirty): +(\d+) kB", rollup, re.MULTILINE)))


def test_private_memory_of_an_idle_sandbox(benchmark, measure, evaluator):
    factory = evaluator.acquire(None)
    zygote = factory.zygote.pid
    evaluator.release(factory, None)
    job = dcp.compute_for([0], "async () => { progress(0); await new Promise((done) => setTimeout(done, 1500)); }")
    waiting: list[int] = []
    before = set(descendants(zygote))
    job.on("progress", lambda event: waiting.extend(descendants(zygote)))
    results = job.local_exec(1, evaluator=evaluator)
    while not waiting:
        time.sleep(0.01)
    time.sleep(0.2)
    running = descendants(zygote)
    sizes = benchmark.pedantic(lambda: [_private_bytes(pid) for pid in running], rounds=1)
    results.wait()
    assert before or sizes, "no sandbox was found below the zygote"
    measure("private memory of an idle sandbox (the largest process)", max(sizes) / 1e6, "MB", "<= 8")
