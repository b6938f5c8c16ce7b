"""The sandboxes of a worker."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from ..tasks.slices import SliceKey


class BoxStage(enum.Enum):
    STARTING = enum.auto()
    BLANK = enum.auto()
    """It has no job yet."""
    ASSIGNING = enum.auto()
    WAITING = enum.auto()
    """It has a job, and no slice."""
    WORKING = enum.auto()


@dataclass(slots=True)
class Box:
    """A sandbox. ``key``: the slice that it works on, or is made ready for. ``rested``: since when it has none."""

    number: int
    stage: BoxStage = BoxStage.STARTING
    job: str = ""
    key: SliceKey | None = None
    uses: int = 0
    rested: float = 0.0

    def rest(self, now: float) -> None:
        self.stage = BoxStage.WAITING
        self.key = None
        self.rested = now


class Inventory:
    """A sandbox has one job for its life."""

    def __init__(self) -> None:
        self._boxes: dict[int, Box] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._boxes)

    def __iter__(self) -> Iterator[Box]:
        return iter(self._boxes.values())

    def new(self) -> Box:
        self._last += 1
        box = self._boxes[self._last] = Box(self._last)
        return box

    def get(self, number: int) -> Box | None:
        return self._boxes.get(number)

    def remove(self, number: int) -> Box | None:
        return self._boxes.pop(number, None)

    def waiting_for(self, job: str) -> Box | None:
        """One that has the job and no slice."""
        return next((box for box in self if box.stage is BoxStage.WAITING and box.job == job), None)

    def blank(self) -> Box | None:
        """One without job and slice, which has started or soon has."""
        free = (box for box in self if box.key is None and box.stage in (BoxStage.BLANK, BoxStage.STARTING))
        return min(free, key=lambda box: box.stage is BoxStage.STARTING, default=None)

    def of_job(self, job: str) -> list[Box]:
        return [box for box in self if box.job == job]

    def least_needed(self, wanted: set[str]) -> Box | None:
        """One without a slice, to make room: of a job that is not ``wanted``, if there is one; the longest at rest."""
        resting = (box for box in self if box.stage is BoxStage.WAITING)
        return min(resting, key=lambda box: (box.job in wanted, box.rested), default=None)
