"""KVIN by itself: types, bounds, and texts that nobody honest writes."""

from __future__ import annotations

import json
import sys
import threading
import tracemalloc
from collections import OrderedDict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcp_protocol import kvin
from dcp_protocol.errors import ProtocolError
from other_threads import others_run_beside

pytestmark = pytest.mark.any_engine


def _again(value: object) -> Any:
    return kvin.deserialize(kvin.serialize(value))


def _what(formula: object, version: str = "v9") -> str:
    return json.dumps({"_serializeVerId": version, "what": formula})


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -1, 2**53, 1.5, 1e300, "", "a\ud800", "😀", [], {}, [[]], [{}], {"a": {"b": []}},
     [1, 1, 1, 2], [[1], [1], [1]], {"a": [None, {"b": kvin.UNDEFINED}]}, [kvin.UNDEFINED] * 9],
)  # fmt: skip
def test_values_of_json_come_back(value: object) -> None:
    assert _again(value) == value


def test_numbers_that_json_has_not() -> None:
    assert str(_again([float("nan"), float("inf"), -float("inf")])) == "[nan, inf, -inf]"
    assert str(_again(-0.0)) == "-0.0"


@pytest.mark.parametrize("number", [2**53 + 1, -(2**64), kvin.BigInt(7)])
def test_big_integers_stay_so(number: int) -> None:
    again = _again([number])[0]
    assert isinstance(again, kvin.BigInt)
    assert again == number


def test_versions_name_themselves() -> None:
    assert kvin.serialize([1], 8) == b'{"_serializeVerId":"v8","what":{"arr":[1]}}'
    assert kvin.serialize([1], 9) == b'{"_serializeVerId":"v9","what":{"arr":[1]}}'
    assert kvin.marshal([1]) == {"_serializeVerId": "v9", "what": {"arr": [1]}}
    with pytest.raises(ValueError, match="versions 8 and 9"):
        kvin.serialize([1], 7)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["v4", "v5", "v6", "v7", "v8", "v9"])
def test_all_versions_are_read(version: str) -> None:
    assert kvin.deserialize(_what({"ptv": [1]}, version)) == [1]


@pytest.mark.parametrize("code", ["i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"])
def test_typed_arrays_are_numpy_arrays(code: str) -> None:
    array = np.arange(-5, 100).astype(code)
    again = _again({"x": array, "y": array})
    assert again["x"].dtype == array.dtype
    assert np.array_equal(again["x"], array)
    assert again["y"] is again["x"]
    again["x"][0] = 1  # may be changed


def test_typed_arrays_in_any_layout() -> None:
    array = np.arange(12, dtype=">i4")
    assert np.array_equal(_again(array[::-2]), array[::-2])
    assert np.array_equal(_again(np.arange(0, dtype="f8")), np.arange(0))
    for data in (b"\1\2", bytearray(b"\1\2"), memoryview(b"\1\2")):
        assert _again(data).tolist() == [1, 2]
    with pytest.raises(kvin.KvinError, match="ravel"):
        kvin.serialize(array.reshape(3, 4))
    with pytest.raises(TypeError, match="bool"):
        kvin.serialize(np.zeros(3, bool))
    clamped = _again(np.arange(3, dtype="u1").view(kvin.Uint8ClampedArray))
    assert isinstance(clamped, kvin.Uint8ClampedArray)
    assert _again(kvin.DataView(b"\0" * 9)).data == b"\0" * 9


def test_scalars_of_numpy_are_primitive() -> None:
    assert _again([np.int8(1), np.float32(0.5), np.bool_(True), np.str_("a")]) == [1, 0.5, True, "a"]


def test_typed_arrays_take_no_room_beside_their_text() -> None:
    array = np.random.default_rng(1).random(1 << 18)
    text = kvin.serialize(array)
    tracemalloc.start()
    try:
        kvin.deserialize(text)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 3 * len(text)  # a list of as many numbers takes 16 times the array, that is 8 times the text


def test_arrays_with_holes_and_properties() -> None:
    array = kvin.Array({0: 1, 1: 2, 5: [3], 6: 4}, 9, {"name": "x"})
    again = _again(array)
    assert (again.elements, again.length, again.properties) == (array.elements, 9, {"name": "x"})


@pytest.mark.parametrize(
    "array",
    [kvin.Array({3: 1}, 2), kvin.Array({}, 2**32), kvin.Array({-1: 1}, 2), kvin.Array({}, 0, {"length": 1}),
     kvin.Array({}, 0, {"1": 1})],
)  # fmt: skip
def test_arrays_that_javascript_has_not(array: kvin.Array) -> None:
    with pytest.raises(kvin.KvinError):
        kvin.serialize(array)


def test_maps_and_sets_know_values_as_javascript_does() -> None:
    key: list[int] = [1]
    held = kvin.Map([(1, "int"), (True, "bool"), ("1", "str"), (1.0, "float"), (key, "list"), ([1], "other")])
    assert list(held.values()) == ["float", "bool", "str", "list", "other"]
    assert held[key] == "list"
    again = _again(held)
    assert [key for key, _ in again.items()] == [1, True, "1", [1], [1]]
    nan = kvin.Set([float("nan"), float("nan"), 0.0, -0.0, kvin.BigInt(0)])
    assert len(nan) == 3
    assert list(_again({3, 1, 2})) == list({3, 1, 2})
    assert list(_again({1: "a", "b": kvin.UNDEFINED}).items()) == [(1, "a"), ("b", kvin.UNDEFINED)]


_ARABIC = "2026-02-03T00:00:00.000Z".replace("0", "\u0660")
"""Whose digits JavaScript does not read."""


def test_moments() -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789_999, timezone(timedelta(hours=2)))
    assert _again(moment) == datetime(2026, 2, 3, 2, 5, 6, 789_000, UTC)
    with pytest.raises(kvin.KvinError, match="time zone"):
        kvin.serialize(datetime(2026, 2, 3))
    # Moments that Python has not, and none.
    beyond = ("+275760-09-13T00:00:00.000Z", "-000001-01-01T00:00:00.000Z")
    for text in (*beyond, "2026-02-30T00:00:00.000Z", _ARABIC, None):
        far = kvin.deserialize(_what({"ctr": 19, "ps": {}, "arg": text}))
        assert (far.constructor, far.arguments) == ("Date", (text,))


def test_errors_of_both_languages() -> None:
    again = _again(kvin.JSError("m", {"stack": "s", "name": "N", "code": "E", "more": {"a": [1]}}))
    assert str(again) == "m"
    assert (again.name, again.code) == ("N", "E")
    assert list(again.properties) == ["code", "stack", "name", "more"]
    again = _again(KeyError("k"))
    assert (again.message, again.name, again.code) == ("'k'", "KeyError", None)
    assert _again(ProtocolError("EPIPE", "gone")).code == "EPIPE"


def test_what_npm_writes_of_errors_that_it_cannot_read() -> None:
    error = kvin.deserialize(_what({"ctr": "Error", "ps": {"a": None, "b": [1], "c": {"d": {}}}, "arg": "m"}))
    assert error.properties == {"a": None, "b": [1], "c": {"d": {}}}


def test_one_object_in_two_places_and_cycles() -> None:
    shared = [1]
    value: dict[str, Any] = {"a": shared, "b": shared, "c": kvin.Map([(shared, shared)]), "d": {1, 2}}
    value["self"] = value
    again = _again(value)
    assert again["a"] is again["b"]
    assert again["self"] is again
    assert list(again["c"].items()) == [(again["a"], again["a"])]


def test_plain_objects_in_two_places_are_two() -> None:
    shared = {"a": 1}
    again = _again([shared, shared, shared])
    assert again == [shared] * 3
    again[0]["a"] = 2
    assert again[1:] == [shared] * 2


def test_what_is_read_shares_nothing_with_what_it_is_made_of() -> None:
    prepared = {"_serializeVerId": "v9", "what": {"arr": [{"raw": {"a": {}}}]}}
    kvin.unmarshal(prepared)[0]["a"]["b"] = 1
    assert prepared == {"_serializeVerId": "v9", "what": {"arr": [{"raw": {"a": {}}}]}}


def test_members_that_are_indices_come_first() -> None:
    assert kvin.serialize({"b": kvin.UNDEFINED, "1": 1}) == (
        b'{"_serializeVerId":"v9","what":{"ctr":0,"ps":{"1":1,"b":{"undefined":true}}}}'
    )


@pytest.mark.parametrize("name", ["hasOwnProperty", "__proto__"])
def test_members_that_npm_would_stumble_over(name: str) -> None:
    with pytest.raises(kvin.KvinError, match=name):
        kvin.serialize({name: 1, "a": kvin.UNDEFINED})


@pytest.mark.parametrize("value", [object(), 1j, lambda: 1, np.zeros(2, "c8"), type, iter([])])
def test_types_without_counterpart(value: object) -> None:
    with pytest.raises(TypeError):
        kvin.serialize([value])


def test_subclasses_are_what_they_extend() -> None:
    assert _again(OrderedDict(b=1, a=[1])) == {"b": 1, "a": [1]}


def test_promises() -> None:
    promise, failed = kvin.Promise([1]), kvin.Promise(kvin.JSError("no"), rejected=True)
    one, two, again = _again([promise, failed, promise])
    assert one.value == [1]
    assert one is again
    assert two.rejected
    assert two.value.message == "no"
    first, second = _again([kvin.Promise(1), kvin.Promise(2)])
    assert (first.value, second.value) == (1, 2)
    assert kvin.deserialize(kvin.serialize(promise, 8)).value == [1]
    with pytest.raises(kvin.KvinError, match="rejected"):
        kvin.serialize(failed, 8)


# --- names are looked up in tables ---------------------------------------------------------------------------------


def test_no_name_is_evaluated_or_imported(tmp_path: Path) -> None:
    before = set(sys.modules)
    for name in ("os", "eval", "__import__", "Uint8Array_", "constructor", "kvin", "Process", "this", "dict", "Map"):
        made = kvin.deserialize(_what({"ctr": name, "ps": {"a": 1}, "args": [str(tmp_path / "x"), "w"]}))
        assert isinstance(made, kvin.Constructed)
        assert (made.constructor, made.properties) == (name, {"a": 1})
    made = kvin.deserialize(_what({"fnName": "f", "arg": "process.exit()", "ps": {}}))
    assert (made.name, made.source) == ("f", "process.exit()")
    assert not list(tmp_path.iterdir())
    assert set(sys.modules) == before


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a(", "é", "a\n", -1, 21, 1.5, None, True, [], {}])
def test_names_that_are_none(name: object) -> None:
    with pytest.raises(kvin.KvinError):
        kvin.deserialize(_what({"ctr": name, "ps": {}}))


def test_constructors_that_a_program_names() -> None:
    class Address:
        def __init__(self, text: str) -> None:
            self.text = text

    text = _what({"arr": [{"ctr": "dcpEth$$Address", "ps": {}, "arg": "0x1"}, {"seen": 1}]})
    one, two = kvin.deserialize(text, constructors={"dcpEth$$Address": Address})
    assert one.text == "0x1"
    assert one is two
    unknown = kvin.deserialize(text)[0]
    assert (unknown.constructor, unknown.arguments) == ("dcpEth$$Address", ("0x1",))


# --- bounds --------------------------------------------------------------------------------------------------------


def _nested(levels: int, kind: str) -> Any:
    value: Any = kvin.UNDEFINED
    for _ in range(levels):
        match kind:
            case "list":
                value = [value]
            case "dict":
                value = {"a": value}
            case "map":
                value = kvin.Map([(1, value)])
            case "array":
                value = kvin.Array({1: value, 2: kvin.UNDEFINED}, 4)
            case "error":
                value = kvin.JSError("", {"a": value})
    return value


_KINDS = ("list", "dict", "map", "array", "error")


@pytest.mark.parametrize("kind", _KINDS)
def test_ten_thousand_levels_are_refused(kind: str) -> None:
    with pytest.raises(kvin.KvinError, match="deeper than 1000"):
        kvin.serialize(_nested(10_000, kind))
    with pytest.raises(kvin.KvinError, match="deeper than 1000"):
        kvin.serialize(_nested(10_000, kind), depth=100_000)


@pytest.mark.parametrize("kind", _KINDS)
def test_as_many_levels_as_may_be_come_back(kind: str) -> None:
    text = b""

    def work() -> None:
        nonlocal text
        text = kvin.serialize(_nested(999, kind))
        assert kvin.serialize(kvin.deserialize(text)) == text

    thread = threading.Thread(target=work)  # whose stack is smaller than the main thread's
    thread.start()
    thread.join()
    assert text


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"arr":[', '{"raw":', '{"ctr":0,"ps":{"a":', '{"resolve":'])
def test_texts_of_ten_thousand_levels_are_refused(opening: str) -> None:
    closing = "".join({"[": "]", "{": "}"}.get(bracket, "") for bracket in reversed(opening))
    text = f'{{"_serializeVerId":"v9","what":{opening * 10_000}1{closing * 10_000}}}'
    with pytest.raises(kvin.KvinError):
        kvin.deserialize(text)


def test_raw_values_count_as_levels() -> None:
    with pytest.raises(kvin.KvinError, match="deeper than 1000"):
        kvin.deserialize(f'{{"_serializeVerId":"v9","what":{{"raw":{"[" * 1500 + "]" * 1500}}}}}')


def test_a_cycle_of_plain_objects_is_no_deep_value() -> None:
    value: dict[str, Any] = {}
    value["a"] = {"b": value}
    again = _again(value)
    assert again["a"]["b"] is again


@pytest.mark.parametrize(
    "formula",
    [
        {"arr": [0, {"lst": 10**9}]},
        {"arr": [{"raw": "a"}, {"lst": 2**62}]},
        {"arr": [{"raw": {"a": 1}}, {"lst": 10**8}]},
        {"arr": [{"bigint": "9" * 4000}, {"lst": 10**6}]},
        {"arr": [{"ctr": 19, "arg": "2026-01-01T00:00:00.000Z"}, {"lst": 10**7}]},
        {"set": {"arr": [{"arr": [{"lst": 1}]}]}},
        {"ctr": 9, "isl8": [], "len": 2**40},
        {"ctr": 9, "isl16": [], "len": 2**40},
        {"arr": [{"ctr": 9, "isl8": [], "len": 2**20}, {"lst": 10**6}]},
        {"arr": [{"arr": [1, {"lst": 1000}]}, {"lst": 10**6}]},
    ],
)
def test_a_short_text_stands_for_no_more_than_may_be(formula: Any) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(kvin.KvinError):
            kvin.deserialize(_what(formula), memory=1 << 24)
        assert tracemalloc.get_traced_memory()[1] < 1 << 25
    finally:
        tracemalloc.stop()


def test_many_elements_that_take_no_room_but_their_place() -> None:
    shared = [1]
    assert kvin.deserialize(kvin.serialize([kvin.UNDEFINED] * 1_000_000), memory=1 << 25)[-1] is kvin.UNDEFINED
    again = kvin.deserialize(kvin.serialize([shared] * 1_000_000), memory=1 << 25)
    assert again[0] is again[-1]


def test_a_long_array_of_holes_takes_no_room() -> None:
    assert kvin.deserialize(_what({"arr": [], "len": 2**32 - 1}), memory=1 << 20).length == 2**32 - 1


def test_parts_of_what_is_written_have_a_bound() -> None:
    with pytest.raises(kvin.KvinError, match="more than 1000 parts"):
        kvin.serialize(list(range(2000)), items=1000)
    # One plain object in many places is written as often.
    plain: dict[str, Any] = {}
    for _ in range(60):
        plain = {"a": plain, "b": plain}
    with pytest.raises(kvin.KvinError, match="parts"):
        kvin.serialize(plain)


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "1", "[]", "{}", '{"what":1}', '{"_serializeVerId":"v9"}', '{"_serializeVerId":"v3","what":1}',
        '{"_serializeVerId":"v10","what":1}', '{"_serializeVerId":9,"what":1}', '{"_serializeVerId":["v9"],"what":1}',
        _what(None), _what([]), _what({}), _what({"x": 1}), _what({"seen": 0}), _what({"seen": -1}),
        _what({"arr": [{"seen": 1}]}), _what({"arr": 1}), _what({"arr": [None]}), _what({"arr": [{"lst": 1}]}),
        _what({"arr": [1, {"lst": -1}]}), _what({"arr": [1, {"lst": 1.5}]}), _what({"arr": [1, {"lst": True}]}),
        _what({"arr": [], "isl": {}}), _what({"arr": [], "isl": [1]}), _what({"arr": [], "isl": [{"@": 1}]}),
        _what({"arr": [], "isl": [{"@": -1, "arr": [1]}]}), _what({"arr": [], "isl": [{"@": 2**32, "arr": [1]}]}),
        _what({"arr": [], "ps": []}), _what({"arr": [], "len": -1}), _what({"arr": [], "len": 2**32}),
        _what({"number": "one"}), _what({"number": 1}), _what({"number": "1" * 10_000}), _what({"bigint": "1.5"}),
        _what({"bigint": 1}), _what({"bigint": "1" * 10_000}), _what({"json": "{"}), _what({"json": 1}),
        _what({"json": "\ud800"}), _what({"symbol": 1}), _what({"fnName": 1}), _what({"fnName": "f", "arg": 1}),
        _what({"mapKeys": {"arr": [1]}}), _what({"mapKeys": {"arr": [1]}, "mapVals": {"arr": []}}),
        _what({"mapKeys": [], "mapVals": []}), _what({"set": []}), _what({"set": {"set": {"arr": []}}}),
        _what({"ctr": 0, "ps": []}), _what({"ctr": 0, "args": 1}), _what({"ctr": 9, "ab8": 1}),
        _what({"ctr": 9, "ab8": "1234567"}), _what({"ctr": 2, "ab8": "\u0100"}), _what({"ctr": 0, "ab8": ""}),
        _what({"ctr": "Nope", "ab8": ""}), _what({"ab8": ""}), _what({"ctr": 2, "isl8": [], "len": -1}),
        _what({"ctr": 2, "isl8": []}), _what({"ctr": 2, "isl8": [{"0": "ab", "@": 1}], "len": 2}),
        _what({"ctr": 2, "isl8": [{"0": "ab", "@": 2**64}], "len": 2}), _what({"ctr": 2, "isl8": 1, "len": 2}),
        _what({"ctr": 2, "isl16": [{"0": "ab", "@": 1}], "len": 2}), _what({"ctr": 2, "ab16": "a", "eb": "xx"}),
        _what({"ctr": 2, "ab16": "", "eb": 256}), _what({"resolve": {"_serializeVerId": "v9"}}),
        _what({"_serializeVerId": "v9"}), _what({"ctr": 19, "ps": {"a": 1}, "arg": 0}),
    ],
)  # fmt: skip
def test_texts_that_are_no_values(text: str) -> None:
    with pytest.raises(kvin.KvinError) as raised:
        kvin.deserialize(text)
    assert raised.value.code == "EKVIN"
    assert len(str(raised.value)) < 300


def test_whole_numbers_that_are_no_doubles() -> None:
    with pytest.raises(kvin.KvinError, match="too large"):
        kvin.unmarshal({"_serializeVerId": "v9", "what": 10**400})


def test_other_threads_run_meanwhile() -> None:
    array = np.random.default_rng(1).random(1 << 20)
    objects = [{"id": index, "of": [index]} for index in range(30_000)]
    for value in (array, objects):
        text = kvin.serialize(value)
        assert others_run_beside(lambda value=value: kvin.serialize(value))  # type: ignore[misc]
        assert others_run_beside(lambda text=text: kvin.deserialize(text))  # type: ignore[misc]
