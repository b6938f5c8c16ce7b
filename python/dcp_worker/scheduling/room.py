"""What of the machine is in use, and what fits beside it."""

from __future__ import annotations

from dataclasses import dataclass

from .estimates import JobEstimate

_LONG_SHARE = 0.6  # of the cores, while short slices wait
_SLACK, _SLACK_OF_ONE_CORE = 0.25, 0.125  # of a core: no slice is started for less


@dataclass(frozen=True, slots=True)
class Limits:
    """``cpu`` and ``gpu``: cores times utilization, 0 for none; ``sandboxes`` at once.

    ``cpu_rests``: only jobs that use a GPU are worked on, on the same cores.
    """

    cpu: float
    gpu: float
    sandboxes: int
    cpu_rests: bool = False

    @property
    def cores(self) -> float:
        return min(self.cpu, float(self.sandboxes))

    @property
    def rests(self) -> bool:
        """Nothing is worked on."""
        return not self.allow(uses_gpu=False) and not self.allow(uses_gpu=True)

    def allow(self, *, uses_gpu: bool) -> bool:
        """Whether jobs of that kind are worked on."""
        return self.gpu > 0 if uses_gpu else not self.cpu_rests


@dataclass(slots=True)
class Room:
    """``cpu`` and ``gpu`` are sums of densities of what runs."""

    limits: Limits
    cpu: float = 0.0
    gpu: float = 0.0
    slices: int = 0
    long_slices: int = 0
    gpu_rests: bool = False
    """The GPU is paused, or has had more than its share."""

    def take(self, estimate: JobEstimate, *, is_long: bool) -> None:
        self.cpu += estimate.cpu_density
        self.gpu += estimate.gpu_density
        self.slices += 1
        self.long_slices += is_long

    def has_core(self) -> bool:
        """Whether another slice may be started at all."""
        slack = _SLACK if self.limits.cores > 1 else _SLACK_OF_ONE_CORE
        return self.slices < self.limits.sandboxes and self.cpu < self.limits.cores - slack

    def has_gpu(self, estimate: JobEstimate) -> bool:
        """Whether its share of the GPU fits; the first always does, where there is a GPU."""
        if self.limits.gpu <= 0 or self.gpu_rests:
            return False
        whole = -(-self.limits.gpu // 1)
        return self.gpu == 0 or self.gpu + estimate.gpu_density <= whole

    def has_long(self) -> bool:
        """Whether a long slice may be started while short ones wait."""
        return self.long_slices < max(1, int(self.limits.cores * _LONG_SHARE))
