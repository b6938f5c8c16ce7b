"""Values of slices: what npm's programs read of ours, and what they would have written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from dialect_values import job_message, reply, slice_message

from dcp_protocol import kvin
from dcp_worker.dialects.choice import V4, V5
from dcp_worker.dialects.javascript_json import stringify
from dcp_worker.dialects.job_values import serialize_job_value
from dcp_worker.dialects.results import read_acknowledgement, upload_form
from dcp_worker.errors import SchedulerError
from dcp_worker.tasks.slices import SliceMetrics, Storage
from npm_calls import NpmCalls

pytestmark = pytest.mark.any_engine

# A value as our evaluator gives it, and as JavaScript has it.
VALUES: dict[str, tuple[Any, str]] = {
    "a text": ('a"\u00e9\U0001f600', "'a\"\u00e9\U0001f600'"),
    "a truth": (True, "true"),
    "-0": (-0.0, "-0"),
    "a number": (1.5, "1.5"),
    "NaN": (float("nan"), "NaN"),
    "undefined": (kvin.UNDEFINED, "undefined"),
    "a BigInt": (kvin.BigInt(5), "5n"),
    "a date": (datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC), "new Date('2026-01-02T03:04:05.678Z')"),
    "an object": ({"a": [1, None, "x"]}, "({a: [1, null, 'x']})"),
    "a typed array": (np.array([0, 128, 255, 1], np.uint8), "new Uint8Array([0, 128, 255, 1])"),
    "floats": (np.array([1.5, -2]), "new Float64Array([1.5, -2])"),
    "a map": (kvin.Map([(1, 2)]), "new Map([[1, 2]])"),
    "a URL": (kvin.URL("http://a/b"), "new URL('http://a/b')"),
}

# serializeJobValue of dcp-client/job-values.js: its switch over the type, with the serializers of the same package.
SERIALIZED = """(source) => {
  const KVIN = require("kvin");
  const value = (0, eval)(source);
  if (value instanceof URL) return JSON.stringify(KVIN.marshal(value));
  const json = typeof value === "string" || typeof value === "boolean" || Object.is(value, -0)
    || (typeof value === "object" && typeof value.toJSON === "function");
  const string = (json ? JSON : KVIN).stringify(value);
  const method = json ? "json" : "kvin";
  const marshalled = KVIN.marshal({ string, method, MIMEType: json ? "application/json" : "application/x-kvin" });
  return JSON.stringify(marshalled);
}"""


@pytest.mark.parametrize("name", VALUES)
def test_values_are_serialized_as_npm_does(npm: NpmCalls, name: str) -> None:
    value, source = VALUES[name]
    version: kvin.Version = 8 if npm.version.startswith("4") else 9
    ours = serialize_job_value(value, version, version)
    assert b"".join(ours.pieces).decode() == npm.call(SERIALIZED, source)


def test_null_is_a_value() -> None:
    text = b"".join(serialize_job_value(None, 8, 8).pieces)
    inside = kvin.deserialize(text)
    assert (inside["method"], kvin.deserialize(inside["string"])) == ("kvin", None)


JSON_OF = "(text) => JSON.stringify(require('kvin').parse(text))"


@pytest.mark.parametrize(
    "value",
    [
        {"a": kvin.UNDEFINED, "b": [kvin.UNDEFINED, float("inf"), -0.0]},
        kvin.Map([("a", 1)]),
        kvin.Set([1]),
        np.array([1.5, 2, float("nan")]),
        np.array([1, 2], np.uint8),
        datetime(2026, 1, 1, tzinfo=UTC),
        kvin.Boxed("a"),
        kvin.RegExp("a", "g"),
        kvin.JSError("message", {"code": "E", "stack": "s", "more": {"a": 1}}),
        kvin.Array({1: "a"}, 3),
        kvin.URL("http://a/"),
        "\ud800",
        "text",
        None,
    ],
)
def test_json_of_values_is_that_of_javascript(npm: NpmCalls, value: Any) -> None:
    text = stringify(value)
    assert text is not None
    assert text.decode() == npm.call(JSON_OF, kvin.serialize(value, 8).decode())


def test_what_has_no_json() -> None:
    assert stringify(kvin.UNDEFINED) is stringify(kvin.Function("f", "() => 1")) is None
    circle: list[Any] = []
    circle.append(circle)
    for value in (kvin.BigInt(1), circle, kvin.Array({}, 2**32 - 1)):
        with pytest.raises(ValueError, match="JSON"):
            stringify(value)


def pattern_slice(parameters: dict[str, Any]) -> Any:
    details = {"resultStorageType": "pattern", "resultStorageDetails": "http://a/", "resultStorageParams": parameters}
    answer = reply({"j": job_message(V4, "j")}, {"j": [slice_message(V4, "j", 7, **details)]})
    return V4.read_task(answer).slices[0]


@pytest.mark.parametrize(
    ("parameters", "value", "form"),
    [
        ({}, {"a": "b&c=\u00e9"}, [("contentType", "application/json"), ("element", "7"),
                                   ("content", '{"a":"b&c=\u00e9"}')]),
        ({}, 0, [("contentType", "application/json"), ("element", "7"), ("content", "0")]),
        ({"element": 3, "more": True}, None, [("element", "3"), ("more", "true"), ("contentType", "application/json"),
                                               ("content", "null")]),
        ({"contentType": "text/plain"}, "a b", [("contentType", "text/plain"), ("element", "7"), ("content", "a b")]),
        ({"contentType": "image/png"}, np.array([1, 255], np.uint8),
         [("contentType", "image/png"), ("element", "7"), ("content", "1,255")]),
        ({"contentType": "application/x-kvin"}, 5,
         [("contentType", "application/x-kvin"), ("element", "7"), ("content", '{"_serializeVerId":"v8","what":5}')]),
        ({"content": "theirs"}, 1, [("contentType", "application/json"), ("element", "7"), ("content", "1")]),
    ],
)  # fmt: skip
def test_forms_of_uploads(parameters: dict[str, Any], value: Any, form: list[tuple[str, str]]) -> None:
    body = upload_form(pattern_slice(parameters), value, 8)
    assert parse_qsl(body.decode(), keep_blank_values=True, encoding="utf-8") == form


def test_forms_are_escaped_as_npm_does(npm: NpmCalls) -> None:
    text = "".join(map(chr, range(1, 128))) + "\u00e9\U0001f600"
    body = upload_form(pattern_slice({"contentType": "text/plain"}), text, 8).decode()
    assert body.rpartition("content=")[2] == npm.call("(text) => encodeURIComponent(text)", text)


def test_a_content_type_that_is_none() -> None:
    with pytest.raises(SchedulerError, match="contentType"):
        upload_form(pattern_slice({"contentType": 5}), 1, 8)


def test_results_of_uploads_are_what_the_storage_answered(npm: NpmCalls) -> None:
    of = pattern_slice({})
    assert of.storage == Storage("http://a/", {})
    head = V4.result_head(of, "w", "0x1", SliceMetrics(cpu_time=1, total_time=2))
    answer = 'http://b/7?a=%20&b="'
    told = json.loads(bytes(head.with_answer(answer).text))
    assert told["result"] == npm.call("(text) => require('dcp/utils').encodeDataURI(text)", answer)
    assert told["metrics"]["CPUDensity"] == 0.5


@pytest.mark.parametrize(
    ("answer", "payment"),
    [({"slicePaymentAmount": "0.25"}, 0.25), ({"slicePaymentAmount": 2}, 2), ({"slicePaymentAmount": "x"}, 0),
     ({"slicePaymentAmount": "nan"}, 0), ({"slicePaymentAmount": -1}, 0), ({"slicePaymentAmount": 10**400}, 0),
     ({"slicePaymentAmount": 1e300}, 0), (None, 0), (True, 0), ([], 0)],
)  # fmt: skip
def test_payments(answer: Any, payment: float) -> None:
    assert read_acknowledgement(answer).payment == payment


def test_both_dialects_write_what_the_other_side_reads(npm: NpmCalls) -> None:
    dialect = V4 if npm.version.startswith("4") else V5
    job = dialect.read_task(reply({"j": job_message(dialect, "j", needCapabilities=64)}, {"j": []})).jobs["j"]
    text = b"".join(dialect.job_value({"a": np.array([1, 2], np.int16)}, job).pieces)
    read = """(text) => {
      const KVIN = require("kvin");
      const { string, method } = KVIN.unmarshal(JSON.parse(text));
      const { a } = KVIN.parse(string);
      return [method, a.constructor.name, Array.from(a)];
    }"""
    assert npm.call(read, text.decode()) == ["kvin", "Int16Array", [1, 2]]
