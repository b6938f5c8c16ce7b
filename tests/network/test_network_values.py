"""What jobs on networks send and take: values, groups, the scheduler's word of where its services are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from dcp_evaluator.errors import NetworkError
from dcp_evaluator.frames.values import AsNumbers
from dcp_evaluator.networks.deployment import Service
from dcp_evaluator.networks.location import read_services
from dcp_evaluator.networks.submission import is_of_numbers
from dcp_evaluator.networks.terms import Terms
from dcp_evaluator.networks.values import from_kvin, text_of, to_kvin, weight
from dcp_protocol import kvin
from dcp_protocol.keys.hashes import eh1

pytestmark = pytest.mark.any_engine


def through(value: Any) -> Any:
    return from_kvin(kvin.deserialize(kvin.serialize(to_kvin(value), 8)))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=kind).reshape(2, 3)
        for kind in ("i1", "u1", ">i2", "<u2", "i4", ">u4", "i8", "u8", "f2", "f4", ">f8")
    ],
    ids=lambda array: str(array.dtype),
)
def test_arrays_go_flat_with_their_type(array: np.ndarray) -> None:
    back = through(array[:, ::-1])
    assert back.dtype == array.dtype.newbyteorder("<")
    assert back.tolist() == array[:, ::-1].ravel().tolist()


def test_other_values() -> None:
    moment = datetime(2026, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)
    value = {"a": (1, 2**70, -0.5, None, True), "b": [moment, np.float32(0.5), np.bool_(True)], "": {"c": "é\0🙂"}}
    assert through(value) == {
        "a": [1, 2**70, -0.5, None, True], "b": [moment, 0.5, True], "": {"c": "é\0🙂"}
    }  # fmt: skip
    assert through(b"\0\xff").tolist() == [0, 255]
    assert through(np.array([True, False])).tolist() == [1, 0]
    assert through(AsNumbers({"x": np.array([1, 2])}))["x"].dtype == np.float64


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, {1, 2}, np.array(["a"]), np.array([1j]), np.ma.masked_array([1]), AsNumbers(2**60)]
)
def test_what_cannot_be_sent_is_told(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        to_kvin([value])


def test_a_value_that_contains_itself_is_told() -> None:
    around: list[Any] = []
    around.append(around)
    with pytest.raises(ValueError, match="contains itself"):
        to_kvin([around])


@pytest.mark.parametrize(
    "value",
    [kvin.Map([(1, 2)]), kvin.Set([1]), kvin.RegExp("a"), kvin.Symbol("s"), kvin.Constructed("Car"),
     kvin.Array({0: 1}, 2**32 - 1), kvin.Function("f", "() => 1"), kvin.Promise(1), kvin.JSError("no")],
)  # fmt: skip
def test_what_python_has_not_is_told(value: Any) -> None:
    with pytest.raises(ValueError, match="no counterpart in Python"):
        from_kvin([value])


def test_results_that_javascript_has_in_other_ways() -> None:
    value = [kvin.UNDEFINED, kvin.Boxed(1.5), kvin.DataView(b"ab"), kvin.Array({1: "x"}, 3), kvin.BigInt(5)]
    assert from_kvin(value) == [None, 1.5, b"ab", [None, "x", None], 5]
    assert type(from_kvin(kvin.BigInt(5))) is int


def test_a_console_shows_its_arguments() -> None:
    arguments = ["x is", 2.0, None, True, kvin.UNDEFINED, {"a": [1, "b"]}, np.array([1, 2]), kvin.JSError("no")]
    assert text_of(arguments) == "x is 2 null true undefined {a: [1, b]} [1, 2] Error: no"


def test_long_values_weigh_more() -> None:
    assert weight(np.zeros(1000)) > 8000
    assert weight([np.zeros(1000)] * 5000) > 40_000_000
    assert weight({"a": "b" * 1000}) > 1000
    assert 0 < weight([]) < 100


def test_groups_prove_what_they_know_in_one_session_only() -> None:
    groups = [{"join_key": "a", "join_secret": "s"}, {"join_key": "b", "join_hash": " eh1-00 11 "}]
    terms = Terms.of(0, None, groups, {})
    assert terms.proofs("session") == [
        {"joinKey": "a", "joinHashHash": eh1("session" + eh1("a s"))},
        {"joinKey": "b", "joinHashHash": eh1("sessioneh1-0011")},
    ]
    assert "eh1" not in repr(terms)
    assert Terms.of(0, None, None, {}).proofs("")[0]["joinKey"] == "public"


@pytest.mark.parametrize(
    "groups", ["lab", [], ["lab"], [{}], [{"join_key": "a"}], [{"join_key": "a", "secret": "b"}],
               [{"join_key": "a", "join_secret": "b", "join_hash": "c"}], [{"join_key": "a", "join_secret": 1}]],
)  # fmt: skip
def test_groups_that_say_nothing_are_refused(groups: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Terms.of(0, None, groups, {})


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [(range(5), True), (range(-3, 9, 2), True), (range(9, 0, -1), True), (range(0), False), ([1], False),
     (range(2**53, 2**53 + 2), False)],
)  # fmt: skip
def test_which_data_are_not_uploaded(inputs: Any, expected: bool) -> None:
    assert is_of_numbers(inputs) is expected


def test_where_services_are() -> None:
    url = kvin.Constructed("dcpUrl$$DcpURL", ("http://h:1/dcp/",))
    told = {"scheduler": {"services": {service.value: {"location": url} for service in Service}}}
    assert set(read_services(kvin.serialize(told, 9), "http://h/").values()) == {"http://h:1/dcp/"}
    del told["scheduler"]["services"]["eventRouter"]
    with pytest.raises(NetworkError, match="eventRouter"):
        read_services(kvin.serialize(told, 8), "http://h/")
    for text in (b"<html>", b'{"a": 1}', b"null"):
        with pytest.raises(NetworkError, match="is that the location of a DCP scheduler"):
            read_services(text, "http://h/")
