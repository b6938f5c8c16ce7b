"""Lines for the tests of outputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from dcp_worker.configuration.log_settings import LogSettings, OutputChoice
from dcp_worker.logs.lines import Line
from dcp_worker.logs.logs import Logs
from dcp_worker.tasks.slices import SliceKey

KEY = SliceKey("0x" + "1" * 40, 3)


def lines(*texts: str, level: str = "info") -> Sequence[Line]:
    return [Line(level, text) for text in texts]


def logs(*choices: str, verbosity: int = 0, **settings: Any) -> Logs:
    """``choices``: outputs as on the command line."""
    outputs = tuple(OutputChoice(*choice.split(":")) for choice in choices)
    return Logs(LogSettings(outputs=outputs, **settings), "dcp-worker", verbosity)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
