"""What the machine wants done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..tasks.job import Job
from ..tasks.load import Load
from ..tasks.slices import Slice, SliceMetrics


@dataclass(frozen=True, slots=True)
class Liveness:
    """By job: slices that are not finished, and those of them that are overdue."""

    unfinished: Mapping[str, list[int]]
    overdue: Mapping[str, list[int]]


@dataclass(frozen=True, slots=True)
class FetchTask:
    """Ask the scheduler for work. ``task_received`` or ``task_failed`` follows."""

    load: Load
    cpu_quanta: Mapping[str, float]
    gpu_quanta: Mapping[str, float]
    liveness: Liveness | None
    rejected_jobs: tuple[str, ...]
    previous_jobs: tuple[str, ...]
    unresolved_jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportLiveness:
    """Tell the scheduler that what it has handed out is not lost, without asking for work."""

    liveness: Liveness


@dataclass(frozen=True, slots=True)
class FetchJob:
    """Get code, arguments and input set. ``job_fetched`` or ``job_failed`` follows."""

    job: Job


@dataclass(frozen=True, slots=True)
class FetchDatum:
    """Get what is not in the message of the slice. ``datum_fetched`` or ``datum_failed`` follows."""

    slice: Slice


@dataclass(frozen=True, slots=True)
class StartSandbox:
    """``sandbox_started`` or ``sandbox_ended`` follows."""

    sandbox: int


@dataclass(frozen=True, slots=True)
class AssignSandbox:
    """``sandbox_assigned``, ``assign_failed`` or ``sandbox_ended`` follows."""

    sandbox: int
    job: str


@dataclass(frozen=True, slots=True)
class Work:
    """``slice_finished``, ``slice_rejected``, ``slice_failed`` or ``sandbox_ended`` follows."""

    sandbox: int
    slice: Slice


@dataclass(frozen=True, slots=True)
class EndSandbox:
    """Nothing follows: for the machine it is gone."""

    sandbox: int


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """The slice's result is final. ``spent``: what earlier tries of it took, which counts too."""

    slice: Slice
    metrics: SliceMetrics


@dataclass(frozen=True, slots=True)
class ReturnSlices:
    """Give slices of one job back, all of one authorization. ``code`` is DCP's, where there is one."""

    slices: tuple[Slice, ...]
    reason: str
    code: str = ""
    retries: int | None = None


@dataclass(frozen=True, slots=True)
class ForgetJob:
    """Nothing of the job is needed any more."""

    job: str


@dataclass(frozen=True, slots=True)
class Announce:
    """A job is new here: for who watches."""

    job: Job


@dataclass(frozen=True, slots=True)
class Warn:
    """For who watches. ``job``: that which it tells of."""

    message: str
    job: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing runs any more, nothing will."""


Action = (
    FetchTask | ReportLiveness | FetchJob | FetchDatum | StartSandbox | AssignSandbox | Work | EndSandbox | SubmitResult
    | ReturnSlices | ForgetJob | Announce | Warn | Stopped
)  # fmt: skip
