"""Values into a sandbox and back, through real jobs; and the decoder against whatever a sandbox may send."""

from __future__ import annotations

import collections
import enum
import fcntl
import math
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dcp_evaluator as dcp
from dcp_evaluator import _native, frame_fields, frames, values
from process_tree import open_descriptors

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
        return isinstance(right, np.ndarray) and left.dtype == right.dtype and left.tobytes() == right.tobytes()
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
    ids=repr,
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
        ("() => new Date(NaN)", None),
        ("() => new DataView(new Uint8Array([1, 2, 3]).buffer, 1)", b"\2\3"),
        ("() => new Uint8Array([1, 2, 3, 4]).subarray(1, 3)", np.uint8([2, 3])),
        ("() => new Uint8ClampedArray([300])", np.uint8([255])),
        ("() => new (class Point { x = 1; #y = 2; z() {} })()", {"x": 1}),
        ("() => ({ toJSON() { return [1]; } })", [1]),
        ("() => new Number(5) + 0", 5),
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
        np.testing.assert_array_equal(back, array.ravel())
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


# --- What cannot be sent: the slice fails with EINPUT, the others go on ---

_CYCLE: list[Any] = []
_CYCLE.append(_CYCLE)


def _deep(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, r"builtins\.set cannot be sent.*use None, bool, int"),
        (print, "builtin_function_or_method cannot be sent"),
        (object(), "object cannot be sent"),
        (1j, "complex cannot be sent"),
        ({1: 2}, "a dict key of type int .*use str keys"),
        ([{(1,): 2}], "a dict key of type tuple"),
        ("\ud800", "half of a surrogate pair"),
        ({"\udfff": 1}, "half of a surrogate pair"),
        (_CYCLE, "contains itself"),
        (np.array([1j]), "real and the imaginary part"),
        (np.array([object()]), "use a list"),
        (np.array(["a"]), "tolist"),
        (np.zeros(2, "i4,f4"), "fields one by one"),
        (np.array(["2026-01-01"], "M8[s]"), "int64"),
        (np.datetime64("2026-01-01"), "numpy scalar of datetime64"),
        (np.longdouble(1), "numpy scalar of"),
        (np.ones(2, np.longdouble), "float64"),
        (np.ma.masked_array([1, 2], [0, 1]), "filled"),
    ],
    ids=lambda value: f"{value!r:.30}",
)  # fmt: skip
def test_inputs_that_cannot_be_sent(evaluator, value, message):
    results = dcp.compute_for([1, value, 2], "(x) => x").local_exec(1, evaluator=evaluator).wait()
    assert results.errors[1].code == "EINPUT"
    with pytest.raises(dcp.SliceError, match=message):
        results[1]
    assert (results[0], results[2]) == (1, 2)


@pytest.mark.parametrize(("depth", "works"), [(400, True), (600, False), (100_000, False)])
def test_deep_nesting(evaluator, depth, works):
    results = dcp.compute_for([_deep(depth), 1], "(x) => x").local_exec(1, evaluator=evaluator).wait()
    assert results[1] == 1
    if works:
        assert results[0] == _deep(depth)
    else:
        assert results.errors[0].code == "EINPUT"
        assert "nested too deeply" in results.errors[0].message


def test_nothing_is_left_of_an_input_that_fails_half_way(evaluator):
    big = np.ones(LARGE)
    before = len(open_descriptors(os.getpid()))
    dcp.compute_for([[big, big, set()]] * 20, "(x) => x").local_exec(1, evaluator=evaluator).wait()
    assert len(open_descriptors(os.getpid())) <= before


# --- Results that cannot leave the sandbox ---


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("() => () => 1", "a function cannot leave"),
        ("() => ({ a: [Symbol('s')] })", "a symbol cannot leave"),
        ("() => { const a = []; a.push(a); return a; }", "contains itself"),
        ("() => { const a = {}; a.b = { a }; return a; }", "contains itself"),
        ("() => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a; }", "nested more than 512"),
        ("() => ({ get a() { throw new RangeError('in a getter'); } })", "in a getter"),
        ("() => { const b = new ArrayBuffer(8); structuredClone(b, { transfer: [b] }); return b; }", "detached"),
        ("() => { const b = new Uint8Array(8); b.buffer.transfer(); return [b]; }", "detached"),
        ("() => new Array(5e9)", "array length"),
        ("() => ({ toJSON() { return this; } })", "contains itself|stack"),
    ],
)
def test_results_that_cannot_leave_the_sandbox(evaluator, source, message):
    results = dcp.compute_for([0, 1], f"(x) => x ? x : ({source})()").local_exec(1, evaluator=evaluator).wait()
    with pytest.raises(dcp.SliceError, match=message):
        results[0]
    assert results[1] == 1


def test_half_a_surrogate_pair_comes_back_as_a_replacement(evaluator):
    assert through(evaluator, 0, "() => ['a\\ud800b', '\\udc00']") == ["a\ufffdb", "\ufffd"]


@pytest.mark.parametrize(
    "source",
    [
        "() => new Uint8Array(200_000)",
        "() => 'x'.repeat(200_000)",
        "() => [new Uint8Array(70_000), new Uint8Array(70_000)]",
        "() => new Array(200_000).fill(1)",
    ],
)
def test_results_that_are_too_large(evaluator, source):
    job = dcp.compute_for([0, 1], f"(x) => x ? x : ({source})()")
    results = job.local_exec(1, result_limit=100_000, evaluator=evaluator).wait()
    assert results.errors[0].code == "ERESULT"
    assert "limit of 100000" in results.errors[0].message
    assert results[1] == 1
    assert job.metrics.sandbox_deaths == 0


def test_dates_out_of_range(evaluator):
    results = dcp.compute_for([8.64e15, 0], "(ms) => new Date(ms)").local_exec(1, evaluator=evaluator).wait()
    assert results.errors[0].code == "ERESULT"
    assert results[1] == datetime(1970, 1, 1, tzinfo=UTC)


# --- Any value ---

_DTYPES = st.sampled_from([np.dtype(name) for name in NUMBERS])
_ARRAYS = hnp.arrays(_DTYPES, hnp.array_shapes(max_dims=1, min_side=0, max_side=20))
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


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(items=st.lists(_VALUES, min_size=1, max_size=20))
def test_any_value_comes_back(evaluator, items):
    back = list(dcp.compute_for(items, "(x) => x").local_exec(1, evaluator=evaluator))
    assert same(back, [_whole(item) for item in items])


# --- The decoder against whatever a sandbox may send ---


@contextmanager
def memfd(content: bytes, seals: int | None = None) -> Iterator[int]:
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    try:
        os.write(fd, content)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALED if seals is None else seals)
        yield fd
    finally:
        os.close(fd)


_SEALED = 0x2 | 0x4 | 0x8  # shrink, grow, write


def shared_frame(index: int, offset: int, size: int, element_type: int = 1) -> bytes:
    shared = msgspec.msgpack.Ext(2, struct.pack("<BIQQ", element_type, index, offset, size))
    return msgspec.msgpack.encode([frames.RESULT, 0, shared, {}])


def test_shared_memory_from_a_sandbox():
    decoder = values.FrameDecoder()
    with memfd(b"x" * 10_000) as fd:
        array = decoder.decode(shared_frame(0, 9_000, 1_000), [fd]).value
    assert array.tobytes() == b"x" * 1_000


def refusal(payload: bytes, fds: list[int]) -> str:
    """Why the decoder does not take a result."""
    try:
        return values.FrameDecoder().decode(payload, fds).reason
    except _native.FrameError as error:
        return str(error)


@pytest.mark.parametrize(
    ("frame", "seals", "message"),
    [
        (shared_frame(0, 0, 10_001), None, "smaller than announced"),
        (shared_frame(0, 10_000, 1), None, "smaller than announced"),
        (shared_frame(0, 2**64 - 1, 1), None, "smaller than announced|limit"),
        (shared_frame(0, 1, 2**63), None, "limit"),
        (shared_frame(1, 0, 1), None, "without its descriptor"),
        (shared_frame(2**32 - 1, 0, 1), None, "without its descriptor"),
        (shared_frame(0, 0, 10_000), 0x2 | 0x4, "not sealed"),
        (shared_frame(0, 0, 10_000), 0, "not sealed"),
        (shared_frame(0, 0, 9_999, 5), None, "broken element"),
        (shared_frame(0, 0, 16, 14), None, "unknown type"),
    ],
)
def test_shared_memory_that_lies(frame, seals, message):
    with memfd(b"x" * 10_000, seals) as fd:
        assert re.search(message, refusal(frame, [fd]))


def test_descriptors_that_are_no_memory():
    reader, writer = os.pipe()
    try:
        for fd in (reader, os.open("/dev/null", os.O_RDONLY), os.open("/", os.O_RDONLY)):
            with pytest.raises(_native.FrameError, match="ordinary memfd"):
                values.FrameDecoder().decode(shared_frame(0, 0, 1), [fd])
            if fd != reader:
                os.close(fd)
    finally:
        os.close(reader)
        os.close(writer)


_JUNK = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda head, tail: msgspec.msgpack.encode(head)[:-1] + tail,
        st.tuples(st.integers(0, 40), st.integers(-(2**63), 2**64 - 1), st.none()),
        st.binary(max_size=100),
    ),
    st.builds(
        lambda code, data: msgspec.msgpack.encode([frames.RESULT, 0, msgspec.msgpack.Ext(code, data), {}]),
        st.integers(-128, 127),
        st.binary(max_size=40),
    ),
    st.builds(bytes.__mul__, st.sampled_from([b"\x91", b"\x81\xa0"]), st.integers(1, 100_000)),
    st.sampled_from([b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x92\x16\xc6\xff\xff\xff\xff"]),
)


@settings(max_examples=500, deadline=None)
@given(payload=_JUNK)
def test_the_decoder_gives_a_checked_frame_or_a_frame_error(payload):
    with suppress(_native.FrameError):
        assert isinstance(values.FrameDecoder().decode(payload, []), frame_fields.SandboxFrame)


def test_a_frame_above_the_limit_that_names_no_slice_breaks_the_protocol():
    with pytest.raises(_native.FrameError, match="cannot be decoded"):
        values.FrameDecoder(1).decode(msgspec.msgpack.encode([frames.RESULT]), [])


def test_frames_without_a_value_know_no_limit():
    decoder = values.FrameDecoder(1)
    assert decoder.decode(msgspec.msgpack.encode([frames.ASSIGNED]), []) == frame_fields.Assigned()
    error = {"name": "SyntaxError", "message": "m", "stack": ""}
    failed = decoder.decode(msgspec.msgpack.encode([frames.ASSIGNMENT_FAILED, error]), [])
    assert failed == frame_fields.AssignmentFailed(frame_fields.GuestError("SyntaxError", "m", ""))


@pytest.mark.parametrize(
    ("retries", "counted"),
    [(0, 0), (2, 2), (2.5, 2), (-1, 0), (1e9, 100), (math.inf, 100), (math.nan, 0), ("5", 0), (None, 0), (True, 0)],
)
def test_how_often_a_rejected_slice_may_run_again(retries, counted):
    frame = values.FrameDecoder().decode(msgspec.msgpack.encode([frames.REJECTED, 3, "no", retries]), [])
    assert frame == frame_fields.Rejected(3, "no", counted)


@pytest.mark.parametrize(("reason", "text"), [("why", "why"), (None, "None"), (1.5, "1.5"), ([1, [2]], "[1, [2]]")])
def test_the_reason_of_a_rejection(reason, text):
    frame = values.FrameDecoder().decode(msgspec.msgpack.encode([frames.REJECTED, 0, reason, 0]), [])
    assert frame == frame_fields.Rejected(0, text, 0)
