"""Numbers as JavaScript has them: doubles, which are written as whole numbers where they are."""

from __future__ import annotations

import math
from typing import Any

from .. import canonical_json
from .failures import RangeError

MOST = 2**53 - 1
"""The largest whole number of which JavaScript knows each one below; no range has more elements."""

LONGEST_TEXT = 1000
"""Of what stands for a range as text."""


def finite(value: Any, name: str) -> float:
    """As a double. Raises RangeError for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RangeError(f"the {name} of a range must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise RangeError(f"the {name} of a range must be finite")
    return number


def count(value: float, name: str) -> int:
    """A number of elements. Raises RangeError for what is none, or too many to count in JavaScript."""
    if not 0 <= value <= MOST:
        raise RangeError(f"{name}: a range has 0 to 2**53 - 1 elements")
    if value != math.floor(value):
        raise RangeError(f"{name}: {value:g} is no number of elements")
    return int(value)


def plain(number: float) -> int | float:
    """int where JavaScript writes a whole number, else float; ``-0`` stays one."""
    if number.is_integer() and abs(number) <= MOST + 1 and not (number == 0 and math.copysign(1, number) < 0):
        return int(number)
    return number


def sign(number: float) -> int:
    return (number > 0) - (number < 0)


def written(number: float | None) -> str:
    """As JavaScript prints it."""
    return "undefined" if number is None else canonical_json.encode(plain(float(number))).decode()
