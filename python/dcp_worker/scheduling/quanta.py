"""How fast this machine is, next to the network's (dcp-client's ``supervisor2/quanta.js``)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from .estimates import JobEstimate

_WEIGHT = 0.1818
_MOST = 8.0
_STEPS = 32
_UNKNOWN_JOB = "0"


class Quanta:
    """The share of a slice's time here in its time elsewhere, over all jobs, and each job's own time here.

    ``gpu``: of the GPU, where averages move twice as fast and may lie eight times as far apart.
    """

    def __init__(self, *, gpu: bool) -> None:
        self._gpu = gpu
        self._weight = _WEIGHT * (2 if gpu else 1)
        self._most = _MOST * (8 if gpu else 1)
        self._here = 0.0
        self._elsewhere = 0.0
        self._known = 1.0
        self._last = (0.0, 0.0)

    def of(self, jobs: Iterable[tuple[str, JobEstimate]]) -> Mapping[str, float]:
        """``jobQuanta`` of a request for work: milliseconds of each job here, and the ratio for unknown jobs as "0"."""
        quanta = {_UNKNOWN_JOB: 1.0}
        here = elsewhere = 0.0
        for job, estimate in jobs:
            own, network = self._times(estimate)
            if own > 0 and network > 0 and estimate.measured:
                quanta[job] = own
                here += own
                elsewhere += network
        if here and elsewhere:
            quanta[_UNKNOWN_JOB] = self._ratio(here, elsewhere)
        return quanta

    def _times(self, estimate: JobEstimate) -> tuple[float, float]:
        if self._gpu:
            return estimate.gpu_time, estimate.network.gpu_time
        return estimate.cpu_time, estimate.network.cpu_time

    def _ratio(self, here: float, elsewhere: float) -> float:
        if (here, elsewhere) == self._last:
            return self._known
        self._last = (here, elsewhere)
        self._here = self._average(self._here, here)
        self._elsewhere = self._average(self._elsewhere, elsewhere)
        ratio = min(self._most, max(1 / self._most, self._here / self._elsewhere))
        self._elsewhere = self._here / ratio
        step = math.floor if ratio > 1 else math.ceil
        self._known = step(ratio * _STEPS) / _STEPS
        return self._known

    def _average(self, average: float, value: float) -> float:
        return average + self._weight * (value - average) if average else value
