"""A file of the user's own, beside a program: functions from here go along as source."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import ClassVar

FACTOR = 3
calls = 0


def scaled(x: float) -> float:
    return FACTOR * rooted(x)


def rooted(x: float) -> float:
    return math.sqrt(x)


def even(n: int) -> bool:
    return n == 0 or odd(n - 1)


def odd(n: int) -> bool:
    return n != 0 and even(n - 1)


def counted() -> int:
    global calls  # noqa: PLW0603  that is what is tried
    calls += 1
    return calls


def counted_so_far() -> int:
    counted()
    return calls


@cache
def fibonacci(n: int) -> int:
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


class Unit(Enum):
    METRE = 1.0
    INCH = 0.0254


@dataclass(frozen=True)
class Length:
    """What is measured."""

    made: ClassVar[list[str]] = []
    value: float
    unit: float = Unit.METRE.value
    notes: list[str] = field(default_factory=list)

    def in_metres(self) -> float:
        return self.value * self.unit

    @property
    def doubled(self) -> Length:
        return Length(2 * self.value, self.unit)


class Side(Length):
    def in_metres(self) -> float:
        return FACTOR * super().in_metres()
