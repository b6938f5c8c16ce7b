"""Values that cross between JavaScript and wasm."""

from __future__ import annotations

import json
import math
import random
import struct
from pathlib import Path

import numpy as np

from scripts import VALUES, see


def test_numbers_cross_the_border_as_ecmascript_converts_them(tmp_path: Path) -> None:
    chosen = random.Random(7)
    numbers = [
        0.0,
        -0.0,
        1.5,
        -1.5,
        2.0**31,
        2.0**32 - 1,
        2.0**32,
        -(2.0**31) - 1,
        2.0**53,
        1e300,
        -1e300,
        5e-324,
        1e-40,
    ]
    numbers += [chosen.uniform(-1, 1) * 2.0 ** chosen.randrange(-160, 160) for _ in range(300)]
    integers = [0, 1, -1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64, 2**64 + 5, -(2**64) - 5, 10**30]
    integers += [chosen.randrange(-(2**70), 2**70) for _ in range(300)]
    found = see(
        tmp_path,
        f"""
        const numbers = {json.dumps(numbers)};
        const integers = {json.dumps([str(i) for i in integers])}.map(BigInt);
        const e = exportsOf("values");
        const bits = new DataView(new ArrayBuffer(8));
        const hex = (value) => {{ bits.setFloat64(0, value); return bits.getBigUint64(0).toString(16); }};
        results.i32 = numbers.map((value) => e.i32(value));
        results.u32 = numbers.map((value) => Number(e.i32u(value)));
        results.f32 = numbers.map((value) => hex(e.f32(value)));
        results.f64 = numbers.map((value) => hex(e.f64(value)));
        results.i64 = integers.map((value) => String(e.i64(value)));
        results.many = numbers.map((value, i) => {{
          const [a, b, c, d] = e.many(value, integers[i % integers.length], value, value);
          return hex(a) === hex(value) && hex(b) === hex(Math.fround(value)) && d === (value | 0)
            && c === BigInt.asIntN(64, integers[i % integers.length]);
        }}).every(Boolean);
        results.odd = [e.i32("12"), e.i32(null), e.i32(undefined), e.i32(), e.i32({{ valueOf: () => 3 }}), e.i32(NaN),
          e.i32(true), e.f64("x"), e.f64(), e.f64(Infinity), e.f32(1e39), String(e.i64("7")), String(e.i64(true))]
          .map(String);
        results.wrong = [thrown(() => e.i32(1n)), thrown(() => e.f32(1n)), thrown(() => e.f64(Symbol())),
          thrown(() => e.i64(1)), thrown(() => e.i64()), thrown(() => e.i64("x"))];
        const boom = new Error();
        results.thrown = caught(() => e.i32({{ valueOf() {{ throw boom; }} }})) === boom;
        """,
        values=VALUES,
    )

    def to_int32(value: float) -> int:
        bits = math.trunc(value) & 0xFFFFFFFF
        return bits - 2**32 if bits >= 2**31 else bits

    def to_int64(value: int) -> int:
        bits = value & (2**64 - 1)
        return bits - 2**64 if bits >= 2**63 else bits

    def pattern(value: float) -> str:
        return format(struct.unpack(">Q", struct.pack(">d", value))[0], "x")

    with np.errstate(over="ignore"):
        rounded = [float(np.float32(value)) for value in numbers]
    assert found["i32"] == [to_int32(value) for value in numbers]
    assert found["u32"] == [to_int32(value) & 0xFFFFFFFF for value in numbers]
    assert found["f32"] == [pattern(value) for value in rounded]
    assert found["f64"] == [pattern(value) for value in numbers]
    assert found["i64"] == [str(to_int64(value)) for value in integers]
    assert found["many"] is True
    assert found["odd"] == ["12", "0", "0", "0", "3", "0", "1", "NaN", "NaN", "Infinity", "Infinity", "7", "1"]
    assert found["wrong"] == ["TypeError"] * 5 + ["SyntaxError"]
    assert found["thrown"] is True


def test_results_of_imports(tmp_path: Path, engine: str) -> None:
    assert see(
        tmp_path,
        """
        const call = (f) => exportsOf("several", { m: { f } }).g();
        function* generate() { yield 1; yield 2n; yield 3.5; }
        results.shapes = [call(() => [1, 2n, 3.5]), call(generate), call(() => new Set([1, 2n, 3.5])),
          call(() => ["1", "2", "3.5"])].map((values) => [Array.isArray(values), ...values.map(String)]);
        results.wrong = [call.bind(null, () => [1, 2n]), call.bind(null, () => [1, 2n, 3, 4]), call.bind(null, () => 1),
          call.bind(null, () => {}), call.bind(null, () => [1, 2, 3]), call.bind(null, () => "123")].map(thrown);
        const one = (f) => exportsOf("one", { m: { f } }).g();
        results.one = [one(() => 7.9), one(() => undefined), one(() => "8"), thrown(() => one(() => 1n)),
          thrown(() => one(() => Symbol()))];
        let seen;
        const strict = function () { "use strict"; seen = [this === undefined, ...[...arguments].map(String)]; };
        exportsOf("args", { m: { f: strict } }).g();
        results.args = seen;
        results.none = exportsOf("none", { m: { f: () => Symbol() } }).g() === undefined;
        const sloppy = new Function("if (this !== globalThis) throw 1");
        results.sloppy = exportsOf("none", { m: { f: sloppy } }).g() === undefined;
        results.bound = exportsOf("one", { m: { f: function () { return this.x; }.bind({ x: 9 }) } }).g();
        results.proxied = exportsOf("one", { m: { f: new Proxy(() => 4, {}) } }).g();
        results.klass = thrown(() => exportsOf("none", { m: { f: class {} } }).g());
        """,
        several="""(module (import "m" "f" (func $f (result i32 i64 f64)))
          (func (export "g") (result i32 i64 f64) call $f))""",
        one='(module (import "m" "f" (func $f (result i32))) (func (export "g") (result i32) call $f))',
        none='(module (import "m" "f" (func $f)) (func (export "g") call $f))',
        args="""(module (import "m" "f" (func $f (param i32 i64 f32 f64 externref funcref))) (func (export "g")
          i32.const -1 i64.const -2 f32.const 0.5 f64.const nan ref.null extern ref.null func call $f))""",
    ) == {
        "shapes": [[True, "1", "2", "3.5"]] * 4,
        "wrong": ["TypeError"] * 5 + ["TypeError" if engine == "quickjs" else "nothing"],  # V8 iterates strings
        "one": [7, 0, 8, "TypeError", "TypeError"],
        "args": [True, "-1", "-2", "0.5", "NaN", "null", "null"],
        "none": True,
        "sloppy": True,
        "bound": 9,
        "proxied": 4,
        "klass": "TypeError",
    }


def test_many_parameters_and_results(tmp_path: Path) -> None:
    """More than the border keeps without an allocation."""
    count = 60
    kinds = " ".join(["i32", "f64", "i64"][i % 3] for i in range(count))
    gets = " ".join(f"local.get {i}" for i in range(count))
    assert see(
        tmp_path,
        f"""
        const values = Array.from({{ length: {count} }}, (_, i) => (i % 3 === 2 ? BigInt(i) : i));
        const e = exportsOf("wide", {{ m: {{ f: (...args) => args }} }});
        const same = (list) => list.length === values.length && list.every((value, i) => value === values[i]);
        results.export = same(e.f(...values));
        results.import = same(e.g(...values));
        results.length = e.f.length;
        """,
        wide=f"""(module (import "m" "f" (func $f (param {kinds}) (result {kinds})))
          (func (export "f") (param {kinds}) (result {kinds}) {gets})
          (func (export "g") (param {kinds}) (result {kinds}) {gets} call $f))""",
    ) == {"export": True, "import": True, "length": count}


def test_arguments_whose_conversion_calls_or_throws(tmp_path: Path) -> None:
    """Each call has its own place for numbers, and none runs where an argument does not convert."""
    assert see(
        tmp_path,
        """
        let calls = 0;
        const { f } = exportsOf("sum", { m: { count: () => { calls++; } } });
        const eight = { valueOf: () => f(3, 5, 0n)[0] };
        results.nested = f(1, eight, 7n).map(String);
        results.extra = f(1, 2, 7n, { valueOf() { throw new Error("never read"); } }).map(String);
        const before = calls;
        results.thrown = String(caught(() => f(1, { valueOf() { throw new Error("no number"); } }, 7n)));
        results.missing = caught(() => f(1, 2)) instanceof TypeError;
        results.ran = calls - before;
        const sum = f;
        results.plain = String(sum(-1, 0.5, 2n ** 63n));
        """,
        sum="""(module (import "m" "count" (func $count))
          (func (export "f") (param i32 f64 i64) (result f64 i64) call $count
            (f64.add (f64.convert_i32_s (local.get 0)) (local.get 1)) (local.get 2)))""",
    ) == {
        "nested": ["9", "7"],
        "extra": ["3", "7"],
        "thrown": "Error: no number",
        "missing": True,
        "ran": 0,
        "plain": f"-0.5,{-(2**63)}",
    }


def test_references(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const e = exportsOf("refs", { m: { f: (x) => x } });
        const values = [{}, [], () => {}, Symbol("s"), "text", 1.5, 10n, true, null, NaN, new Proxy({}, {}), e];
        results.identity = values.map((value) => Object.is(e.echo(value), value)
          && Object.is(e.through(value), value));
        results.undefined = [e.echo(undefined) === undefined, e.echo() === undefined];
        results.isNull = [e.isNull(null), e.isNull(undefined), e.isNull(0)];
        results.func = [e.funcEcho(null), e.funcEcho(e.echo) === e.echo];
        results.funcWrong = [undefined, () => {}, {}, 1, Math.max].map((value) => thrown(() => e.funcEcho(value)));
        results.call = e.call(e.seven);
        results.callNull = thrown(() => e.call(null));
        // A store's references come and go.
        for (let i = 0; i < 200000; i++) e.echo({ i });
        results.kept = e.keep({ deep: { value: 42 } }) === undefined && e.kept().deep.value === 42;
        results.v128 = [thrown(() => exportsOf("v128").f()), thrown(() => exportsOf("v128").g(1)),
          thrown(() => exportsOf("v128import", { m: { f: () => 1 } }).g())];
        """,
        refs="""(module (import "m" "f" (func $f (param externref) (result externref)))
          (global $kept (mut externref) (ref.null extern)) (type $i (func (result i32))) (table 1 funcref)
          (func (export "echo") (param externref) (result externref) local.get 0)
          (func (export "through") (param externref) (result externref) local.get 0 call $f)
          (func (export "isNull") (param externref) (result i32) local.get 0 ref.is_null)
          (func (export "funcEcho") (param funcref) (result funcref) local.get 0)
          (func (export "keep") (param externref) local.get 0 global.set $kept)
          (func (export "kept") (result externref) global.get $kept)
          (func (export "seven") (result i32) i32.const 7)
          (func (export "call") (param funcref) (result i32)
            i32.const 0 local.get 0 table.set 0 i32.const 0 call_indirect (type $i)))""",
        v128="""(module (func (export "f") (result v128) v128.const i64x2 0 0) (func (export "g") (param v128)))""",
        v128import='(module (import "m" "f" (func $f (result v128))) (func (export "g") call $f drop))',
    ) == {
        "identity": [True] * 12,
        "undefined": [True, True],
        "isNull": [1, 0, 0],
        "func": [None, True],
        "funcWrong": ["TypeError"] * 5,
        "call": 7,
        "callNull": "RuntimeError",
        "kept": True,
        "v128": ["TypeError"] * 3,
    }
