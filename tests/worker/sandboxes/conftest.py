"""The start-up files of both dcp-clients."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sandbox_driver import Dialect, dialect


@pytest.fixture(scope="session", params=["dcp", "dcp5"])
def client(request: pytest.FixtureRequest) -> Dialect:
    return dialect(request.param)
