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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts import see

BATCH = 400
"""Values a run: one sandbox converts them all."""

quick = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.large_base_example,
        HealthCheck.data_too_large,
    ],
)


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


# Numbers travel as bit patterns and BigInts as text, so that JSON loses nothing.
HELPERS = """
const buffer = new DataView(new ArrayBuffer(8));
const number = (bits) => { buffer.setBigUint64(0, BigInt("0x" + bits)); return buffer.getFloat64(0); };
const bits = (value) => {
  if (typeof value !== "number") throw new TypeError(`${String(value)} is no number`);
  if (Number.isNaN(value)) return "NaN";
  buffer.setFloat64(0, value);
  return buffer.getBigUint64(0).toString(16);
};
const text = (value) => {
  if (typeof value !== "bigint") throw new TypeError(`${String(value)} is no BigInt`);
  return String(value);
};
/** Gives `value` to what `from` gets and gets it back, each way there is of crossing the border. */
const ways = (type, value) => {
  const type_ = type === "funcref" ? "anyfunc" : type;
  const initial = new WebAssembly.Global({ value: type_ }, value);
  const mutable = new WebAssembly.Global({ value: type_, mutable: true });
  mutable.value = value;
  const tag = new WebAssembly.Tag({ parameters: [type_] });
  const exception = new WebAssembly.Exception(tag, [value]);
  let seen;
  const e = exportsOf(type, { m: { give: () => value, take: (x) => { seen = x; }, tag, global: mutable,
    several: () => [value, value] } });
  e.pass(value);
  const [first, second] = e.both(value);
  const [third, fourth] = e.several();
  const thrown = caught(() => e.raise(value));
  return { export: e.echo(value), import: e.give(), argument: seen, first, second, third, fourth,
    initial: initial.value, mutable: mutable.value, inWasm: e.global(), payload: exception.getArg(tag, 0),
    thrown: thrown.getArg(tag, 0), caught: e.catches(value) };
};
"""


def module(kind: str) -> str:
    """Each way in which a value of the type crosses: parameter, result, results, import, global, exception."""
    return f"""(module
      (import "m" "give" (func $give (result {kind}))) (import "m" "take" (func $take (param {kind})))
      (import "m" "several" (func $several (result {kind} {kind})))
      (import "m" "tag" (tag $tag (param {kind}))) (import "m" "global" (global $global (mut {kind})))
      (func (export "echo") (param {kind}) (result {kind}) local.get 0)
      (func (export "both") (param {kind}) (result {kind} {kind}) local.get 0 local.get 0)
      (func (export "give") (result {kind}) call $give) (func (export "several") (result {kind} {kind}) call $several)
      (func (export "pass") (param {kind}) local.get 0 call $take)
      (func (export "global") (result {kind}) global.get $global)
      (func (export "raise") (param {kind}) local.get 0 throw $tag)
      (func (export "catches") (param {kind}) (result {kind})
        (block $caught (result {kind}) (try_table (catch $tag $caught) local.get 0 throw $tag) unreachable)))"""


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


# --- Several values ---

LETTERS = {"i": "i32", "l": "i64", "f": "f32", "d": "f64", "r": "externref"}


@given(signatures=st.lists(st.text("ilfdr", min_size=0, max_size=24), min_size=25, max_size=25))
@quick
def test_any_signature(tmp_path: Path, signatures: list[str]) -> None:
    """Values keep their places, as parameters and results of exports and of imports, however many they are."""

    def text(signature: str) -> str:
        kinds = " ".join(LETTERS[letter] for letter in signature)
        gets = " ".join(f"local.get {i}" for i in range(len(signature)))
        return f"""(module (import "m" "f" (func $f (param {kinds}) (result {kinds})))
          (func (export "own") (param {kinds}) (result {kinds}) {gets})
          (func (export "through") (param {kinds}) (result {kinds}) {gets} call $f))"""

    found = see(
        tmp_path,
        f"""
        const objects = Array.from({{ length: 24 }}, (_, i) => ({{ i }}));
        const make = {{ i: (i) => i - 7, l: (i) => BigInt(i) << 33n, f: (i) => i + 0.5, d: (i) => i / 3,
          r: (i) => objects[i] }};
        const signatures = {json.dumps(signatures)};
        results.wrong = [];
        signatures.forEach((signature, index) => {{
          const values = [...signature].map((letter, i) => make[letter](i));
          let given;
          const e = exportsOf(`module${{index}}`, {{ m: {{ f: (...all) => {{
            given = all;
            return all.length === 1 ? all[0] : all;
          }} }} }});
          for (const f of [e.own, e.through]) {{
            const result = f(...values);
            const list = values.length === 0 ? (result === undefined ? [] : ["something"])
              : values.length === 1 ? [result] : result;
            const same = (some) => some.length === values.length && some.every((x, i) => Object.is(x, values[i]));
            if (!same(list) || f.length !== values.length || (f === e.through && !same(given))) {{
              results.wrong.push(signature);
            }}
          }}
        }});
        """,
        **{f"module{i}": text(signature) for i, signature in enumerate(signatures)},
    )
    assert found["wrong"] == []


# --- References ---

REFERENCES = st.sampled_from(
    ["{}", "[]", "() => {}", "Symbol()", "Symbol.for('x')", "''", "'text'", "-0", "NaN", "1.5", "2n ** 80n", "true",
     "undefined", "null", "new Proxy({}, {})", "new Proxy(function () {}, {})", "Object.create(null)", "globalThis",
     "WebAssembly", "new WebAssembly.Tag({ parameters: [] })", "new Uint8Array(3)", "Promise.resolve()", "echo",
     "document()"]
)  # fmt: skip


@given(values=st.lists(REFERENCES, min_size=60, max_size=60))
@settings(quick, max_examples=1)
def test_externref_is_the_very_value(tmp_path: Path, values: list[str]) -> None:
    """In every place that holds one, tables included."""
    found = see(
        tmp_path,
        f"""
        const {{ echo }} = exportsOf("crosses", {{ m: {{ give() {{}}, take() {{}}, several: () => [1, 2],
          tag: new WebAssembly.Tag({{ parameters: ["externref"] }}),
          global: new WebAssembly.Global({{ value: "externref", mutable: true }}) }} }});
        const document = () => ({{ all: 1 }});
        const values = [{", ".join(values)}];
        {HELPERS}
        const table = new WebAssembly.Table({{ element: "externref", initial: values.length }});
        values.forEach((value, i) => table.set(i, value));
        modules.externref = modules.crosses;
        results.wrong = [];
        values.forEach((value, i) => {{
          const all = {{ ...ways("externref", value), table: table.get(i) }};
          // A missing value is one that is undefined.
          for (const [way, other] of Object.entries(all)) {{
            if (!Object.is(other, value)) results.wrong.push([i, way]);
          }}
        }});
        """,
        crosses=module("externref"),
    )
    assert found["wrong"] == []


def test_funcref_is_null_or_the_very_function(tmp_path: Path) -> None:
    found = see(
        tmp_path,
        f"""
        {HELPERS}
        const {{ one, two }} = exportsOf("functions");
        results.wrong = [];
        for (const value of [null, one, two]) {{
          for (const [way, other] of Object.entries(ways("funcref", value))) {{
            if (other !== value) results.wrong.push([String(value), way]);
          }}
        }}
        const refused = [undefined, {{}}, () => {{}}, Math.max, 1, "", 1n, Symbol(), one.bind(null),
          new Proxy(one, {{}})];
        results.refused = [...new Set(refused.map((value) => thrown(() => ways("funcref", value))))];
        """,
        functions='(module (func (export "one")) (func (export "two") (param i32) (result i32) local.get 0))',
        funcref=module("funcref"),
    )
    assert found == {"wrong": [], "refused": ["TypeError"]}


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
