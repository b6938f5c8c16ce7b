"""A job as a scheduler describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .capabilities import Capability, Worktime


@dataclass(frozen=True, slots=True)
class JobMetrics:
    """What the network has measured of a job's slices so far. Times are milliseconds of CPU and GPU per slice."""

    cpu_time: float = 0.0
    gpu_time: float = 0.0
    cpu_density: float = 0.0
    """CPU time as a share of the time from begin to end; 0 where it is not known."""
    gpu_density: float = 0.0
    measured_slices: int = 0
    last_slice: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything foreign in it is text or JSON, and bounded by the connection that brought it."""

    identity: str
    """Its address in dialect 4, its id in dialect 5."""
    group_job: str = ""
    """Dialect 5: ``<job>-<compute group>``, by which sandboxes and origins are told apart."""
    name: str = ""
    description: str = ""
    link: str = ""
    code: str
    """URI of the work function."""
    arguments: Mapping[int, str] = field(default_factory=dict)
    """URIs, by the index of the argument."""
    input_set: Any = None
    """The JSON of a range object or remote data set, of which slices without a datum are elements; or None."""
    input_set_location: str = ""
    """Its URI, where it does not come with the job."""
    dependencies: tuple[str, ...] = ()
    module_path: tuple[str, ...] = ()
    require_path: tuple[str, ...] = ()
    needs: Capability = Capability.NONE
    is_discrete: bool = False
    use_strict: bool = False
    worktime: Worktime
    public: Mapping[str, Any] = field(default_factory=dict)
    metrics: JobMetrics = JobMetrics()
    is_almost_done: bool = False
    requirements: Any = None
    """Dialect 4: ``requirements`` as it came, for the sandbox."""

    @property
    def group(self) -> str:
        """Dialect 5: the id of the compute group that the job came with, by which origins are allowed; else empty."""
        return self.group_job.rpartition("-")[2]

    @property
    def uses_gpu(self) -> bool:
        return Capability.WEBGPU in self.needs
