"""Values into a sandbox and back, through real jobs; and the decoder against whatever a sandbox may send."""

from __future__ import annotations

import collections
import enum
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dcp_evaluator as dcp

NUMBERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]
ARRAY_TYPES = dict(
    zip(
        NUMBERS,
        [
            "Int8",
            "Uint8",
            "Int16",
            "Uint16",
            "Int32",
            "Uint32",
            "BigInt64",
            "BigUint64",
            "Float16",
            "Float32",
            "Float64",
        ],
        strict=True,
    )
)
LARGE = 200_000  # elements: any type of that many travels in shared memory


def through(evaluator: dcp.Evaluator, value: Any, source: str = "(x) => x") -> Any:
    """What ``source`` makes of ``value``."""
    return dcp.compute_for([value], source).local_exec(1, evaluator=evaluator)[0]


def same(left: Any, right: Any) -> bool:
    """Equality that tells -0 from 0, int from float where it matters, and takes NaN as itself."""
    if isinstance(left, float) or isinstance(right, float):
        both_nan = left != left and right != right
        return both_nan or (left == right and math.copysign(1, left) == math.copysign(1, right))
    if isinstance(left, np.ndarray):
        of_a_kind = isinstance(right, np.ndarray) and left.dtype == right.dtype and left.shape == right.shape
        return of_a_kind and left.tobytes() == right.tobytes()
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return isinstance(right, dict) and list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    return type(left) is type(right) and left == right


# --- There and back ---


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        2**31,
        2**53,
        -(2**53),
        2**53 + 1,
        2**64,
        -(10**100),
        0.5,
        -0.0,
        math.inf,
        -math.inf,
        math.nan,
        5e-324,
        1.7976931348623157e308,
        "",
        "a\0b",
        "ünïcödé ✓ 🎉",
        "\ufeff\u2028",
        b"",
        b"\0\xff",
        [],
        {},
        [[], {}, [None]],
        {"": 1, "__proto__": 2, "constructor": 3, "toString": {"length": 0}, "a b": []},
        {"10": 1, "2": 2} | {"x": 0},
        datetime(2026, 11, 24, 9, 30, 1, 234000, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 1000, tzinfo=UTC),
    ],
    ids=repr,
)
def test_round_trip(evaluator, value):
    if value == {"10": 1, "2": 2, "x": 0}:
        assert through(evaluator, value) == value  # JavaScript puts keys that are numbers into their order
    else:
        assert same(through(evaluator, value), value)


@pytest.mark.parametrize(
    ("value", "returned"),
    [
        ((1, (2,)), [1, [2]]),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[::2], b"ac"),
        (2.0, 2),
        (np.float32(0.5), 0.5),
        (np.int64(2**60), 2**60),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.bytes_(b"x"), b"x"),
        (collections.OrderedDict(a=1), {"a": 1}),
        (enum.IntEnum("E", {"ONE": 1}).ONE, 1),
        (enum.StrEnum("S", {"A": "a"}).A, "a"),
        (datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5))), datetime(2026, 1, 1, 7, tzinfo=UTC)),
        (datetime(2026, 1, 1, microsecond=1999, tzinfo=UTC), datetime(2026, 1, 1, microsecond=1000, tzinfo=UTC)),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_values_that_come_back_as_another_type(evaluator, value, returned):
    back = through(evaluator, value)
    assert back == returned
    assert type(back) is type(returned)


def test_a_datetime_without_a_zone_is_local_time(evaluator):
    here = datetime(2026, 7, 1, 12)
    assert through(evaluator, here) == here.astimezone()


@pytest.mark.parametrize(
    ("value", "source", "seen"),
    [
        (None, "(x) => x === null", True),
        (2**53, "(x) => typeof x", "number"),
        (2**53 + 1, "(x) => typeof x + x", f"bigint{2**53 + 1}"),
        (b"abc", "(x) => [x instanceof ArrayBuffer, x.byteLength]", [True, 3]),
        (datetime(1970, 1, 2, tzinfo=UTC), "(x) => [x instanceof Date, x.getTime()]", [True, 86_400_000]),
        ([1], "(x) => Array.isArray(x)", True),
        ({"__proto__": 1}, "(x) => Object.getPrototypeOf(x) === Object.prototype && Object.keys(x)", ["__proto__"]),
        (np.bool_([True, False]), "(x) => [x instanceof Uint8Array, ...x]", [True, 1, 0]),
        ("🎉", "(x) => x.length", 2),
    ],
    ids=repr,
)
def test_what_the_work_function_sees(evaluator, value, source, seen):
    assert through(evaluator, value, source) == seen


@pytest.mark.parametrize(
    ("source", "returned"),
    [
        ("() => {}", None),
        ("() => [undefined, , null]", [None, None, None]),
        ("() => ({ a: undefined, [Symbol()]: 1, get b() { return 2; } })", {"a": None, "b": 2}),
        ("() => new Map([[1, 'a'], ['k', new Map()]])", {"1": "a", "k": {}}),
        ("() => new Set([1, [2]])", [1, [2]]),
        ("() => 123456789012345678901234567890n", 123456789012345678901234567890),
        ("() => -1n", -1),
        ("() => 1e21", 1e21),
        ("() => new DataView(new Uint8Array([1, 2, 3]).buffer, 1)", b"\2\3"),
        ("() => new Uint8Array([1, 2, 3, 4]).subarray(1, 3)", np.uint8([2, 3])),
        ("() => new Uint8ClampedArray([300])", np.uint8([255])),
        ("() => new (class Point { x = 1; #y = 2; z() {} })()", {"x": 1}),
        ("() => ({ toJSON() { return [1]; } })", [1]),
        ("() => [Object(5), new String('s'), Object(false), Object(2n)]", [5, "s", False, 2]),
        ("() => [new Proxy([1, [2]], {}), new Proxy(new Proxy([3], {}), {})]", [[1, [2]], [3]]),
        ("() => new Proxy({ a: 1 }, { get: (target, key) => target[key] && 7 })", {"a": 7}),
        ("() => Object.assign(/x/, { toJSON: () => 'x' })", "x"),
        ("() => { Number.prototype.toJSON = () => 'n'; return [Object(1), 2]; }", ["n", 2]),
        ("function () { return [arguments, (() => arguments)().length, (function () { return arguments; })()]; }",
         [{"0": 0}, 1, {}]),
        ("() => [new (class {})(), Object.create(null), new (class extends Array {})(2)]", [{}, {}, [None, None]]),
        ("() => { const e = new RangeError('m'); e.stack = 's'; return e; }",
         {"name": "RangeError", "message": "m", "stack": "s"}),
        ("() => { const a = [1]; return [a, a]; }", [[1], [1]]),
    ],
)  # fmt: skip
def test_values_that_only_javascript_has(evaluator, source, returned):
    assert same(through(evaluator, 0, source), returned)


# --- Arrays ---


@pytest.mark.parametrize("count", [0, 1, 7, LARGE])
@pytest.mark.parametrize("dtype", NUMBERS)
def test_arrays_of_each_type(evaluator, dtype, count):
    array = (np.arange(count) % 100).astype(dtype)
    name, back = through(evaluator, array, "(x) => [x.constructor.name, x]")
    assert name == ARRAY_TYPES[dtype] + "Array"
    assert same(back, array)
    assert back.flags.writeable


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a[::3],
        lambda a: a[::-1],
        lambda a: a.reshape(2, -1).T,
        lambda a: a.astype(a.dtype.newbyteorder(">")),
        lambda a: np.broadcast_to(a[:1], (5,)),
        lambda a: np.lib.stride_tricks.sliding_window_view(a[:100], 3),
        lambda a: a[0],
        lambda a: np.array(a[5]),
        lambda a: a[3:3],
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint16"])
@pytest.mark.parametrize("count", [600, LARGE])
def test_arrays_of_any_layout(evaluator, make, dtype, count):
    array = make((np.arange(count) % 1000).astype(dtype))
    back = through(evaluator, {"nested": [array]})["nested"][0]
    if array.ndim == 0 and not isinstance(array, np.ndarray):
        assert back == array.item()
    else:
        np.testing.assert_array_equal(back, array)
        assert back.shape == array.shape
        assert back.dtype == array.dtype.newbyteorder("<")


def test_parts_of_shared_memory(evaluator):
    array = dcp.shared_empty((3, LARGE), np.float32)
    array[:] = np.arange(3)[:, None]
    whole, row, part, thin = through(evaluator, [array, array[1], array[2, 1000:90_000], array[:, ::2]])
    assert same(whole, array)
    assert same(row, array[1])
    assert same(part, array[2, 1000:90_000])
    assert same(thin, array[:, ::2])
    with pytest.raises(TypeError, match="complex"):
        dcp.shared_empty(3, complex)


def test_more_large_arrays_than_a_frame_has_descriptors(evaluator):
    arrays = [np.full(20_000, n, np.float64) for n in range(100)]
    back = through(evaluator, arrays)
    assert all(map(same, back, arrays))


def test_one_buffer_twice(evaluator):
    array = np.ones(LARGE)
    assert all(
        same(back, array) for back in through(evaluator, [array, array], "([a, b]) => { a.fill(1); return [a, b]; }")
    )


# --- Any value ---

_DTYPES = st.sampled_from([np.dtype(name) for name in NUMBERS])
_ARRAYS = hnp.arrays(_DTYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.datetimes(timezones=st.just(UTC)).map(lambda d: d.replace(microsecond=d.microsecond // 1000 * 1000)),
    _ARRAYS,
)
_KEYS = st.text().filter(lambda key: not key.isdigit())
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_KEYS, inner, max_size=5))


def _whole(value: Any) -> Any:
    """A number that is whole may come back as an int."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53 and not same(value, -0.0):
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {key: _whole(item) for key, item in value.items()} if isinstance(value, dict) else value


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(items=st.lists(_VALUES, min_size=1, max_size=20))
def test_any_value_comes_back(evaluator, items):
    back = list(dcp.compute_for(items, "(x) => x").local_exec(1, evaluator=evaluator))
    assert same(back, [_whole(item) for item in items])
