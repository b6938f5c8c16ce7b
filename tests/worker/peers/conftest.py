"""Evaluators with DCP's own start-up files, and npm's workers on them, which stay for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "peers"))

from dcp_programs import start_up_files

from line_peer import TcpEvaluator
from scheduler_stand_in import Program, npm_program, npm_program_5, own_program


@pytest.fixture(scope="session")
def evaluator_4() -> Iterator[TcpEvaluator]:
    with TcpEvaluator(*start_up_files()) as evaluator:
        yield evaluator


@pytest.fixture(scope="session")
def npm_4(evaluator_4: TcpEvaluator) -> Program:
    """npm's dcp-worker 3.3.19."""
    return npm_program(evaluator_4.port)


@pytest.fixture(scope="session")
def npm_5() -> Iterator[Program]:
    """The class DistributiveWorker of npm's dcp-client 5.6.1."""
    with TcpEvaluator(*start_up_files(group="dcp5")) as evaluator:
        yield npm_program_5(evaluator.port)


@pytest.fixture(params=["npm_4", "npm_5", "own_4", "own_5"])
def program(request: pytest.FixtureRequest) -> Program:
    """npm's workers and ours, in both dialects; ``kind`` is that of the stand-in that it works for."""
    if request.param.startswith("own"):
        return own_program({"own_4": "dcp", "own_5": "dcp5"}[request.param])
    found: Program = request.getfixturevalue(request.param)
    return found
