"""Values of Python as header and buffers, and back; headers that a hostile sandbox made."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import math
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings

from dcp_evaluator.guest import decoding, objects, wire
from dcp_evaluator.guest.objects import ObjectError, dumps, loads
from python_values import EXAMPLES, ZONED, same, values

pytestmark = pytest.mark.any_engine
LIMIT = 1 << 26


def through(value: Any) -> Any:
    """``value``, as the other side gets it: buffers are bytes of their own, which may be written to."""
    header, buffers = dumps(value)
    return loads(header, [bytearray(buffer) for buffer in buffers], LIMIT)


# --- There and back ---


@pytest.mark.parametrize("value", EXAMPLES + ZONED, ids=lambda value: type(value).__name__)
def test_an_example_comes_back_as_it_was(value: Any) -> None:
    assert same(through(value), value)
    assert same(through([value, (value,)]), [value, (value,)])


@settings(max_examples=1000)
@given(values())
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    assert same(through(value), value)


def test_a_value_without_bytes_has_no_buffers() -> None:
    header, buffers = dumps([1, (b"", np.zeros(0), "x")])
    assert buffers == []
    assert same(loads(header.decode(), buffers), [1, (b"", np.zeros(0), "x")])  # text serves as well


def test_memoryviews_keep_their_format_and_shape() -> None:
    for view in (
        memoryview(b"abc"),
        memoryview(np.arange(6.0).reshape(2, 3)),
        memoryview(b""),
        memoryview(b"abcd")[::2],
    ):
        back = through(view)
        assert (back.tolist(), back.shape) == (view.tolist(), view.shape)
    assert through(memoryview(np.arange(3))).format == "q"  # "l" has other sizes elsewhere


def test_what_occurs_twice_is_there_once() -> None:
    array, inner = np.zeros(3), {"a": [1]}
    first, second, (third,), both = through([array, array, (array,), [inner, {"x": inner}]])
    assert first is second is third
    assert both[0] is both[1]["x"]


def test_what_contains_itself_does_so_afterwards() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert (back := through(loop))[0] is back
    parent: dict[str, Any] = {"children": []}
    parent["children"].append(({"parent": parent}, parent["children"]))
    back = through(parent)
    assert back["children"][0][0]["parent"] is back
    assert back["children"][0][1] is back["children"]
    holder: list[Any] = []
    outer = (holder,)
    holder.append((outer, holder))
    back = through(outer)
    assert back[0][0][0] is back
    objects_array = np.array([None, 1], object)
    objects_array[0] = objects_array
    assert (back := through(objects_array))[0] is back


def test_lists_may_be_nested_without_end_and_tuples_far() -> None:
    deep: Any = []
    for _ in range(50_000):
        deep = [deep, 1]
    back = through(deep)
    for _ in range(50_000):
        back = back[0]
    assert back == []
    for _ in range(400):
        deep = (back,) if deep is None else (deep,) if isinstance(deep, tuple) else ()
    assert through(deep) == deep


def test_instances_of_subclasses_travel_as_what_they_are_made_of() -> None:
    point = collections.namedtuple("point", "x y")
    value = [point(1, 2), collections.OrderedDict(a=1), collections.Counter("aa"), type("text", (str,), {})("t")]
    assert same(through(value), [(1, 2), {"a": 1}, {"a": 2}, "t"])
    assert same(through([type("number", (int,), {})(2**90), np.zeros(2).view(np.recarray)]), [2**90, np.zeros(2)])


def test_large_arrays_and_bytes_are_not_copied() -> None:
    array, data = np.arange(1e6), bytearray(8_000_000)
    tracemalloc.start()
    try:
        header, buffers = dumps([array, array.reshape(1000, 1000).T, array[:500_000], data])
        back = loads(header, buffers, LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 9_000_000  # ``data`` alone, as a bytearray of its own
    finally:
        tracemalloc.stop()
    assert np.shares_memory(back[0], array)
    assert np.shares_memory(back[1], array)
    assert same(back[1], array.reshape(1000, 1000).T)
    back[0][0] = 7  # writable, as its buffer is
    assert array[0] == 7
    assert not loads(*dumps(np.frombuffer(bytes(9000)))).flags.writeable


# --- Dataclasses ---


@dataclasses.dataclass(frozen=True)
class Plain:
    x: int
    y: Any = None


@dataclasses.dataclass(frozen=True)
class Known:
    x: Any
    double: Any = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        if isinstance(self.x, list) and not self.x:
            raise ValueError("x is empty")
        object.__setattr__(self, "double", self.x * 2)


objects.register(Known, "tests.guest.Known")


def test_a_dataclass_is_a_dict_unless_its_class_is_registered() -> None:
    assert same(through([Plain(1, Plain(2))]), [{"x": 1, "y": {"x": 2, "y": None}}])
    assert through({Known(1): [Known([2, 3])]}) == {Known(1): [Known([2, 3])]}
    items = [1, 2]
    back = through([items, Known(items)])
    assert back[1].x is back[0]  # which had its items when the instance was made


def test_a_class_that_is_registered_differently_is_refused() -> None:
    with pytest.raises(TypeError, match="neither a dataclass nor an Enum; give register"):
        objects.register(Path)
    with pytest.raises(ValueError, match="another class is registered as 'tests"):
        objects.register(Plain, "tests.guest.Known")
    assert objects.register(Known, "tests.guest.Known") is Known  # a notebook's cell is run again


def test_other_classes_are_registered_with_two_functions() -> None:
    class Temperature:
        def __init__(self, degrees: float) -> None:
            self.degrees = degrees

    objects.register(Temperature, "tests.guest.Temperature", fields=vars, make=Temperature)
    assert through([Temperature(21.5)])[0].degrees == 21.5


# --- What cannot travel ---


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, (x for x in [])]}, r"value\['a'\]\[1\]: a value of type generator cannot travel; use list"),
        ([Plain(1, print)], r"value\[0\]\.y: .*builtin_function_or_method.*send what it returns"),
        ({(1, Path()): 1}, r"value\{key <a tuple>\}\[1\]: .*use str\(path\)"),
        ({Plain(1): 2}, "where no dict may be; register its class"),
        (frozenset({(Plain(1),)}), "where no dict may be; register its class"),
        (np.ma.array([1]), "masked array cannot travel; use array.filled"),
        (np.zeros(2, "g"), r"use array.astype\('float64'\)"),
        (np.zeros(2, [("a", object)]), "send the fields one by one"),
        (collections.deque(), "use list"),
        (Decimal, "value: a value of type type cannot travel"),
        (ValueError("x"), r"use str\(error\)"),
        (object(), "send dicts, lists and numpy arrays, or make its class a dataclass"),
    ],
)
def test_a_refusal_names_the_place_and_a_remedy(value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        dumps(value)


def test_a_long_place_is_shortened() -> None:
    value: Any = print
    for _ in range(10_000):
        value = [value]
    with pytest.raises(TypeError, match=r"^value(\[0\]){10}\.\.\.(\[0\]){10}: a value of type builtin"):
        dumps(value)


def test_what_cannot_be_made_again_is_refused() -> None:
    known = Known([1])
    object.__setattr__(known, "x", (known,))
    with pytest.raises(TypeError, match="contains itself; put a list or a dict between"):
        dumps(known)
    deep: Any = ()
    for _ in range(600):
        deep = (deep,)
    with pytest.raises(TypeError, match="512 deep; use lists"):
        dumps(deep)


# --- Where something is missing ---


def test_a_zone_that_is_not_known_is_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    zone, moment, hour = (dumps(value) for value in ZONED)
    monkeypatch.setattr(decoding, "ZoneInfo", lambda name: ZoneInfo("No/Where"))
    assert loads(*moment).isoformat() == "2020-10-25T02:30:00+01:00"
    for header, buffers in (zone, hour):
        with pytest.raises(ObjectError, match="time zone Europe/Berlin is not known here; install the package tzdata"):
            loads(header, buffers)


def test_without_numpy_arrays_are_memoryviews_of_their_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = [np.arange(6, dtype="i2").reshape(2, 3), np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)), np.array(5)]
    scalars = [np.float16(1.5), np.uint8(3), np.complex64(2j), np.str_("ab"), np.bool_(True), np.bytes_(b"x")]
    sent = [
        dumps(value) for value in (*arrays, *scalars, np.zeros((0, 3)), np.array([1j, 2]), np.array([1, "a"], object))
    ]
    monkeypatch.setattr(decoding, "_numpy", lambda: None)
    *views, empty, pairs = (loads(*one) for one in sent[:-1])
    for array, view in zip(arrays, views, strict=False):
        assert (view.tolist(), view.shape) == (array.tolist(), array.shape)
    assert views[len(arrays) :] == [1.5, 3, 2j, "ab", True, b"x"]
    assert list(empty) == []
    assert (pairs.shape, pairs.tobytes()) == ((2, 16), np.array([1j, 2]).tobytes())
    with pytest.raises(ObjectError, match="needs numpy"):
        loads(*sent[-1])
    again = dumps(views[:3])  # and they go back
    monkeypatch.undo()
    assert [np.asarray(view).tolist() for view in loads(*again)] == [array.tolist() for array in arrays]


# --- Hostile headers ---

_TUPLES = [["tuple", [1, 2]], *(["tuple", [[n], [n]]] for n in range(60))]
_DEEP = [["tuple", []], *(["tuple", [[n]]] for n in range(100_000))]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        *(
            json.dumps(header)
            for header in (
                [[0], []],
                [[0], [[]]],
                [[0], [{}]],
                [{}, []],
                [[[0]], [["list", []]]],
                [[True], [["list", []], ["list", []]]],
                [[-1], [["list", []]]],
                [[0], [["list"]]],
                [[0], [["list", 5]]],
                [[0], [["list", [{}]]]],
                [[0], [["list", {"d": [0, 0, 8]}]]],
                [[0], [["list", {"x": [0, 0, 0]}]]],
                [[0], [["nothing", []]]],
                [[0], [["__class__"]]],
                [[0], [["tuple", [[0]]]]],
                [[0], [["tuple", [[1]]], ["tuple", [[0]]]]],
                [[0], [["set", [[1]]], ["list", []]]],
                [[0], [["dict", [1, 1, 2, 2]]]],
                [[0], [["dict", [1]]]],
                [[0], [["bytes", [0, 0, 1]]]],
                [[0], [["bytes", [0, -1, 1]]]],
                [[0], [["bytes", [7, 0, 0]]]],
                [[0], [["bytes", "abc"]]],
                [[0], [["array", [0, 0, 0], "|O", [0], "C"]]],
                [[0], [["array", [0, 0, 0], "f8,f8", [0], "C"]]],
                [
                    [0],
                    [
                        [
                            "array",
                            [0, 0, 0],
                            {"names": ["a"], "formats": ["|O"], "offsets": [0], "itemsize": 8},
                            [0],
                            "C",
                        ]
                    ],
                ],
                [[0], [["array", [0, 0, 0], "<M8[0s]", [0], "C"]]],  # a division by zero, later
                [[0], [["array", [0, 0, 0], "|V0", [2**40], "C"]]],
                [[0], [["array", [0, 0, 0], "<f8", [1], "C"]]],
                [[0], [["array", [0, 0, 0], "<f8", [-1, 0], "C"]]],
                [[0], [["array", [0, 0, 0], "<f8", [0], "K"]]],
                [[0], [["array", [0, 0, 0], ["<f8", "x"], [0], "C"]]],
                [[0], [["objects", [10**9], "C", []]]],
                [[0], [["memoryview", [0, 0, 0], "P", [0]]]],
                [[0], [["zone", [0, "../../etc/passwd", True]]]],
                [[0], [["zone", None]]],
                [[0], [["datetime", "never", 0, None]]],
                [[0], [["decimal", "x"]]],
                [[0], [["uuid", 5]]],
                [[0], [["range", [0, 1, 0]]]],
                [[0], [["object", "tests.guest.Known", ["x"], []]]],
                [[0], [["object", "tests.guest.Known", ["y"], [1]]]],
                [[1], [["list", []], ["object", "tests.guest.Known", ["x"], [[0]]]]],
                [[60], _TUPLES],
                [[61], [*_TUPLES, ["set", [[60]]]]],
                [[0], [["set", [[100_001]]], *_DEEP]],
            )
        ),
    ],
)
def test_a_header_that_lies_is_an_error_of_its_own(header: str | bytes) -> None:
    data = header.encode() if isinstance(header, str) else header
    with pytest.raises(ObjectError) as raised:
        loads(data, [b""], LIMIT)
    assert "passwd" not in str(raised.value)


def test_a_header_costs_no_more_than_it_may() -> None:
    many = dumps([[] for _ in range(10_000)])
    copies = [["bytes", [0, 0, 60_000]]] * 100
    numbers = dumps([0.5] * 100_000)
    assert len(loads(*many, 10_000_000)) == 10_000
    for header, buffers in (many, (json.dumps([[0], copies]).encode(), [bytes(60_000)]), numbers):
        with pytest.raises(ObjectError, match="may take"):
            loads(header, buffers, 1_000_000)


def test_keys_that_were_chosen_to_collide_are_refused() -> None:
    same_hash = 2**61 - 1
    keys = [["int", format(number * same_hash, "x")] for number in range(1, 100_000)]
    header = json.dumps([[0], [["set", [[number] for number in range(1, 100_000)]], *keys]]).encode()
    with pytest.raises(ObjectError, match="chosen to take long"):
        loads(header, [], 1 << 30)
    assert len(through({(number, "x"): 1 for number in range(20_000)})) == 20_000


@settings(max_examples=300)
@given(values())
@example([1, (2,), {3: np.zeros(2)}])
def test_a_damaged_header_is_read_or_refused(value: Any) -> None:
    header, buffers = dumps(value)
    for cut in range(0, len(header), max(1, len(header) // 20)):
        for damaged in (header[:cut], header[:cut] + b"9" + header[cut + 1 :], header[:cut] + header[cut + 1 :]):
            with contextlib.suppress(ObjectError):
                loads(damaged, [bytearray(buffer) for buffer in buffers], LIMIT)


# --- On the wire ---


def test_short_values_travel_as_text() -> None:
    for value in (None, True, 2**53 + 1, -(2**200), 1.5, 2.0, math.inf, "a", "\N{GRINNING FACE}"):
        assert isinstance(wire.to_wire(value), str)
        assert same(wire.from_wire(wire.to_wire(value), LIMIT), value)
    for value in ([1], {"a": (datetime.now(UTC), "\N{GRINNING FACE}")}, [[1.5, True]] * 9, 10**5000):
        assert isinstance(wire.to_wire(value), str)
        assert same(wire.from_wire(wire.to_wire(value), LIMIT), value)
        with pytest.raises(ObjectError, match="may take"):
            wire.from_wire(wire.to_wire(value), 10)
    for value in (np.float64(1), [b"1"], ["\ud83d\ude00"], "\ud83d\ude00", [[] for _ in range(10_000)]):
        header, *buffers = wire.to_wire(value)
        assert isinstance(header, bytes)
        assert same(wire.from_wire([header, *map(bytes, buffers)], LIMIT), value)


@pytest.mark.parametrize("value", [[], "[]", "[[0],[]]", "{}", "", "[" * 10_000, "1" * 5000, [b""], [b"[[0],[]]"]])
def test_a_wire_value_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ObjectError):
        wire.from_wire(value, LIMIT)
