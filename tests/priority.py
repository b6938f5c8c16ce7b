"""The priority of what tests start: they run beside one another, and their sandboxes have deadlines."""

from __future__ import annotations

from dcp_evaluator.settings.settings import PRIORITY_VARIABLE

TIMELY = {PRIORITY_VARIABLE: "normal"}
"""For the environments of programs that get little else."""
