"""Ranges made of ranges: one after the other, or each with each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from .. import kvin
from .distribution import distribution_range
from .failures import RangeError
from .lazy import LazySequence
from .numbers import MOST, count
from .objects import ArrayElements, own_properties
from .range_object import RangeObject, range_object

_MOST_RANGES = 1 << 20


class SparseRangeObject(LazySequence):
    """The elements of several RangeObjects, one after the other (``range-object.js``)."""

    def __init__(self, ranges: Iterable[Any]) -> None:
        """Raises RangeError for what is no RangeObject, none at all, and groups that differ."""
        self.ranges = [_range_object(member) for member in _bounded(ranges)]
        if not self.ranges:
            raise RangeError("a sparse range of no ranges")
        if self.ranges[0].group and any(member.group != self.ranges[0].group for member in self.ranges):
            raise RangeError("the ranges of a sparse range have different groups")
        self._ends = list(accumulate(len(member) for member in self.ranges))
        count(self._ends[-1], "a sparse range")

    def __len__(self) -> int:
        return self._ends[-1]

    def _at(self, index: int) -> Any:
        number = bisect_right(self._ends, index)
        return self.ranges[number]._at(index - (self._ends[number] - len(self.ranges[number])))

    def as_json(self) -> dict[str, Any]:
        """What JSON.stringify has of it in JavaScript."""
        return {"sparse": True, "ranges": [member.as_json() for member in self.ranges]}


class MultiRangeObject(LazySequence):
    """Each element of each range with each of the others, as lists; the last range moves fastest (``range-object.js``).

    What is no range, distribution or list, such as a number or text, is a range of that alone.
    """

    def __init__(self, ranges: Iterable[Any]) -> None:
        """Raises RangeError where one of the ranges is wrong or None, and for too many elements."""
        self.ranges: list[LazySequence | list[Any]] = [_any_range(member) for member in _bounded(ranges)]
        self._length = count(_product([len(member) for member in self.ranges]), "a multi range")

    def __len__(self) -> int:
        return self._length

    def _at(self, index: int) -> Any:
        values = []
        for member in reversed(self.ranges):
            index, place = divmod(index, len(member))
            values.append(member[place])
        return values[::-1]

    @property
    def has_remainder(self) -> bool:
        """Whether the last group of one of the ranges has fewer numbers than the others."""
        return any(isinstance(member, RangeObject) and member.has_remainder for member in self.ranges)

    def __str__(self) -> str:
        return f"[object MultiRangeObject {len(self.ranges)}]"

    def as_json(self) -> dict[str, Any]:
        """What JSON.stringify has of it in JavaScript."""
        return {"ranges": [member if isinstance(member, list) else member.as_json() for member in self.ranges]}


def _product(lengths: list[int]) -> int:
    """Of all, or of as many as make it too large: the product of a million lengths takes half a minute."""
    if 0 in lengths:
        return 0
    product = 1
    for length in lengths:
        product *= length
        if product > MOST:
            break
    return product


def _bounded(ranges: Iterable[Any]) -> list[Any]:
    found = list(ranges)
    if len(found) > _MOST_RANGES:
        raise RangeError(f"{len(found)} ranges in one; there may be {_MOST_RANGES}")
    return found


def _range_object(member: Any) -> RangeObject:
    found = member if isinstance(member, RangeObject) else range_object(own_properties(member))
    if found is None:
        raise RangeError(f"a sparse range has RangeObjects, not {type(member).__name__}")
    return found


def _any_range(member: Any) -> LazySequence | list[Any]:
    if isinstance(member, LazySequence | list):
        return member
    if isinstance(member, kvin.Array):
        return ArrayElements(member)
    if member is None:
        raise RangeError("null is no range")
    properties = own_properties(member)
    found = range_object(properties) or distribution_range(properties)
    return [member] if found is None else found
