from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def gpu_hosts(new_processes: Callable[[str], list[int]]) -> Callable[[], list[int]]:
    """Gives the GPU hosts that the test has started and that run."""
    return lambda: new_processes("dcp-gpu-host")
