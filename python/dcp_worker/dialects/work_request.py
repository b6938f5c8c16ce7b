"""What a worker asks a scheduler for."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..tasks.capabilities import Capability, Worktimes
from ..tasks.load import Load
from .compute_groups import GLOBAL, ComputeGroup


class FetchState(enum.IntFlag):
    """``utils/fetchState.js``."""

    NORMAL = 1
    LIVENESS = 2
    """``notifySoteria``: tells which slices are still at work."""
    STARTUP = 4
    """The first request of the process: what the scheduler still has of this worker's slices is void."""
    ROUND_ROBIN = 8
    RETURN_ALL = 16
    """Dialect 5."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Of the machine on which the worker of this id runs."""

    worker: str
    logical_cores: int
    physical_cores: int
    sandboxes: int

    def to_json(self) -> dict[str, Any]:
        return {
            "worker": self.worker,
            "lCores": self.logical_cores,
            "pCores": self.physical_cores,
            "sandbox": self.sandboxes,
        }


@dataclass(frozen=True, slots=True)
class Wage:
    """The least that the worker works for: DCC per hour of CPU and GPU, per MB in and out."""

    cpu: float = 0
    gpu: float = 0
    input: float = 0
    output: float = 0

    def to_json(self) -> dict[str, float]:
        return {"CPU": self.cpu, "GPU": self.gpu, "in": self.input, "out": self.output}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRequest:
    """Quanta are milliseconds per slice by job, and under ``"0"`` the worker's share of the network's speed."""

    state: FetchState = FetchState.NORMAL
    load: Load
    cores: Cores
    cpu_quanta: Mapping[str, float] = field(default_factory=lambda: {"0": 1})
    gpu_quanta: Mapping[str, float] = field(default_factory=lambda: {"0": 1})
    capabilities: Capability = Capability.NONE
    described: Any = None
    """What the evaluator's ``describe`` answered as capabilities: dialect 4 sends it as it is."""
    gpu_speed: float = -1
    """Dialect 5: milliseconds of a benchmark; -1 where it was not run."""
    payment_address: str
    jobs: Sequence[str] = ()
    """Work of these jobs only; of all if there is none."""
    groups: Sequence[ComputeGroup] = (GLOBAL,)
    minimum_wage: Wage = Wage()
    at_work: Mapping[str, Sequence[int]] | None = None
    """Slices that are not finished, by job (``soteriaJobs``)."""
    overdue: Mapping[str, Sequence[int]] | None = None
    worked_before: Sequence[str] = ()
    """Discrete jobs of which this worker has had slices."""
    rejected: Sequence[str] = ()
    unresolved: Sequence[str] = ()
    """Jobs whose code is still being fetched."""
    worktimes: Sequence[Worktimes] = ()
    sequence: int = 0
    """Dialect 5: which request of the process this is, from 0."""

    def load_json(self) -> dict[str, Any]:
        return {"cpu": _plain(self.load.cpu), "gpu": _plain(self.load.gpu), "longSlices": math.floor(self.load.cpu)}

    def slices_json(self) -> dict[str, Any]:
        return {"soteriaJobs": _numbers(self.at_work), "overdueSlices": _numbers(self.overdue)}

    def liveness_json(self) -> dict[str, Any]:
        """For a worker that has no room, and tells only that it is there."""
        return {
            "coreStats": {"worker": self.cores.worker},
            "paymentAddress": self.payment_address,
            **self.slices_json(),
            "fetchState": int(self.state),
        }


def _plain(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def _numbers(slices: Mapping[str, Sequence[int]] | None) -> dict[str, list[int]] | None:
    return None if slices is None else {job: list(numbers) for job, numbers in slices.items()}
