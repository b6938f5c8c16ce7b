"""From a connection, a job or a new evaluator to the first answer."""

from __future__ import annotations

import socket
import time

import pytest

import dcp_evaluator as dcp
from conftest import on
from line_peer import TcpEvaluator

_ECHO = 'onreadln((line) => writeln("answer to " + line));'
_PAUSES = {0.0: "without a pause", 0.01: "10 ms between them", 0.05: "50 ms between them"}


@pytest.fixture
def port(tmp_path, engine):
    """The port of a dcp-evaluator that answers each line."""
    script = tmp_path / "echo.js"
    script.write_text(_ECHO)
    with TcpEvaluator(str(script), options=("--engine", engine)) as evaluator:
        yield evaluator.port


@pytest.mark.parametrize(
    "pause", [pytest.param(pause, marks=pytest.mark.full if pause > 0.01 else []) for pause in _PAUSES]
)
def test_first_answer_over_tcp(benchmark, measure, engine, port, pause):
    """Connections one after the other; with pauses, a spare waits for each."""

    def first_answer() -> None:
        with socket.create_connection(("localhost", port)) as connection:
            connection.sendall(b"1\n")
            assert connection.recv(64) == b"answer to 1\n"

    first_answer()
    benchmark.pedantic(first_answer, setup=lambda: time.sleep(pause), rounds=100)
    name = f"connection to first answer, {_PAUSES[pause]}{on(engine)}, median"
    measure(name, 1e3 * benchmark.stats["median"], "ms", "<= 3")


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
