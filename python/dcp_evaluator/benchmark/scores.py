"""What is measured: scores with a meaning that stays, so that machines and versions can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rich.progress import Progress

LOWER_IS_BETTER = ("ms", "us", "MB")


@dataclass(frozen=True)
class Score:
    """One measure. ``id`` is the same on every machine; ``gpu``: the adapter's index, for those of a GPU."""

    id: str
    name: str
    value: float
    unit: str
    gpu: int | None = None

    def as_json(self) -> dict[str, Any]:
        better = "lower" if self.unit in LOWER_IS_BETTER else "higher"
        return {
            "id": self.id, "name": self.name, "value": self.value, "unit": self.unit, "better": better, "gpu": self.gpu,
        }  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A part of the run that takes seconds at most; ``measure`` raises DcpError where it cannot be measured."""

    title: str
    measure: Callable[[], Iterable[Score]]


class Run:
    """What has been measured so far, also when it is interrupted."""

    def __init__(self) -> None:
        self.scores: list[Score] = []
        self.cores: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.complete = False

    def execute(self, steps: list[Step], progress: Progress) -> None:
        """Runs the steps in order. A KeyboardInterrupt ends it, and is no error."""
        from ..errors import DcpError

        bar = progress.add_task("", total=len(steps))
        try:
            for step in steps:
                progress.update(bar, description=step.title)
                try:
                    self.scores += step.measure()
                except (DcpError, OSError) as error:
                    self.problems.append(f"{step.title}: {error}")
                progress.advance(bar)
        except KeyboardInterrupt:
            return
        self.complete = True
