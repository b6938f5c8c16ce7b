"""Input sets of jobs: ranges of numbers and sets of URIs, which make an element when it is asked for.

The rules and the results are those of dcp-client's ``range-object.js``, ``stats-ranges.js``, ``remote-data-set.js`` and
``remote-data-pattern.js``.
"""

from __future__ import annotations

from .combined import MultiRangeObject, SparseRangeObject
from .distribution import DistributionRange
from .failures import RangeError
from .lazy import LazySequence
from .range_object import RangeObject
from .rehydrate import rehydrate
from .remote import RemoteDataPattern, RemoteDataSet

__all__ = [
    "DistributionRange",
    "LazySequence",
    "MultiRangeObject",
    "RangeError",
    "RangeObject",
    "RemoteDataPattern",
    "RemoteDataSet",
    "SparseRangeObject",
    "rehydrate",
]
