"""What has become of slices, as sums."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Work:
    """Slices by what became of them. ``submitted``: those whose results the scheduler has; ``earned``: DCC for them.

    Times are seconds.
    """

    completed: int = 0
    failed: int = 0
    rejected: int = 0
    submitted: int = 0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    earned: float = 0.0

    def add(self, other: Work) -> None:
        for name in FIELDS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


FIELDS = tuple(field.name for field in dataclasses.fields(Work))
