"""A job as the scheduler sees it when a worker asks for work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model.measured import Measured
from ..model.requirements import Requirements
from ..model.work_request import WorkRequest

UNKNOWN = 1000.0
"""Milliseconds that a slice is taken for whose job nobody has measured yet."""
_LEAST = 0.5  # ms: what handing out a slice costs anyway
_LEAST_DENSITY = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A job with slices to hand out. ``names``: by which workers may call it; ``groups``: its groups' numbers;
    ``mean``: what a slice takes on the mean of the network, None where unknown; ``offer``: DCC for a slice, None where
    unknown; ``weight``: of the job among its owner's; ``quota``: how many slices may go out now.
    """

    job: int
    names: frozenset[str]
    owner: str
    groups: frozenset[int]
    needs: Requirements
    worktime: str
    versions: str
    quota: int
    discrete: bool = False
    local: bool = False
    mean: Measured | None = None
    offer: float | None = None
    weight: float = 1.0

    @property
    def work(self) -> float:
        """Milliseconds of CPU and GPU that a slice is taken for, whoever does it."""
        return UNKNOWN if self.mean is None else max(_LEAST, self.mean.cpu + self.mean.gpu)

    @property
    def usual(self) -> float:
        """Milliseconds that a slice takes on the mean of the network."""
        return UNKNOWN if self.mean is None else self._elapsed(self.mean.cpu, self.mean.gpu)

    def elapsed(self, request: WorkRequest) -> float:
        """Milliseconds that a slice takes this worker: as long as its last ones where it knows the job."""
        if self.mean is None:
            return UNKNOWN * request.quanta
        cpu = _known(self.names, request.known_cpu, self.mean.cpu * request.quanta)
        gpu = _known(self.names, request.known_gpu, self.mean.gpu * request.gpu_quanta) if self.mean.gpu else 0.0
        return self._elapsed(cpu, gpu)

    def _elapsed(self, cpu: float, gpu: float) -> float:
        density = self.mean.cpu_density + self.mean.gpu_density if self.mean else 0.0
        return max(_LEAST, (cpu + gpu) / (min(1.0, max(_LEAST_DENSITY, density)) if density else 1.0))


def _known(names: frozenset[str], known: Mapping[str, float], otherwise: float) -> float:
    if not known:
        return otherwise
    return next((known[name] for name in names if name in known), otherwise)
