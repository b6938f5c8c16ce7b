"""``data:`` URIs, against npm's fetch-uri.js and encodeDataURI.js."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcp_protocol.uris import UndecodableError, decode_data_uri, encode_data_uri
from npm_calls import JavaScriptError, NpmCalls

pytestmark = pytest.mark.any_engine

DECODE = """async (uri) => {
  const { fetchURIAndLength } = require("dcp/utils");
  const { data, size } = await fetchURIAndLength(uri, false, null);
  const value = data instanceof Uint8Array ? { bytes: Array.from(data) } : data instanceof String ? String(data) : data;
  return { value, size };
}"""
ENCODE = "(value, type) => require('dcp/utils').encodeDataURI(value, type)"

TYPES = [
    "", "text/plain", "text/html", "text/html;charset=latin1", "text/plain;charset=utf-8",
    "text/plain;charset=UTF8;base64", "text/plain;base64", ";base64", "text/plain;charset=",
    "text/plain; charset=utf-8", "text/plain;charset=koi8-r", "application/json", "application/json;charset=utf-8",
    "application/json;base64", "APPLICATION/JSON", "image/png;base64", "application/octet-stream",
    "application/octet-stream;base64", "text", "application", "text/plain;a=b=c;base64=",
]  # fmt: skip
PAYLOADS = [
    "", "abc", "a%20b", "%3B%2f%3F%3a%40%26%3D%2B%24%2C%23%25", "%", "%4", "%zz", "%C3%A9", "%c3%a9%2F%C3",
    "%F0%9F%98%80", "%ED%A0%80", "%C0%80", "%F5%80%80%80", "é😀", "YWJj", "YWJ", "YW==", "YQ=", "Y Q\t==", "YQ===",
    "Y=Q=", "_-8=", "+/8=", "8J+YgD8=", "%22x%22", '{"a":[1,2.5,null,true]}', "eyJhIjoxfQ==", "IngiCg==", "é",
    "7+/", "%00", "?#&", "YR==", "Y\xa0Q==", "YQ\x0b==",
]  # fmt: skip


def npms(npm: NpmCalls, uri: str) -> Any:
    try:
        return npm.call(DECODE, uri)
    except JavaScriptError:
        return "error"


def same(npm: NpmCalls, uri: str) -> bool:
    """Whether both decode it alike; broken base64 counts where npm's newer version makes something of it."""
    if npm.version == "5.6.1" and ";base64" in uri and ours(uri) == "error":
        return True
    return bool(ours(uri) == npms(npm, uri))


def ours(uri: str) -> Any:
    try:
        found = decode_data_uri(uri)
    except UndecodableError:
        return "error"
    value = {"bytes": list(found.value)} if isinstance(found.value, bytes) else found.value
    return {"value": value, "size": found.size}


@pytest.mark.parametrize("media_type", TYPES)
def test_decoding_is_npms(npm: NpmCalls, media_type: str) -> None:
    uris = [f"data:{media_type},{payload}" for payload in PAYLOADS] + [f"data:{media_type}"]
    assert [uri for uri in uris if not same(npm, uri)] == []


@settings(max_examples=300)
@given(
    media_type=st.sampled_from(TYPES),
    parts=st.lists(
        st.sampled_from(["%", "a", "=", "%C3", "%A9", "%2F", "%f0%9f", "é", "😀", "A", "Q", "+", " ", "1", '"'])
    ),
)
def test_random_payloads_decode_as_npms(npm: NpmCalls, media_type: str, parts: list[str]) -> None:
    uri = f"data:{media_type},{''.join(parts)}"
    assert same(npm, uri)


@settings(max_examples=300)
@given(value=st.text() | st.booleans(), media_type=st.sampled_from([None, "text/plain", "text/x", "application/json"]))
def test_encoding_is_npms(npm: NpmCalls, value: str | bool, media_type: str | None) -> None:
    if isinstance(value, bool) and media_type not in (None, "application/json"):
        media_type = "application/json"
    encoded = encode_data_uri(value, media_type)
    assert encoded == npm.call(ENCODE, value, *([media_type] if media_type else []))


@pytest.mark.parametrize("media_type", ["application/javascript", "text/plain;base64", "application/json"])
def test_encoding_by_type_is_npms(npm: NpmCalls, media_type: str) -> None:
    values: list[Any] = ["x => x + 1 // ?é%", "data:,x"] + ([{"a": [1, 1e21, "é"]}] if "json" in media_type else [])
    assert [encode_data_uri(value, media_type) for value in values] == [npm.call(ENCODE, v, media_type) for v in values]


def test_kvin_is_npms(npm: NpmCalls) -> None:
    value = {"a": [1, None, {"b": "é%;"}], "c": 2.5}
    uri = encode_data_uri(value, kvin_version=8 if npm.version == "4.4.29" else 9)
    assert uri == npm.call(ENCODE, value)
    assert decode_data_uri(uri).value == value == npm.call(DECODE, uri)["value"]
    numbers = decode_data_uri(npm.call("() => require('dcp/utils').encodeDataURI(new Float64Array([1, 2.5]))")).value
    assert (numbers.dtype, list(numbers)) == (np.float64, [1, 2.5])


@given(st.text())
def test_text_survives(text: str) -> None:
    if not text.startswith("data:"):
        assert decode_data_uri(encode_data_uri(text)).value == text


@given(st.binary())
def test_bytes_survive(data: bytes) -> None:
    assert decode_data_uri(encode_data_uri(data, "application/octet-stream")).value == data


def test_what_cannot_be_encoded_is_told() -> None:
    with pytest.raises(ValueError, match="character 1: a lone surrogate"):
        encode_data_uri("a\ud800")
    with pytest.raises(ValueError, match="a value of type int is no text/plain"):
        encode_data_uri(3, "text/plain")


@pytest.mark.parametrize("payload", ["%41" * 200_000, "%" * 500_000, "%C3" * 200_000, "a%2F" * 200_000, "=" * 800_000])
def test_decoding_takes_linear_time(payload: str) -> None:
    """What takes quadratic time takes minutes here."""
    start = time.process_time()
    for media_type in ("", "text/plain;base64", "image/png"):
        ours(f"data:{media_type},{payload}")
    ours("data:" + payload.replace("%", ";"))
    assert time.process_time() - start < 60
