"""Ranges against npm's range-object.js: what an object stands for, and what JSON has of it again."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcp_protocol import kvin
from dcp_protocol.ranges import DistributionRange, RangeError, rehydrate
from dcp_protocol.uris import decode_data_uri
from npm_calls import JavaScriptError, NpmCalls

pytestmark = pytest.mark.any_engine

MOST = 200
"""Elements that are compared: more take npm too long. A range that has more is compared at its ends."""

PLAY = """(obj, most) => {
  const { rehydrateRange } = require("dcp/range-object");
  const range = rehydrateRange(obj);
  const length = range.length;
  const at = (i) => Array.isArray(range) ? range[i] : range.nthValue(i);
  const shown = (value) => typeof value === "number" && !Number.isFinite(value) ? String(value) :
    Object.is(value, -0) ? "-0" : Array.isArray(value) ? value.map(shown) : value;
  const all = length <= most ? Array.from({ length }, (_, i) => i) : [0, 1, 2, length - 2, length - 1];
  return { length, values: all.map(at).map(shown), json: JSON.stringify(range) };
}"""


def shown(value: Any) -> Any:
    if isinstance(value, list):
        return [shown(member) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, float) and value == 0 and math.copysign(1, value) < 0:
        return "-0"
    return value


def ours(obj: Any) -> Any:
    found = rehydrate(obj)
    length = len(found)
    indices = range(length) if length <= MOST else [0, 1, 2, length - 2, length - 1]
    as_json = found if isinstance(found, list) else found.as_json()  # type: ignore[attr-defined]
    return {"length": length, "values": [shown(found[index]) for index in indices], "json": as_json}


def npms(npm: NpmCalls, obj: Any) -> Any:
    told = npm.call(PLAY, obj, MOST)
    return {**told, "json": json.loads(told["json"])}


def check(npm: NpmCalls, obj: Any) -> None:
    """Both agree, or both refuse it, or ours refuses one that is too large."""
    try:
        mine = ours(obj)
    except RangeError as error:
        if "elements" in str(error) or "groups of" in str(error):
            return
        with pytest.raises(JavaScriptError):
            npms(npm, obj)
        return
    assert mine == npms(npm, obj)


numbers = (
    st.integers(-50, 50)
    | st.floats(-1000, 1000, allow_nan=False)
    | st.sampled_from([0, 0.1, 1e-7, 1 / 3, 1e15, -0.0, 2**53, 1e300])
)
steps = st.none() | numbers
groups = st.none() | st.integers(-1, 20) | st.sampled_from([1.5, 3.0])


@st.composite
def range_objects(draw: st.DrawFn) -> Any:
    start, end, step, group = draw(numbers), draw(numbers), draw(steps), draw(groups)
    found = {"start": start, "end": end}
    if step is not None:
        found["step"] = step
    if group is not None:
        found["group"] = group
    return found


@st.composite
def sensible_ranges(draw: st.DrawFn) -> Any:
    """Whose step leads to the end, in up to 300 steps or so."""
    start = draw(st.floats(-1000, 1000) | st.integers(-50, 50))
    step = draw((st.floats(0.001, 3) | st.integers(1, 5)).flatmap(lambda x: st.sampled_from([x, -x])))
    found = {"start": start, "end": start + step * draw(st.floats(1, 300)), "step": step}
    if (group := draw(st.none() | st.integers(1, 20))) is not None:
        found["group"] = group
    return found


@settings(max_examples=300)
@given(range_objects() | sensible_ranges())
def test_range_objects(npm: NpmCalls, obj: Any) -> None:
    check(npm, obj)


@settings(max_examples=200)
@given(
    st.lists(
        sensible_ranges()
        | st.lists(st.integers(-(2**53), 2**53) | st.text(max_size=3), max_size=4)
        | st.text(max_size=3)
        | st.booleans(),
        max_size=3,
    )
)
def test_multi_ranges(npm: NpmCalls, ranges: Any) -> None:
    check(npm, {"ranges": ranges})


@settings(max_examples=200)
@given(st.lists(sensible_ranges(), max_size=4), st.booleans())
def test_sparse_ranges(npm: NpmCalls, ranges: Any, as_written: bool) -> None:
    check(npm, {"sparse": ranges} if as_written and ranges else {"sparse": True, "ranges": ranges})


@pytest.mark.parametrize(
    "obj",
    [
        "[object RangeObject 1,9,3,2]",
        "[object RangeObject 0.5,-3,-0.25,undefined]",
        "[object RangeObject 1,9,3]",
        "identity(5)",
        "[object DistributionRange identity(5)]",
        "identity(5,1e3x, 2)",
        "x(5)",
        "abc",
        [1, "a", None],
        [],
        {"ranges": [{"length": 3, "dist": "identity", "params": []}, "identity(2)", {"a": 1}, {"ranges": [1]}]},
        {"ranges": ["[object RangeObject 1,3,1,undefined]"]},
        {"pattern": "https://example.com/{slice}", "sliceCount": 3, "start": 1, "end": 2},
        {"start": 1, "end": 3, "ranges": [[1, 2]], "sparse": False},
        {"start": 0, "end": 0.3, "step": 0.1},
        {"start": 1, "end": 1},
    ],
)
def test_other_forms(npm: NpmCalls, obj: Any) -> None:
    if isinstance(obj, dict) and "pattern" in obj:  # of which npm has no elements
        found = rehydrate(obj)
        assert found.as_json() == json.loads(npm.call(PLAY.replace(".nthValue(i)", "[i]"), obj, 0)["json"])  # type: ignore[attr-defined]
    elif obj == []:  # npm takes it for a set of no URIs
        assert (
            ours(obj)["length"] == npm.call("(obj) => require('dcp/range-object').rehydrateRange(obj).length", obj) == 0
        )
    else:
        check(npm, obj)


AS_KVIN = """(obj) => {
  const { rehydrateRange } = require("dcp/range-object");
  return require("dcp/utils").encodeDataURI(rehydrateRange(obj));
}"""


@pytest.mark.parametrize(
    "obj",
    [
        {"start": 1, "end": 9, "step": 2},
        {"start": 1, "end": 9, "group": 4},
        {"ranges": [{"start": 1, "end": 2}, ["a", "b"], {"length": 2, "dist": "identity", "params": []}, "x"]},
        {"sparse": True, "ranges": [{"start": 1, "end": 2}, {"start": 5, "end": 9}]},
        {"length": 5, "dist": "normal", "params": [2, 1]},
        {"pattern": "https://example.com/{slice}", "sliceCount": 3},
        [1, "a", None],
    ],
    ids=str,
)
def test_ranges_of_npms_classes_come_as_kvin(npm: NpmCalls, obj: Any) -> None:
    found = rehydrate(decode_data_uri(npm.call(AS_KVIN, obj)).value)
    assert list(found) == list(rehydrate(obj))


def test_holes_and_undefined_come_as_kvin(npm: NpmCalls) -> None:
    def found(source: str) -> list[Any]:
        return list(rehydrate(decode_data_uri(npm.call(f"() => require('dcp/utils').encodeDataURI({source})")).value))

    assert found("[1, , 3]") == [1, kvin.UNDEFINED, 3]
    assert found("{ ranges: [[1, , 3], undefined] }") == [[x, kvin.UNDEFINED] for x in (1, kvin.UNDEFINED, 3)]
    assert found("{ start: 1, end: 3, step: undefined, group: undefined }") == [1, 2, 3]
    assert found("new Float64Array([1, 2.5])") == [1, 2.5]
    assert found("new Set([1, 'a'])") == [1, "a"]
    assert found("new Map([['a', 1]])") == [["a", 1]]


DISTRIBUTION = """(n, dist, params, uniform) => {
  const { DistributionRange } = require("dcp/range-object");
  const plain = Math.random;
  Math.random = () => uniform[(used++) % uniform.length];
  let used = 0;
  try {
    return Array.from(new DistributionRange({ length: n, dist, params }).slice(), String);
  } finally {
    Math.random = plain;
  }
}"""
parameters = st.lists(st.none() | st.floats(-5, 20) | st.integers(-3, 20), max_size=4)
uniforms = st.lists(st.floats(0.01, 0.99), min_size=4, max_size=9)


@settings(max_examples=300)
@given(
    n=st.integers(0, 30),
    dist=st.sampled_from(["random", "randomInt", "identity", "poisson", "normal", "binomial", "normalRNG"]),
    params=parameters,
    uniform=uniforms.filter(lambda given: any((2 * x - 1) ** 2 < 0.5 for x in given)),
)
def test_distributions(npm: NpmCalls, n: int, dist: str, params: list[Any], uniform: list[float]) -> None:
    """With the same numbers for Math.random, which is what can be compared of the random ones."""
    if dist in ("poisson", "binomial"):
        params = params[:1]
    if dist == "normalRNG":
        uniform = [0.25, 0.75, 0.4, *uniform]  # some pair lies in the circle
    used = iter(range(10**6))
    values = list(DistributionRange(n, dist, *params, uniform=lambda: uniform[next(used) % len(uniform)]))
    expected = [float(value.replace("Infinity", "inf")) for value in npm.call(DISTRIBUTION, n, dist, params, uniform)]
    assert [float(value) for value in values] == [pytest.approx(value, rel=1e-9, nan_ok=True) for value in expected]
