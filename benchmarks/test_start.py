"""From a connection, a job or a new evaluator to the first answer."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time

import pytest

import dcp_evaluator as dcp
from conftest import on

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


@pytest.mark.parametrize("kept", [False, True], ids=["nothing kept", "scripts kept"])
def test_first_result_of_a_new_evaluator(benchmark, measure, engine, monkeypatch, tmp_path, kept):
    """Cold: the zygote starts, too. What it compiled at an earlier start is kept in the user's cache folder."""
    cache = iter(f"{tmp_path}/{'kept' if kept else number}" for number in range(1000))

    def first_result() -> None:
        with dcp.Evaluator(engine=engine) as evaluator:
            assert dcp.compute_for([1], "(x) => x").local_exec(1, evaluator=evaluator)[0] == 1

    def next_folder() -> None:
        monkeypatch.setenv("DCP_EVALUATOR_CACHE", next(cache))

    benchmark.pedantic(first_result, setup=next_folder, rounds=9, warmup_rounds=1)
    state = "scripts kept" if kept else "nothing kept"
    measure(f"new evaluator to first result, {state}{on(engine)}, median", 1e3 * benchmark.stats["median"], "ms")


def test_first_result_of_a_job(benchmark, measure, engine, engine_evaluator):
    last: list[dcp.Results] = []

    def finish_last() -> None:
        for results in last:
            results.wait()
        last.clear()
        time.sleep(0.05)

    def first_result() -> None:
        last.append(dcp.compute_for([1], "(x) => x").local_exec(1, evaluator=engine_evaluator))
        assert last[0][0] == 1

    benchmark.pedantic(first_result, setup=finish_last, rounds=50)
    finish_last()
    median = 1e3 * benchmark.stats["median"]
    measure(f"new sandbox to first result, frames{on(engine)}, median", median, "ms", "<= 5")
