"""A home of its own for the command, as an operator has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker_command import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)
