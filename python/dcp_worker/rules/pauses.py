"""Pauses that the owner has ordered, until told otherwise or for a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .verdict import Reason

ALL: Final = "all"
CPU: Final = "cpu"
GPU: Final = "gpu"
"""All GPUs. A single one is named by its identity."""

MANUAL: Final = "manual"


@dataclass(frozen=True, slots=True)
class Pause:
    """``until``: seconds since the epoch; None: until it is resumed."""

    target: str
    until: float | None = None


class Pauses:
    """At most one per target: the last that was ordered."""

    def __init__(self, pauses: Iterable[Pause] = ()) -> None:
        self._pauses = {pause.target: pause for pause in pauses}

    def __iter__(self) -> Iterator[Pause]:
        return iter(self._pauses.values())

    def pause(self, target: str, until: float | None = None) -> None:
        self._pauses[target] = Pause(target, until)

    def resume(self, target: str) -> None:
        """What is paused more widely stays so; ``all`` ends every pause."""
        if target == ALL:
            self._pauses.clear()
        elif target == GPU:
            self._pauses = {name: pause for name, pause in self._pauses.items() if name in (ALL, CPU)}
        else:
            self._pauses.pop(target, None)

    def expire(self, now: float) -> None:
        """Those that have ended are forgotten. ``now``: seconds since the epoch."""
        self._pauses = {name: pause for name, pause in self._pauses.items() if pause.until is None or now < pause.until}

    def reasons(self, target: str) -> tuple[Reason, ...]:
        """Why the CPU (``cpu``) or a GPU is paused."""
        names = (ALL, CPU) if target == CPU else (ALL, GPU, target)
        found = [pause for name in dict.fromkeys(names) if (pause := self._pauses.get(name))]
        return tuple(Reason(MANUAL, "paused by its owner", pause.until) for pause in found)
