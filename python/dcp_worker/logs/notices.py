"""What a worker tells whoever watches it: the console now, other outputs beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..tasks.job import Job
from ..tasks.slices import SliceKey, SliceMetrics
from ..tasks.work import Work


@dataclass(frozen=True, slots=True)
class Said:
    """``level``: debug, info, warning or error. ``job``, ``sandbox``: of which it tells, if of any."""

    level: str
    message: str
    job: str = ""
    sandbox: int | None = None


@dataclass(frozen=True, slots=True)
class JobAnnounced:
    job: Job


@dataclass(frozen=True, slots=True)
class SandboxReady:
    sandbox: int


@dataclass(frozen=True, slots=True)
class SandboxGone:
    """``died``: it ended by itself, or had to be ended for what it did."""

    sandbox: int
    key: SliceKey | None
    died: bool = False


@dataclass(frozen=True, slots=True)
class SliceStarted:
    sandbox: int
    key: SliceKey
    job_name: str


@dataclass(frozen=True, slots=True)
class SliceProgress:
    """``share``: from 0 to 1; None where the work function tells none."""

    sandbox: int
    share: float | None


End = Literal["completed", "failed", "rejected"]


@dataclass(frozen=True, slots=True)
class SliceEnded:
    sandbox: int
    key: SliceKey
    job_name: str
    how: End
    metrics: SliceMetrics

    def work(self) -> Work:
        cpu, gpu = self.metrics.cpu_time / 1000, self.metrics.gpu_time / 1000
        work = Work(cpu_seconds=cpu, gpu_seconds=gpu)
        setattr(work, self.how, 1)
        return work


@dataclass(frozen=True, slots=True)
class Fetching:
    pass


@dataclass(frozen=True, slots=True)
class Fetched:
    slices: int


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """The scheduler has not answered, or not with work."""


@dataclass(frozen=True, slots=True)
class Returned:
    """So many slices go back to the scheduler without a result."""

    slices: int


@dataclass(frozen=True, slots=True)
class EvaluatorEnded:
    """It is started again."""


@dataclass(frozen=True, slots=True)
class Submitted:
    key: SliceKey


@dataclass(frozen=True, slots=True)
class Paid:
    """``amount`` in DCC."""

    key: SliceKey
    amount: float


Notice = (
    Said | JobAnnounced | SandboxReady | SandboxGone | SliceStarted | SliceProgress | SliceEnded | Fetching | Fetched
    | FetchFailed | Returned | Submitted | Paid | EvaluatorEnded
)  # fmt: skip


class Notices:
    """Passes each notice to all that listen. None may raise, or take long."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Notice], None]] = []

    def listen(self, listener: Callable[[Notice], None]) -> None:
        self._listeners.append(listener)

    def tell(self, notice: Notice) -> None:
        for listener in self._listeners:
            listener(notice)

    def say(self, level: str, message: str, *, job: str = "", sandbox: int | None = None) -> None:
        """``job``: the identity of that which it tells of; ``sandbox``: a number."""
        self.tell(Said(level, message, job, sandbox))
