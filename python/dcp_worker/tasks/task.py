"""What a scheduler answers to a request for work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .job import Job
from .slices import Slice


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """When a slice counts as overdue: ``biasMs``, ``multiplier``, ``sigmas``, ``factor`` of the scheduler."""

    analysed: bool = False
    factor: float = 1.0
    multiplier: float = 1.0
    sigmas: float = 1.0
    bias: float = 0.0
    """Milliseconds."""


@dataclass(frozen=True, slots=True)
class SchedulerRules:
    """``schedulerConfig``: times are seconds."""

    target_task_duration: float = 180.0
    soteria_interval: float = 240.0
    lifetimes: Lifetimes = Lifetimes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    jobs: Mapping[str, Job] = field(default_factory=dict)
    slices: Sequence[Slice] = ()
    rules: SchedulerRules | None = None
    origins: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """Dialect 5: origins by purpose that a compute group allows its jobs, by the group's id."""
