"""Ranges from what messages and files have of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .combined import MultiRangeObject, SparseRangeObject
from .distribution import distribution_range
from .failures import RangeError
from .lazy import LazySequence
from .objects import elements, own_properties
from .range_object import range_object
from .remote import remote_data_pattern, remote_data_set


def rehydrate(obj: Any) -> Sequence[Any]:
    """The input set of a job, from its ``mro`` (``rehydrateRange`` in ``range-object.js``).

    That is what JSON or KVIN stand for: dicts, lists, values of ``kvin``. Element ``sliceNumber - 1`` is the datum of
    a slice that has no URI. Takes time for what the object has, none for the elements that it stands for. Raises
    RangeError for what is no range.
    """
    if isinstance(obj, LazySequence):
        return obj
    for remote in (remote_data_set(obj), remote_data_pattern(obj)):
        if remote is not None:
            return remote
    if (found := elements(obj)) is not None:
        return found
    obj = own_properties(obj)
    if isinstance(obj, dict) and obj.get("sparse"):
        return _sparse(obj)
    if isinstance(obj, dict) and isinstance(obj.get("ranges"), list):
        return MultiRangeObject(obj["ranges"])
    numbers = range_object(obj) or distribution_range(obj)
    if numbers is None:
        raise RangeError(f"this {type(obj).__name__} is no range")
    return numbers


def _sparse(obj: dict[str, Any]) -> SparseRangeObject:
    """Of ``{sparse: true, ranges: [...]}`` or, as jobs are written, ``{sparse: [...]}``."""
    ranges = obj["ranges"] if obj.get("ranges") else [obj]
    first = own_properties(ranges[0]) if isinstance(ranges, list) and ranges else None
    if isinstance(first, dict) and first.get("sparse"):
        ranges = first["sparse"]
    if not isinstance(ranges, list):
        raise RangeError("a sparse range without ranges")
    return SparseRangeObject(ranges)
