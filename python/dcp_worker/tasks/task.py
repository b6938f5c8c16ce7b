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


@dataclass(frozen=True, slots=True)
class Refused:
    """A slice that was handed out and cannot be run: to be returned with the reason."""

    slice: Slice
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    jobs: Mapping[str, Job] = field(default_factory=dict)
    slices: Sequence[Slice] = ()
    rules: SchedulerRules | None = None
    origins: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """Dialect 5: origins by purpose that a compute group allows its jobs, by the group's id."""
    refused: Sequence[Refused] = ()
    """Slices that came with a fault of their own, or of their job."""
    faults: Sequence[str] = ()
    """What could not be read, for a log. The rest of the task stands."""
    has_notifications: bool = False
    """Dialect 5: the scheduler keeps notifications for the worker's owner."""
