"""Values of Python through Python jobs, there and back, as the codec's own tests have them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dcp_evaluator as dcp
from python_values import EXAMPLES, same, values

Compute = Callable[..., list[Any]]


def work(value: Any, *more: Any) -> Any:
    return (value, *more) if more else value


def test_each_example_comes_back_as_it_was(compute: Compute) -> None:
    back = compute(EXAMPLES, work)
    assert [value for value, again in zip(EXAMPLES, back, strict=True) if not same(value, again)] == []


@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(st.lists(values(), min_size=10, max_size=12))
def test_any_values_come_back_as_they_were(compute: Compute, inputs: list[Any]) -> None:
    assert same(compute(inputs, work), inputs)


def test_arguments_keep_their_types_too(compute: Compute) -> None:
    arguments = [(1, 2), {"a": {3}}, np.arange(6).reshape(2, 3), 2**70]
    assert same(compute([None, 1.5], work, *arguments), [(None, *arguments), (1.5, *arguments)])


def test_large_arrays_go_and_come(compute: Compute) -> None:
    arrays = [np.arange(1_000_000.0), np.ones((1000, 500), np.complex64).T, np.zeros(200_000, "i4,f8")]
    back = compute([arrays, *arrays], work)
    assert same(back, [arrays, *arrays])
    assert back[1].flags.writeable


def test_a_result_that_cannot_travel_fails_its_slice_alone(pythons: dcp.Evaluator) -> None:
    def given(x: int) -> Any:
        return {"a": [x, (y for y in [])]} if x == 1 else x

    results = dcp.compute_for([0, 1, 2], given).local_exec(1, evaluator=pythons)
    assert (results[0], results[2]) == (0, 2)
    with pytest.raises(dcp.SliceError, match=r"\['a'\]\[1\]: a value of type generator cannot travel; use list"):
        results[1]


def test_an_input_that_cannot_travel_fails_its_slice_alone(pythons: dcp.Evaluator) -> None:
    results = dcp.compute_for([0, print, 2], lambda x: x).local_exec(1, evaluator=pythons)
    assert (results[0], results[2]) == (0, 2)
    with pytest.raises(dcp.SliceError, match="builtin_function_or_method cannot travel") as raised:
        results[1]
    assert raised.value.code == "EINPUT"


@dcp.register
@dataclasses.dataclass
class Pair:
    left: Any
    right: Any = None

    def swapped(self) -> Pair:
        return Pair(self.right, self.left)


def test_an_instance_of_a_registered_class_is_one_there(pythons: dcp.Evaluator) -> None:
    def swap(pair: Pair, other: Pair) -> Any:
        return pair.swapped(), other.swapped().right, Pair([pair], pair)

    first, second, third = dcp.compute_for([Pair(1, 2)], swap, Pair(3)).local_exec(1, evaluator=pythons)[0]
    assert (first, second) == (Pair(2, 1), 3)
    assert third == Pair([Pair(1, 2)], Pair(1, 2))
    assert third.left[0] is third.right


def test_a_dataclass_arrives_as_a_dict(compute: Compute) -> None:
    @dataclasses.dataclass
    class Point:
        x: int
        y: tuple[int, ...]

    assert compute([Point(1, (2,))], work) == [{"x": 1, "y": (2,)}]
