"""Workers in both dialects."""

from __future__ import annotations

import pytest

from scheduler_stand_in.workers import SCHEDULERS


@pytest.fixture(params=SCHEDULERS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Of the scheduler, and of the start-up files."""
    return str(request.param)
