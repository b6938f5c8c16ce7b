"""What work takes, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass

_HOUR = 3_600_000  # ms
_MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one slice: milliseconds, densities, characters in and out."""

    cpu: float = 0.0
    gpu: float = 0.0
    cpu_density: float = 0.0
    gpu_density: float = 0.0
    size_in: float = 0.0
    size_out: float = 0.0


@dataclass(frozen=True, slots=True)
class Rates:
    """DCC for an hour of CPU and of GPU, for a megabyte in and out: what work is worth, or what a worker wants."""

    cpu: float = 0.0
    gpu: float = 0.0
    size_in: float = 0.0
    size_out: float = 0.0

    def worth(self, measured: Measured) -> float:
        """In DCC."""
        hours = (measured.cpu * self.cpu + measured.gpu * self.gpu) / _HOUR
        return hours + (measured.size_in * self.size_in + measured.size_out * self.size_out) / _MEGABYTE

    @property
    def is_nothing(self) -> bool:
        return not (self.cpu or self.gpu or self.size_in or self.size_out)
