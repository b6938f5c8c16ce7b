"""When a slice counts as overdue, which the scheduler then is told."""

from __future__ import annotations

from ..tasks.task import SchedulerRules
from .estimates import JobEstimate


def lifetime(estimate: JobEstimate, cotasks: int, rules: SchedulerRules) -> float | None:
    """After how many milliseconds a slice that was handed out is overdue; None where the scheduler does not ask."""
    lifetimes = rules.lifetimes
    if not lifetimes.analysed or estimate.elapsed is None:
        return None
    spread = lifetimes.sigmas * max(estimate.deviation, estimate.elapsed / 8)
    expected = (estimate.elapsed + spread) * lifetimes.factor * (cotasks + 1)
    return max(rules.target_task_duration * 1000, lifetimes.bias + lifetimes.multiplier * expected)
