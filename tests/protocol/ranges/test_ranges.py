"""Ranges: what they have, what they cost, and what is none."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

from dcp_protocol import kvin
from dcp_protocol.ranges import (
    DistributionRange,
    MultiRangeObject,
    RangeError,
    RangeObject,
    RemoteDataPattern,
    RemoteDataSet,
    SparseRangeObject,
    rehydrate,
)
from dcp_protocol.ranges.objects import ArrayElements

pytestmark = pytest.mark.any_engine


def test_ranges_are_sequences() -> None:
    numbers = RangeObject(1, 9, 3)
    assert list(numbers) == [1, 4, 7]
    assert (len(numbers), numbers[0], numbers[-1], list(numbers[1:])) == (3, 1, 7, [4, 7])
    assert list(numbers[::-1]) == list(reversed(numbers)) == [7, 4, 1]
    assert list(numbers[1:][0:1]) == [4]
    assert 4 in numbers
    assert numbers.index(7) == 2
    with pytest.raises(IndexError, match="no element 3 in a range of 3"):
        numbers[3]
    with pytest.raises(IndexError):
        numbers[-4]


def test_groups() -> None:
    numbers = RangeObject(1, 9, 3, 2)
    assert list(numbers) == [[1, 4], [7]]
    assert numbers.has_remainder
    assert not RangeObject(1, 10, 3, 2).has_remainder
    assert str(numbers) == "[object RangeObject 1,9,3,2]"


def test_combined_ranges() -> None:
    both = MultiRangeObject([RangeObject(1, 2), ["a", "b"], 5])
    assert list(both) == [[1, "a", 5], [1, "b", 5], [2, "a", 5], [2, "b", 5]]
    assert len(MultiRangeObject([])) == 1
    assert list(MultiRangeObject([[], [1]])) == []
    sparse = SparseRangeObject([RangeObject(1, 2), RangeObject(5, 9, 2)])
    assert list(sparse) == [1, 2, 5, 7, 9]
    assert [sparse[index] for index in range(-5, 0)] == list(sparse)


def test_remote_data() -> None:
    pattern = RemoteDataPattern("https://example.com/{slice}/{slice}.json", 3)
    assert list(pattern[1:]) == ["https://example.com/2/{slice}.json", "https://example.com/3/{slice}.json"]
    assert list(rehydrate([kvin.URL("https://example.com/1"), kvin.URL("data:,x")])) == [
        "https://example.com/1",
        "data:,x",
    ]
    assert list(RemoteDataSet(["https://example.com/"])) == ["https://example.com/"]
    found = rehydrate({"pattern": kvin.URL("https://example.com/%7Bslice%7D"), "sliceCount": 2})
    assert list(found) == ["https://example.com/1", "https://example.com/2"]
    assert rehydrate(np.array([1.5, 2.5])) == [1.5, 2.5]
    assert rehydrate(["https://example.com/1"]) == ["https://example.com/1"]
    assert rehydrate([]) == []


HUGE = [
    RangeObject(1, 10**9),
    RangeObject(0.5, 10**15, 0.125),
    RangeObject(0, 10**12, 1, 1000),
    MultiRangeObject([RangeObject(1, 10**5)] * 3),
    SparseRangeObject([RangeObject(1, 10**9), RangeObject(1, 10**9)]),
    DistributionRange(10**9, "poisson", 1000),
    DistributionRange(10**9, "binomial", 0.5),
    RemoteDataPattern("https://example.com/{slice}", 10**9),
    rehydrate(kvin.Array({0: 1}, 2**32 - 1)),
]


@pytest.mark.parametrize("huge", HUGE, ids=lambda huge: type(huge).__name__)
def test_a_huge_range_costs_nothing(huge: Any) -> None:
    """Whoever made its elements would take hours and terabytes."""
    tracemalloc.start()
    start = time.process_time()
    for _ in range(100):
        again = huge if isinstance(huge, ArrayElements) else rehydrate(huge.as_json())
        assert len(again) == len(huge) >= 10**9
        assert len(again[10:-10]) == len(huge) - 20
        again[10:-10][len(huge) // 2], again[-1], next(iter(again))
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert time.process_time() - start < 30


def test_a_million_ranges_are_counted_at_once() -> None:
    """The product of their lengths has 20 million bits, and multiplying it out would take minutes."""
    ranges = [[0] * 1_000_000] * 2**20
    start = time.process_time()
    with pytest.raises(RangeError, match=r"2\*\*53 - 1 elements"):
        rehydrate({"ranges": ranges})
    assert len(rehydrate({"ranges": [*ranges[1:], []]})) == 0
    assert time.process_time() - start < 30


HOSTILE = [
    {"start": 0, "end": 1, "step": float("nan")},
    {"start": float("inf"), "end": 1},
    {"start": 10**400, "end": 1},
    {"start": 0, "end": 1, "step": 0},
    {"start": 0, "end": 1, "step": -1},
    {"start": 1, "end": 1, "step": 1},
    {"start": 0, "end": 1, "step": 1e-300},
    {"start": -1e308, "end": 1e308},
    {"start": 0, "end": 1e300},
    {"start": 0, "end": 1, "step": None},
    {"start": 0, "end": 1, "step": "1"},
    {"start": 0, "end": 1, "step": True},
    {"start": 0, "end": 9, "group": 0},
    {"start": 0, "end": 9, "group": 1.5},
    {"start": 0, "end": 9, "group": None},
    {"start": 0, "end": 1e12, "group": 1e12},
    {"start": "0", "end": "1"},
    {"length": 1e300, "dist": "identity", "params": []},
    {"length": 10**400, "dist": "identity", "params": []},
    {"length": -1, "dist": "identity", "params": []},
    {"length": 1.5, "dist": "identity", "params": []},
    {"length": float("nan"), "dist": "identity", "params": []},
    {"length": 2, "dist": "constructor", "params": []},
    {"length": 2, "dist": "random", "params": [{}]},
    {"length": 2, "dist": "random", "params": 3},
    {"ranges": [{"start": 0, "end": 1e15}] * 2},
    {"ranges": [{"start": 0, "end": 1e4}] * 2000},
    {"ranges": [None]},
    {"ranges": [0] * (2**20 + 1)},
    {"sparse": True},
    {"sparse": True, "ranges": []},
    {"sparse": True, "ranges": [{"ranges": []}]},
    {"sparse": True, "ranges": "ab"},
    {"sparse": [{"start": 1, "end": 2, "group": 1}, {"start": 1, "end": 2}]},
    {"sparse": [{"start": 0, "end": 9e15}] * 2},
    {"pattern": "x", "sliceCount": 1},
    {"pattern": "{slice}", "sliceCount": 0},
    {"pattern": "{slice}", "sliceCount": 1e300},
    "identity(" + "9" * 5000 + ")",
    "[object RangeObject 1,2,1," + "9" * 5000 + "]",
    "[object RangeObject 1,2,1,undefined]\n",
    "random(" + "," * 900,
    {},
    None,
    3,
    True,
    object(),
]


@pytest.mark.parametrize("obj", HOSTILE, ids=lambda obj: repr(obj)[:40].partition(" at 0x")[0])
def test_what_is_no_range_is_told(obj: Any) -> None:
    with pytest.raises(RangeError) as raised:
        rehydrate(obj)
    assert raised.value.code == "EINVAL"
    assert len(str(raised.value)) < 200


def test_what_lies_deep_is_a_value() -> None:
    deep: Any = {"ranges": []}
    for _ in range(100_000):
        deep = {"ranges": [deep]}
    assert len(rehydrate(deep)) == 1
    while deep["ranges"]:  # whose end would recurse
        deep = deep["ranges"].pop()


def test_random_values_are_asked_each_time() -> None:
    values = DistributionRange(1000, "randomInt", 3, 7)
    assert set(values) == {3, 4, 5, 6}
    floats = list(DistributionRange(1000, "random", -1, 1))
    assert all(-1 <= value < 1 for value in floats)
    assert len(set(floats)) == 1000
    normal = np.array(list(DistributionRange(20_000, "normalRNG", 5, 2)))
    assert abs(normal.mean() - 5) < 0.2
    assert abs(normal.std() - 2) < 0.2
    with pytest.raises(RangeError, match="no random values of this distribution"):
        DistributionRange(2, "poisson", 1, True)[0]
