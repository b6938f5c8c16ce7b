"""What a slice of a job takes on this machine (dcp-client's ``supervisor2/job-manager.js``)."""

from __future__ import annotations

import math

from ..tasks.job import JobMetrics
from ..tasks.slices import SliceMetrics

_MOST_WEIGHT = 0.5


class JobEstimate:
    """Moving averages of a job's slices; until one has run here, what the network has measured.

    Times are milliseconds. Densities are shares of the time from begin to end, 1 where nothing is known.
    """

    __slots__ = (
        "_network",
        "_variance",
        "_weight",
        "cpu_density",
        "cpu_time",
        "elapsed",
        "gpu_density",
        "gpu_time",
        "measured",
    )

    def __init__(self, network: JobMetrics, *, uses_gpu: bool = False) -> None:
        self.measured = 0
        self._variance = 0.0
        self.cpu_time = network.cpu_time
        self.gpu_time = network.gpu_time
        self.cpu_density = network.cpu_density or 1.0
        self.gpu_density = (network.gpu_density or 1.0) if uses_gpu else 0.0
        self.elapsed: float | None = network.cpu_time / self.cpu_density if network.cpu_time else None
        self.hear(network)

    @property
    def network(self) -> JobMetrics:
        return self._network

    @property
    def deviation(self) -> float:
        """Of the elapsed times, in milliseconds."""
        return math.sqrt(self._variance)

    def hear(self, network: JobMetrics) -> None:
        """The network tells what it has measured by now."""
        self._network = network
        self._weight = _weight(network)

    def learn(self, slice_metrics: SliceMetrics) -> None:
        """A slice has run here."""
        elapsed = max(1.0, slice_metrics.total_time)
        weight = self._weight if self.measured else 1.0
        self.measured += 1
        before = self.elapsed or 0.0
        self.elapsed = _next(before, elapsed, weight)
        self._variance = (
            (1 - weight) * (self._variance + weight * (elapsed - before) ** 2) if self.measured > 1 else 0.0
        )
        self.cpu_time = _next(self.cpu_time, max(1.0, slice_metrics.cpu_time), weight)
        self.gpu_time = _next(self.gpu_time, slice_metrics.gpu_time, weight)
        self.cpu_density = _next(self.cpu_density, min(1.0, max(1.0, slice_metrics.cpu_time) / elapsed), weight)
        self.gpu_density = _next(self.gpu_density, min(1.0, slice_metrics.gpu_time / elapsed), weight)


def _weight(network: JobMetrics) -> float:
    if not network.last_slice:
        return _MOST_WEIGHT
    left = max(1, network.last_slice - network.measured_slices)
    return min(_MOST_WEIGHT, left / network.last_slice)


def _next(average: float, value: float, weight: float) -> float:
    return average + weight * (value - average)
