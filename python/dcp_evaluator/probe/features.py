"""What the probe tries in a sandbox, feature by feature."""

from __future__ import annotations

ECMASCRIPT = {
    "ES2016": {
        "Array.prototype.includes": "return [NaN].includes(NaN)",
        "exponentiation operator": "return 2 ** 10 === 1024",
    },
    "ES2017": {
        "async functions": "return await (async () => true)()",
        "Atomics": "return Atomics.add(new Int32Array(new SharedArrayBuffer(8)), 0, 1) === 0",
        "Object.entries": "return Object.entries({ a: 1 })[0][1] === 1",
        "Object.getOwnPropertyDescriptors": "return Object.getOwnPropertyDescriptors({ a: 1 }).a.value === 1",
        "SharedArrayBuffer": "return new SharedArrayBuffer(8).byteLength === 8",
        "String.prototype.padStart": "return '1'.padStart(2, '0') === '01'",
    },
    "ES2018": {
        "generators, async generators": "for await (const x of (async function* () { yield 1 })()) return x === 1",
        "object rest and spread": "const { a, ...b } = { a: 1, c: 2 }; return { ...b }.c === 2",
        "Promise.prototype.finally": "let x; await Promise.resolve().finally(() => { x = 1 }); return x === 1",
        "RegExp lookbehind": "return new RegExp('(?<=a)b').test('ab')",
        "RegExp named groups": "return new RegExp('(?<y>a)').exec('a').groups.y === 'a'",
        "RegExp s flag": "return new RegExp('.', 's').test('\\n')",
        "RegExp Unicode properties": "return new RegExp('\\\\p{Lu}', 'u').test('\\u00c4')",
    },
    "ES2019": {
        "Array.prototype.flatMap": "return [1].flatMap((x) => [x, x]).length === 2",
        "Object.fromEntries": "return Object.fromEntries([['a', 1]]).a === 1",
        "optional catch binding": "try { throw 1 } catch { return true }",
        "stable sort": "return Array.from({ length: 600 }, (_, i) => i).sort(() => 0).every((x, i) => x === i)",
        "Symbol.prototype.description": "return Symbol('a').description === 'a'",
    },
    "ES2020": {
        "BigInt": "return 2n ** 64n === 18446744073709551616n",
        "dynamic import": "try { await import('nowhere:') } catch (error) { return error instanceof Error }",
        "globalThis": "return globalThis.Object === Object",
        "nullish coalescing": "return (null ?? 1) === 1",
        "optional chaining": "return (null)?.a === undefined",
        "Promise.allSettled": "return (await Promise.allSettled([Promise.reject(1)]))[0].status === 'rejected'",
        "String.prototype.matchAll": "return [...'aa'.matchAll(/a/g)].length === 2",
    },
    "ES2021": {
        "FinalizationRegistry": "return new FinalizationRegistry(() => {}) instanceof FinalizationRegistry",
        "logical assignment": "let a = null; a ??= 1; return a === 1",
        "numeric separators": "return 1_000 === 1000",
        "Promise.any": "return await Promise.any([Promise.reject(1), 2]) === 2",
        "String.prototype.replaceAll": "return 'aa'.replaceAll('a', 'b') === 'bb'",
        "WeakRef": "const o = {}; return new WeakRef(o).deref() === o",
    },
    "ES2022": {
        "Array.prototype.at": "return [1, 2].at(-1) === 2",
        "class fields": "class A { x = 1; static y = 2 } return new A().x + A.y === 3",
        "class static blocks": "class A { static x; static { this.x = 1 } } return A.x === 1",
        "Error.cause": "return new Error('', { cause: 1 }).cause === 1",
        "Object.hasOwn": "return Object.hasOwn({ a: 1 }, 'a')",
        "private class members": "class A { #x = 1; static is(a) { return #x in a } } return A.is(new A())",
        "RegExp match indices": "return /a/d.exec('ba').indices[0][0] === 1",
    },
    "ES2023": {
        "array copies by change": "return [2, 1].toSorted()[0] === 1 && [1].with(0, 2)[0] === 2",
        "Array.prototype.findLast": "return [1, 2].findLast((x) => x > 0) === 2",
        "hashbang comments": "return (0, eval)('#!x\\n1') === 1",
        "symbols as WeakMap keys": "const s = Symbol(); return new WeakMap([[s, 1]]).get(s) === 1",
    },
    "ES2024": {
        "ArrayBuffer.prototype.transfer": "return new ArrayBuffer(8).transfer(4).byteLength === 4",
        "Atomics.waitAsync": """const a = new Int32Array(new SharedArrayBuffer(4));
            return (await Atomics.waitAsync(a, 0, 0, 1).value) === 'timed-out'""",
        "Object.groupBy": "return Object.groupBy([1], () => 'a').a[0] === 1",
        "Promise.withResolvers": "return 'resolve' in Promise.withResolvers()",
        "RegExp v flag": "return new RegExp('[\\\\p{L}--[a-z]]', 'v').test('A')",
        "resizable ArrayBuffer": "return new ArrayBuffer(1, { maxByteLength: 8 }).resizable",
        "String.prototype.isWellFormed": "return !'\\ud800'.isWellFormed()",
    },
    "ES2025": {
        "Float16Array": "return new Float16Array([1.5])[0] === 1.5 && Math.f16round(1.0001) === 1",
        "import attributes": """const module = await import('data:application/json,1', { with: { type: 'json' } })
            .catch((error) => { if (error instanceof SyntaxError) throw error; }); return true""",
        "iterator helpers": "return [1, 2].values().map((x) => 2 * x).toArray()[1] === 4",
        "Promise.try": "return await Promise.try((x) => x, 1) === 1",
        "RegExp duplicate named groups": "return new RegExp('(?<y>a)|(?<y>b)').exec('b').groups.y === 'b'",
        "RegExp modifiers": "return new RegExp('(?i:a)b').test('Ab')",
        "RegExp.escape": "return new RegExp('^' + RegExp.escape('1+') + '$').test('1+')",
        "Set methods": "return new Set([1]).union(new Set([2])).size === 2",
    },
    "later": {
        "Array.fromAsync": "return (await Array.fromAsync([Promise.resolve(1)]))[0] === 1",
        "Error.isError": "return Error.isError(new TypeError())",
        "explicit resource management": """let x = 0; { const dispose = () => { x = 1 };
            (0, eval)('(d) => { using a = { [Symbol.dispose]: d } }')(dispose) } return x === 1""",
        "Iterator.concat": "return [...Iterator.concat([1], [2])][1] === 2",
        "Math.sumPrecise": "return Math.sumPrecise([1e20, 0.1, -1e20]) === 0.1",
        "Temporal": "return Temporal.PlainDate.from('2024-02-29').day === 29",
        "Uint8Array.fromBase64": "return Uint8Array.fromBase64('AQ==')[0] === 1",
    },
    "others": {
        "Intl": "return typeof new Intl.NumberFormat().format(1) === 'string'",
        "structuredClone": "return structuredClone({ a: new Map([[1, 2]]) }).a.get(1) === 2",
        "TextDecoder": "return new TextDecoder().decode(new Uint8Array([0xc3, 0xa4])) === '\\u00e4'",
        "crypto.getRandomValues": "return crypto.getRandomValues(new Uint8Array(64)).some((x) => x > 0)",
    },
}
"""By the edition of ECMA-262 that brought them: bodies of async functions that return true. ``later`` came after
ES2025, ``others`` are of other standards.
"""

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
"""Modules whose export ``t`` returns 42, as text."""

WEBASSEMBLY_API = {
    "asynchronous compilation": "return (await WebAssembly.compile(EMPTY)) instanceof WebAssembly.Module",
    "Exception objects": """const tag = new WebAssembly.Tag({ parameters: ['i32'] });
        return new WebAssembly.Exception(tag, [42]).getArg(tag, 0) === 42""",
    "growing memory": "return new WebAssembly.Memory({ initial: 1, maximum: 2 }).grow(1) === 1",
    "JavaScript promise integration": "return typeof WebAssembly.Suspending === 'function'",
    "JavaScript string builtins": """return WebAssembly.validate(STRINGS, { builtins: ['js-string'] })
        && !WebAssembly.validate(MISUSED_STRINGS, { builtins: ['js-string'] })""",
}
"""Bodies of async functions that return true, over the modules of ``API_MODULES``, which they name."""

API_MODULES = {
    "EMPTY": "(module)",
    "STRINGS": '(module (import "wasm:js-string" "length" (func (param externref) (result i32))))',
    "MISUSED_STRINGS": '(module (import "wasm:js-string" "length" (func (param i32) (result i32))))',
}

# Runs in a real sandbox: what fails gives its error's text.
TRY_ALL = """async (tests) => {
  const AsyncFunction = (async () => {}).constructor;
  const outcome = async (run) => {
    try { return await run() === true ? true : "no"; } catch (error) { return String(error); }
  };
  const all = async (group, run) => {
    const found = {};
    for (const name in group) found[name] = await outcome(() => run(group[name]));
    return found;
  };
  const calculate = (bytes) =>
    Number(new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.t()) === 42;
  const names = Object.keys(tests.modules), modules = names.map((name) => new Uint8Array(tests.modules[name]));
  return {
    javascript: await all(tests.javascript, (body) => new AsyncFunction(body)()),
    webassembly: {
      ...await all(tests.webassembly, calculate),
      ...await all(tests.api, (body) => new AsyncFunction(...names, body)(...modules)),
    },
  };
}"""
