"""An evaluator with DCP's own start-up files, which stays for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "peers"))

from dcp_programs import start_up_files

from line_peer import TcpEvaluator


@pytest.fixture(scope="session")
def evaluator_with_startup_files() -> Iterator[TcpEvaluator]:
    with TcpEvaluator(*start_up_files()) as evaluator:
        yield evaluator


@pytest.fixture(scope="session")
def port(evaluator_with_startup_files: TcpEvaluator) -> int:
    return evaluator_with_startup_files.port
