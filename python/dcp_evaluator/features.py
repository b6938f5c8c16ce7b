"""What the probe tries in a sandbox: JavaScript bodies that return true, WebAssembly modules whose ``t`` returns 42."""

from __future__ import annotations

JAVASCRIPT = {
    "Array.fromAsync": "return typeof Array.fromAsync === 'function'",
    "ArrayBuffer.prototype.transfer": "return new ArrayBuffer(8).transfer(4).byteLength === 4",
    "Atomics": "return Atomics.add(new Int32Array(4), 0, 1) === 0",
    "Atomics.waitAsync": "return typeof Atomics.waitAsync === 'function'",
    "BigInt": "return 2n ** 64n === 18446744073709551616n",
    "class static blocks": "class A { static x; static { this.x = 1 } } return A.x === 1",
    "Error.cause": "return new Error('', { cause: 1 }).cause === 1",
    "FinalizationRegistry": "return new FinalizationRegistry(() => {}) instanceof FinalizationRegistry",
    "Float16Array": "return new Float16Array([1.5])[0] === 1.5",
    "generators, async generators": "return typeof (async function* () {}).prototype.next === 'function'",
    "Intl": "return typeof new Intl.NumberFormat().format(1) === 'string'",
    "iterator helpers": "return [1, 2].values().map((x) => 2 * x).toArray()[1] === 4",
    "Object.groupBy": "return Object.groupBy([1], () => 'a').a[0] === 1",
    "private class members": "class A { #x = 1; static is(a) { return #x in a } } return A.is(new A())",
    "Promise.withResolvers": "return 'resolve' in Promise.withResolvers()",
    "RegExp lookbehind": "return new RegExp('(?<=a)b').test('ab')",
    "RegExp named groups": "return new RegExp('(?<y>a)').exec('a').groups.y === 'a'",
    "RegExp v flag": "return new RegExp('[\\\\p{L}--[a-z]]', 'v').test('A')",
    "resizable ArrayBuffer": "return new ArrayBuffer(1, { maxByteLength: 8 }).resizable",
    "Set methods": "return new Set([1]).union(new Set([2])).size === 2",
    "SharedArrayBuffer": "return new SharedArrayBuffer(8).byteLength === 8",
    "structuredClone": "return structuredClone({ a: new Map([[1, 2]]) }).a.get(1) === 2",
    "Temporal": "return Temporal.PlainDate.from('2024-02-29').day === 29",
    "Uint8Array.fromBase64": "return Uint8Array.fromBase64('AQ==')[0] === 1",
    "WeakRef": "const o = {}; return new WeakRef(o).deref() === o",
}

WEBASSEMBLY = {
    "MVP": '(module (func (export "t") (result i32) i32.const 42))',
    "BigInt i64": '(module (func (export "t") (result i64) i64.const 42))',
    "bulk memory": """(module (memory 1) (func (export "t") (result i32)
        (memory.fill (i32.const 0) (i32.const 42) (i32.const 8)) (i32.load8_u (i32.const 3))))""",
    "exceptions": """(module (tag $e (param i32)) (func (export "t") (result i32)
        (block $caught (result i32) (try_table (result i32) (catch $e $caught) (throw $e (i32.const 42))))))""",
    "extended constants": """(module (global $g i32 (i32.add (i32.const 40) (i32.const 2)))
        (func (export "t") (result i32) global.get $g))""",
    "function references": """(module (type $f (func (result i32))) (elem declare func $x)
        (func $x (result i32) i32.const 42) (func (export "t") (result i32) (call_ref $f (ref.func $x))))""",
    "garbage collection": """(module (type $s (struct (field i32)))
        (func (export "t") (result i32) (struct.get $s 0 (struct.new $s (i32.const 42)))))""",
    "memory64": """(module (memory i64 1) (func (export "t") (result i32)
        (i32.store (i64.const 8) (i32.const 42)) (i32.load (i64.const 8))))""",
    "multiple memories": """(module (memory 1) (memory $b 1) (func (export "t") (result i32)
        (i32.store $b (i32.const 0) (i32.const 42)) (i32.load $b (i32.const 0))))""",
    "multiple values": """(module (func $two (result i32 i32) i32.const 40 i32.const 2)
        (func (export "t") (result i32) call $two i32.add))""",
    "mutable globals": """(module (global $g (export "g") (mut i32) (i32.const 0))
        (func (export "t") (result i32) (global.set $g (i32.const 42)) (global.get $g)))""",
    "reference types": """(module (table $t 1 externref) (func (export "t") (result i32)
        (i32.add (table.grow $t (ref.null extern) (i32.const 1)) (i32.const 41))))""",
    "relaxed SIMD": """(module (func (export "t") (result i32)
        (i32x4.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s (f32x4.splat (f32.const 42))))))""",
    "saturating conversions": '(module (func (export "t") (result i32) (i32.trunc_sat_f32_s (f32.const 42.5))))',
    "sign extension": '(module (func (export "t") (result i32) (i32.extend8_s (i32.const 298))))',
    "SIMD": """(module (func (export "t") (result i32)
        (i32x4.extract_lane 1 (i32x4.add (i32x4.splat (i32.const 40)) (i32x4.splat (i32.const 2))))))""",
    "tail calls": """(module (func $x (result i32) i32.const 42)
        (func (export "t") (result i32) return_call $x))""",
    "threads": """(module (memory 1 1 shared) (func (export "t") (result i32)
        (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 42))) (i32.atomic.load (i32.const 0))))""",
}

# Runs in a real sandbox: what fails gives its error's text.
TRY_ALL = """(tests) => {
  const outcome = (run) => {
    try { return run() === true ? true : "no"; } catch (error) { return String(error); }
  };
  const all = (group, run) => Object.fromEntries(Object.entries(group).map(([k, v]) => [k, outcome(() => run(v))]));
  const calculate = (bytes) =>
    Number(new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.t()) === 42;
  return {
    javascript: all(tests.javascript, (body) => new Function(body)()),
    webassembly: all(tests.webassembly, calculate),
  };
}"""
