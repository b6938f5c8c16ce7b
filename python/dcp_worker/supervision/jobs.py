"""The jobs that a worker has slices of, and their slices."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..scheduling.estimates import JobEstimate
from ..tasks.job import Job
from ..tasks.slices import Slice, SliceKey, SliceMetrics


class JobStage(enum.Enum):
    FETCHING = enum.auto()
    READY = enum.auto()


class SliceStage(enum.Enum):
    FETCHING = enum.auto()
    READY = enum.auto()
    RESERVED = enum.auto()
    """A sandbox is being made ready for it."""
    WORKING = enum.auto()


@dataclass(slots=True)
class SliceState:
    """``begun``, ``received``: when, by the machine's clock."""

    slice: Slice
    stage: SliceStage
    received: float
    begun: float = 0.0
    tries: int = 0
    rejections: int = 0
    spent: SliceMetrics = field(default_factory=SliceMetrics)


@dataclass(slots=True)
class JobState:
    job: Job
    estimate: JobEstimate
    stage: JobStage = JobStage.FETCHING
    slices: dict[int, SliceState] = field(default_factory=dict)
    ready: deque[int] = field(default_factory=deque)
    """Numbers of slices that wait for a sandbox, in the order in which they came."""
    active: set[int] = field(default_factory=set)
    """Those that are reserved or working."""
    assign_failures: int = 0

    @classmethod
    def of(cls, job: Job) -> JobState:
        return cls(job, JobEstimate(job.metrics, uses_gpu=job.uses_gpu))

    @property
    def is_waiting(self) -> bool:
        """Whether a slice could be started."""
        return self.stage is JobStage.READY and bool(self.ready)

    def add(self, state: SliceState) -> None:
        number = state.slice.key.number
        self.slices[number] = state
        if state.stage is SliceStage.READY:
            self.ready.append(number)

    def put_back(self, number: int) -> None:
        """A slice waits again, before the others."""
        self.active.discard(number)
        self.slices[number].stage = SliceStage.READY
        self.ready.appendleft(number)

    def remove(self, number: int) -> SliceState | None:
        self.active.discard(number)
        state = self.slices.pop(number, None)
        if state and state.stage is SliceStage.READY:
            self.ready.remove(number)
        return state

    def waiting_slices(self) -> list[Slice]:
        """Those that no sandbox has."""
        return [state.slice for number, state in self.slices.items() if number not in self.active]


def total(first: SliceMetrics, second: SliceMetrics) -> SliceMetrics:
    """What two tries of a slice took together; the sizes are those of the second."""
    return SliceMetrics(
        first.cpu_time + second.cpu_time,
        first.gpu_time + second.gpu_time,
        first.total_time + second.total_time,
        second.input_size,
        second.output_size,
    )


class JobTable:
    """All jobs by identity."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobState] = {}

    def __iter__(self) -> Iterator[JobState]:
        return iter(self._jobs.values())

    def find(self, job: str) -> JobState | None:
        return self._jobs.get(job)

    def slice(self, key: SliceKey) -> SliceState | None:
        state = self._jobs.get(key.job)
        return state.slices.get(key.number) if state else None

    def add(self, job: Job) -> JobState:
        state = self._jobs[job.identity] = JobState.of(job)
        return state

    def remove(self, job: str) -> JobState | None:
        return self._jobs.pop(job, None)
