"""An evaluator with DCP's own start-up files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "peers"))

from dcp_programs import start_up_files

from line_peer import TcpEvaluator


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    with TcpEvaluator(*start_up_files()) as evaluator:
        yield evaluator.port
