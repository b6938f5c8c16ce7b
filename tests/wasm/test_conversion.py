"""Properties of value conversion at the border (ToWebAssemblyValue, ToJSValue), for values that hypothesis finds.

A sandbox converts many values in one run; what they must become is worked out here, from the rules of ECMAScript.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossings import HELPERS, module, quick
from scripts import see

BATCH = 400
"""Values a run: one sandbox converts them all."""


def _double(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


# Bit patterns reach what no list of doubles does: payloads of NaN, denormals, both zeros.
bits64 = st.integers(0, 2**64 - 1)
edges = st.sampled_from([0, 1, 2**31, 2**32, 2**53, 2**63, 2**64]).flatmap(
    lambda middle: st.integers(-2, 2).flatmap(lambda step: st.sampled_from([middle + step, -middle + step]))
)
numbers = st.one_of(
    st.floats(width=64),
    st.floats(width=32),
    edges.map(float),
    bits64.map(_double),
    st.floats(-10, 10),
)
integers = st.one_of(edges, st.integers(-(2**70), 2**70), st.integers(-(2**200), 2**200))


def batches(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=BATCH, max_size=BATCH)


def _bits(value: float) -> str:
    """The bit pattern, with one NaN for all: which one JavaScript shows is the implementation's choice."""
    return "NaN" if math.isnan(value) else format(struct.unpack("<Q", struct.pack("<d", value))[0], "x")


def to_int32(value: float) -> int:
    """ToInt32, ECMAScript 7.1.6."""
    if not math.isfinite(value):
        return 0
    return (math.trunc(value) + 2**31) % 2**32 - 2**31


def to_bigint64(value: int) -> int:
    """ToBigInt64, ECMAScript 7.1.15."""
    return (value + 2**63) % 2**64 - 2**63


def fround(value: float) -> float:
    """Math.fround: the nearest f32, ties to even."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.float32(value))


WAYS = 13


def convert(tmp_path: Path, kind: str, literals: Sequence[str], show: str, each: str = "") -> list[Any]:
    """What each of the JavaScript values became, shown with ``show``; all ways must agree on it."""
    found = see(
        tmp_path,
        f"""
        {HELPERS}
        const take = () => {{}};
        const values = [{", ".join(literals)}];
        const tag = new WebAssembly.Tag({{ parameters: ["{kind}"] }});
        let current, seen;
        const mutable = new WebAssembly.Global({{ value: "{kind}", mutable: true }});
        const e = exportsOf("crosses", {{ m: {{ give: () => current, take: (x) => {{ seen = x; }}, tag, global: mutable,
          several: () => [current, current] }} }});
        results.seen = values.map((value) => {{
          current = value;
          mutable.value = value;
          e.pass(value);
          const ways = [e.echo(value), ...e.both(value), e.give(), ...e.several(), seen, mutable.value, e.global(),
            new WebAssembly.Global({{ value: "{kind}" }}, value).value,
            new WebAssembly.Exception(tag, [value]).getArg(tag, 0),
            caught(() => e.raise(value)).getArg(tag, 0), e.catches(value)].map({show});
          if (ways.length !== {WAYS} || ways.some((way) => way !== ways[0])) throw new Error(ways.join());
          return ways[0];
        }});
        """,
        crosses=module(kind),
    )
    seen: list[Any] = found["seen"]
    return seen


def literals(values: Sequence[float]) -> list[str]:
    return [f'number("{struct.pack(">d", value).hex()}")' for value in values]


@given(values=batches(numbers))
@quick
def test_i32_is_to_int32(tmp_path: Path, values: list[float]) -> None:
    assert convert(tmp_path, "i32", literals(values), "bits") == [_bits(float(to_int32(value))) for value in values]


@given(values=batches(numbers))
@quick
def test_f32_is_the_nearest_one(tmp_path: Path, values: list[float]) -> None:
    assert convert(tmp_path, "f32", literals(values), "bits") == [_bits(fround(value)) for value in values]


@given(values=batches(numbers))
@quick
def test_f64_is_unchanged(tmp_path: Path, values: list[float]) -> None:
    assert convert(tmp_path, "f64", literals(values), "bits") == [_bits(value) for value in values]


@given(values=batches(integers))
@quick
def test_i64_is_to_bigint64(tmp_path: Path, values: list[int]) -> None:
    assert convert(tmp_path, "i64", [f"{value}n" for value in values], "text") == [
        str(to_bigint64(value)) for value in values
    ]


@given(values=batches(st.one_of(integers.map(str), st.booleans(), edges.map(abs).map(hex))))
@quick
def test_i64_of_what_is_no_bigint_is_converted_first(tmp_path: Path, values: list[str | bool]) -> None:
    """ToBigInt takes strings and booleans."""
    assert convert(tmp_path, "i64", [json.dumps(value) for value in values], "text") == [
        str(to_bigint64(int(value, 0) if isinstance(value, str) else int(value))) for value in values
    ]


@pytest.mark.parametrize("kind", ["i32", "f32", "f64"])
@given(values=batches(st.one_of(numbers.filter(math.isfinite), st.booleans(), st.none(), st.just("undefined"))))
@settings(quick, max_examples=1)
def test_numbers_of_other_values(tmp_path: Path, kind: str, values: list[float | bool | str | None]) -> None:
    """ToNumber: of text, booleans, null, undefined, and of objects by their valueOf."""

    def number(value: float | bool | str | None) -> float:
        return math.nan if value == "undefined" else 0.0 if value is None else float(value)

    def literal(index: int, value: float | bool | str | None) -> str:
        text = (
            json.dumps(repr(value))
            if type(value) is float
            else "undefined"
            if value == "undefined"
            else json.dumps(value)
        )
        return [text, f"{{ valueOf: () => {text} }}", f"{{ [Symbol.toPrimitive]: () => {text} }}"][index % 3]

    into = {"i32": lambda value: float(to_int32(value)), "f32": fround, "f64": lambda value: value}[kind]
    assert convert(tmp_path, kind, [literal(i, value) for i, value in enumerate(values)], "bits") == [
        _bits(into(number(value))) for value in values
    ]


# --- Bit patterns ---


@given(patterns=batches(bits64))
@quick
def test_wasm_s_own_bits_reach_javascript(tmp_path: Path, patterns: list[int]) -> None:
    """Reinterpreted in wasm: what JavaScript gets as a number is what these bits say."""
    found = see(
        tmp_path,
        f"""
        {HELPERS}
        const e = exportsOf("bits");
        const patterns = [{", ".join(f"{pattern}n" for pattern in patterns)}];
        results.f64 = patterns.map((pattern) => bits(e.f64(pattern)));
        results.f32 = patterns.map((pattern) => bits(e.f32(Number(pattern & 0xffffffffn))));
        results.back = patterns.map((pattern) => BigInt.asUintN(64, e.back(e.f64(pattern))) === pattern
          || Number.isNaN(e.f64(pattern))).every(Boolean);
        """,
        bits="""(module (func (export "f64") (param i64) (result f64) local.get 0 f64.reinterpret_i64)
          (func (export "f32") (param i32) (result f32) local.get 0 f32.reinterpret_i32)
          (func (export "back") (param f64) (result i64) local.get 0 i64.reinterpret_f64))""",
    )
    singles = [struct.unpack("<f", struct.pack("<I", pattern & 0xFFFFFFFF))[0] for pattern in patterns]
    assert found == {
        "f64": [_bits(_double(pattern)) for pattern in patterns],
        "f32": [_bits(single) for single in singles],
        "back": True,
    }


# --- What is refused ---

BAD = {
    "i32": ["1n", "Symbol()", "Object.create(null)", "{ valueOf: () => 1n }"],
    "f32": ["1n", "Symbol()", "Object.create(null)", "{ valueOf: () => 1n }"],
    "f64": ["1n", "Symbol()", "Object.create(null)", "{ valueOf: () => 1n }"],
    "i64": ["1", "0", "NaN", "undefined", "null", "Symbol()", "Object.create(null)", "{ valueOf: () => 1 }"],
}


@pytest.mark.parametrize("kind", BAD)
def test_values_that_do_not_convert(tmp_path: Path, kind: str) -> None:
    """A TypeError, and where conversion throws itself, that very object; in every way."""
    found = see(
        tmp_path,
        f"""
        const own = new Error("own");
        const values = [{", ".join(BAD[kind])}];
        const boom = {{ valueOf() {{ throw own; }} }};
        let current;
        const tag = new WebAssembly.Tag({{ parameters: ["{kind}"] }});
        const global = new WebAssembly.Global({{ value: "{kind}", mutable: true }});
        const e = exportsOf("crosses", {{ m: {{ give: () => current, take() {{}}, tag, global,
          several: () => [current, current] }} }});
        const all = [(x) => e.echo(x), (x) => e.both(x), (x) => {{ current = x; e.give(); }},
          (x) => {{ current = x; e.several(); }}, (x) => e.pass(x), (x) => {{ global.value = x; }},
          (x) => new WebAssembly.Exception(tag, [x]), (x) => e.raise(x),
          (x) => x === undefined || new WebAssembly.Global({{ value: "{kind}" }}, x)];
        results.names = values.map((value) => [...new Set(all.map((way) => thrown(() => way(value))))]);
        results.own = all.every((way) => caught(() => way(boom)) === own);
        results.after = String(global.value);
        """,
        crosses=module(kind),
    )
    # A missing argument is one that is undefined; only Global has a default for it.
    names = [["TypeError"] if value != "undefined" else ["TypeError", "nothing"] for value in BAD[kind]]
    assert found == {"names": names, "own": True, "after": "0"}
