"""The sandboxes of a worker: which there are, and whether more can be had."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..tasks.slices import SliceKey
from .actions import Action, EndSandbox, StartSandbox, Warn
from .options import SupervisionOptions


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
    """A sandbox. ``key``: the slice that it works on, or is made ready for. ``rested``: since when it has none.

    ``retires``: it gets no other slice.
    """

    number: int
    stage: BoxStage = BoxStage.STARTING
    job: str = ""
    key: SliceKey | None = None
    uses: int = 0
    rested: float = 0.0
    retires: bool = False

    def rest(self, now: float) -> None:
        self.stage = BoxStage.WAITING
        self.key = None
        self.rested = now


class Inventory:
    """A sandbox has one job for its life. Where one cannot be made, the next is tried ever later."""

    def __init__(self, options: SupervisionOptions, act: Callable[[Action], None]) -> None:
        self._options = options
        self._act = act
        self._boxes: dict[int, Box] = {}
        self._last = 0
        self._failures = 0
        self._capable = False
        self.retry_at: float | None = None
        """When a sandbox may be tried again, after one could not be made."""

    def __iter__(self) -> Iterator[Box]:
        return iter(self._boxes.values())

    def get(self, number: int) -> Box | None:
        return self._boxes.get(number)

    def of_job(self, job: str) -> list[Box]:
        return [box for box in self if box.job == job]

    @property
    def is_down(self) -> bool:
        """Whether sandboxes cannot be had."""
        none_runs = all(box.stage is BoxStage.STARTING for box in self)
        return self._failures >= self._options.start_failures and none_runs

    @property
    def has_evaluator(self) -> bool:
        """Whether sandboxes have been had, and can be had."""
        return self._capable and not self.is_down

    def look(self, now: float) -> None:
        """Whether it is time to try again."""
        if self.retry_at is not None and now >= self.retry_at:
            self.retry_at = None

    def warm(self) -> None:
        """Has a sandbox ready ahead, so that it is known what can be asked for."""
        if not self._boxes and self.retry_at is None:
            self._new()

    def take_for(self, job: str, most: int, wanted: Callable[[str], bool]) -> Box | None:
        """One that has the job and no slice, or none of both, or a new one; None where it would be one too many.

        Where there are ``most``, one without a slice makes room: of a job that is not ``wanted`` any more, if there is
        one.
        """
        return self._waiting_for(job) or self._blank() or self._make_room(most, wanted)

    def started(self, number: int) -> Box | None:
        self._failures = 0
        self.retry_at = None
        self._capable = True
        box = self.get(number)
        if box:
            box.stage = BoxStage.BLANK
        return box

    def ended(self, number: int, reason: str, now: float) -> Box | None:
        """By itself, or it could not be made."""
        box = self._boxes.pop(number, None)
        if box and box.stage is BoxStage.STARTING:
            self._start_failed(reason, now)
        return box

    def end(self, box: Box) -> None:
        del self._boxes[box.number]
        self._act(EndSandbox(box.number))

    def _waiting_for(self, job: str) -> Box | None:
        return next((box for box in self if box.stage is BoxStage.WAITING and box.job == job), None)

    def _blank(self) -> Box | None:
        """One that has started, or soon has."""
        free = (box for box in self if box.key is None and box.stage in (BoxStage.BLANK, BoxStage.STARTING))
        return min(free, key=lambda box: box.stage is BoxStage.STARTING, default=None)

    def _make_room(self, most: int, wanted: Callable[[str], bool]) -> Box | None:
        if self.retry_at is not None:
            return None
        if len(self._boxes) >= most:
            resting = (box for box in self if box.stage is BoxStage.WAITING)
            spare = min(resting, key=lambda box: (wanted(box.job), box.rested), default=None)
            if spare is None:
                return None
            self.end(spare)
        return self._new()

    def _new(self) -> Box:
        self._last += 1
        box = self._boxes[self._last] = Box(self._last)
        self._act(StartSandbox(box.number))
        return box

    def _start_failed(self, reason: str, now: float) -> None:
        self._failures += 1
        pause = min(self._options.most_start_backoff, self._options.start_backoff * 2 ** (self._failures - 1))
        self.retry_at = now + pause
        self._act(Warn(f"a sandbox cannot be made: {reason}; it is tried again in {pause:.0f} s"))
