"""Several workers of different owners do the same slice: which result is taken, and when."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Verdict:
    """``winner``: the kind of result that a majority has; empty as long as none has. ``missing``: how many results
    more there should be; none where nothing more is tried.
    """

    winner: str = ""
    missing: int = 0

    @property
    def is_hopeless(self) -> bool:
        return not (self.winner or self.missing)


def majority(copies: int) -> int:
    return copies // 2 + 1


def most_results(copies: int) -> int:
    """Of a slice, before it is given up."""
    return 2 * copies + 1


def judge(kinds: Sequence[str], copies: int) -> Verdict:
    """``kinds``: of the results so far; equal ones are of one kind. ``copies``: as many as the job asks for."""
    winner, votes = Counter(kinds).most_common(1)[0] if kinds else ("", 0)
    if votes >= majority(copies):
        return Verdict(winner)
    wanted = max(copies - len(kinds), majority(copies) - votes)
    return Verdict(missing=max(0, min(wanted, most_results(copies) - len(kinds))))


def is_close(one: Any, other: Any, tolerance: float) -> bool:
    """Whether values of results differ in numbers only, and those by no more than ``tolerance``, relative or absolute.

    Arrays are compared by element, of whatever type they are. Raises RecursionError for what is too deep.
    """
    if _is_number(one) and _is_number(other):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if one.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                difference = np.abs(one - other)
                bound = tolerance * np.maximum(1.0, np.maximum(np.abs(one), np.abs(other)))
            return bool(np.all((one == other) | (difference <= bound) | (np.isnan(one) & np.isnan(other))))
        return bool(np.array_equal(one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_close(one[key], other[key], tolerance) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_close, one, other, [tolerance] * len(one)))
    return type(one) is type(other) and bool(one == other)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
