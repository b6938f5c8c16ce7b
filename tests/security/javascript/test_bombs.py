"""Each allocator and each recursion, until it has no more: an error of the slice, and the sandbox goes on."""

from __future__ import annotations

import re

import pytest
from target import Attacks, Outcome, Target, check_attacks, wasm

MEMORY = re.compile(
    "memory|null was thrown|string length|array buffer|limit|size exceeded|too (many|large|big|long)", re.IGNORECASE
)
STACK = re.compile("memory|call stack|stack overflow|nested", re.IGNORECASE)

# Each asks for more than the sandbox may have.
BOMBS: Attacks = {
    "strings, doubled": ("let s = 'xy'; for (;;) s += s;", MEMORY),
    "strings, flat": ("const kept = []; for (let i = 0;; i++) kept.push(`${i}`.repeat(1 << 16));", MEMORY),
    "strings, padded": ("return 'x'.padEnd(2 ** 30, 'abc');", MEMORY),
    "strings, joined": ("return new Array(1 << 20).join('abcdefghij'.repeat(10));", MEMORY),
    "strings, replaced": ("return 'x'.repeat(1 << 10).replace(/x/g, 'y'.repeat(1 << 17));", MEMORY),
    "arrays, filled": ("return new Array(2 ** 27).fill(1);", MEMORY),
    "arrays, pushed": ("const kept = []; for (;;) kept.push([kept.length]);", MEMORY),
    "arrays, spread": ("let list = [1]; for (;;) list = [...list, ...list];", MEMORY),
    "arrays, sparse": ("const list = []; for (let i = 0;; i += 1000) list[i] = {};", MEMORY),
    "typed arrays": ("const kept = []; for (;;) kept.push(new Float64Array(1 << 17).fill(1));", MEMORY),
    "one typed array": ("return new Float64Array(2 ** 27);", MEMORY),
    "resizable buffers": (
        """
        const kept = [];
        for (;;) {
          const buffer = new ArrayBuffer(8, { maxByteLength: 1 << 24 });
          buffer.resize(1 << 24);
          kept.push(buffer);
        }
        """,
        MEMORY,
    ),
    "shared buffers": (
        "const kept = []; for (;;) kept.push(new Uint8Array(new SharedArrayBuffer(1 << 20)).fill(1));",
        MEMORY,
    ),
    "one shared buffer": ("return new Uint8Array(new SharedArrayBuffer(2 ** 30)).fill(1).length;", MEMORY),
    "maps": ("const map = new Map(); for (let i = 0;; i++) map.set(i, { i });", MEMORY),
    "weak maps": (
        "const map = new WeakMap(), keys = []; for (let i = 0;; i++) { keys[i] = {}; map.set(keys[i], i); }",
        MEMORY,
    ),
    "names of properties": ("const object = {}; for (let i = 0;; i++) object[`name ${i}`] = 1;", MEMORY),
    "symbols": ("const kept = []; for (let i = 0;; i++) kept.push(Symbol(`${i}`));", MEMORY),
    "closures": ("const kept = []; for (let i = 0;; i++) kept.push(() => i);", MEMORY),
    "generators": (
        "const kept = []; for (;;) { const g = (function* () { yield 1; })(); g.next(); kept.push(g); }",
        MEMORY,
    ),
    "errors with their stacks": ("const kept = []; for (;;) kept.push(new Error('x'.repeat(1000)));", MEMORY),
    "big integers": ("let b = 3n; for (;;) b *= b;", MEMORY),
    "one big integer": ("return (1n << (1n << 33n)) > 0n;", MEMORY),
    "source text": ("return new Function(`return [${'[1],'.repeat(1 << 20)}]`)();", MEMORY),
    "regular expressions": (
        "const kept = []; for (let i = 0;; i++) kept.push(new RegExp(`(?:a{${i}}|b)`.repeat(2000)));",
        MEMORY,
    ),
    "what a regular expression remembers": ("return /^(?:(.)|x)*$/s.test('ab'.repeat(1 << 24));", MEMORY),
    "JSON, read": ("return JSON.parse(`[${'[],'.repeat(1 << 22)}1]`).length;", MEMORY),
    "JSON, written": (
        """
        const part = Array(1 << 12).fill("x".repeat(1 << 8));
        return JSON.stringify(Array(1 << 10).fill(part)).length;
        """,
        MEMORY,
    ),
    "clones": ("const kept = [new Uint8Array(1 << 20)]; for (;;) kept.push(structuredClone(kept));", MEMORY),
    "text encoder": (
        "const e = new TextEncoder(), kept = []; for (;;) kept.push(e.encode('é'.repeat(1 << 20)));",
        MEMORY,
    ),
    "text decoder": ("return new TextDecoder('utf-16le').decode(new Uint8Array(1 << 22)).repeat(64);", MEMORY),
    "base64": ("let s = 'abc'; for (;;) s = btoa(s + s);", MEMORY),
    "a URL": ("return new URL(`http://h/${'%'.repeat(1 << 26)}`).href + 'x'.repeat(1 << 26);", MEMORY),
    "promises": ("const kept = []; for (;;) kept.push(new Promise(() => {}).then(() => {}));", MEMORY),
    "listeners": (
        "const target = new EventTarget(); for (let i = 0;; i++) target.addEventListener(`${i}`, () => {});",
        MEMORY,
    ),
    "a console line": (
        "console.log('x'.repeat(1 << 24), 'y'.repeat(1 << 24), 'z'.repeat(1 << 24)); return new Array(2 ** 27).fill();",
        MEMORY,
    ),
    "an iterator without an end": (
        "return [...{ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: {} }) }) }];",
        MEMORY,
    ),
    "a result without an end": (
        """
        const set = new Set([1]);
        set[Symbol.iterator] = function* () { for (;;) yield "x".repeat(1000); };
        return set;
        """,
        MEMORY,
    ),
    "a result with many parts": ("const part = 'x'.repeat(1 << 20); return Array(400).fill(part);", MEMORY),
    "wasm memory": (
        "const m = new WebAssembly.Memory({ initial: 1 }); for (;;) m.grow(64);",
        re.compile("RangeError|memory"),
    ),
    "wasm memories": (
        """
        const kept = [];
        for (;;) {
          const memory = new WebAssembly.Memory({ initial: 16 });
          new Uint8Array(memory.buffer).fill(1);
          kept.push(memory);
        }
        """,
        re.compile("RangeError|memory"),
    ),
    "shared wasm memories": (
        """
        const kept = [];
        for (;;) {
          const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
          new Uint8Array(memory.buffer).fill(1);
          kept.push(memory);
        }
        """,
        re.compile("RangeError|memory"),
    ),
    "wasm tables": (
        "const kept = []; for (;;) kept.push(new WebAssembly.Table({ element: 'externref', initial: 1e6 }, kept));",
        re.compile("RangeError|memory"),
    ),
    "a wasm table": (
        "const t = new WebAssembly.Table({ element: 'externref', initial: 1 }); for (;;) t.grow(1e6, t);",
        re.compile("RangeError|memory"),
    ),
    "wasm structs": ("return make().structs();", re.compile("memory|heap", re.IGNORECASE)),
    "a wasm array": ("return make().array(1 << 29);", re.compile("memory|heap|size", re.IGNORECASE)),
    "wasm arrays": ("return make().arrays();", re.compile("memory|heap", re.IGNORECASE)),
    "wasm memory, grown by wasm": ("return make().grow() < 2000;", True),
    "a wasm module": (
        "return new WebAssembly.Module(new Uint8Array(80 << 20));",
        re.compile("CompileError|memory|allocation failed"),
    ),
}

MODULE = wasm("""(module (memory 1) (type $list (struct (field (ref null $list)) (field i64)))
  (type $bytes (array (mut i8))) (type $all (array (mut (ref null $bytes))))
  (func (export "structs") (local $last (ref null $list))
    (loop $again (local.set $last (struct.new $list (local.get $last) (i64.const 1))) (br $again)))
  (func (export "array") (param i32) (result i32) (array.len (array.new_default $bytes (local.get 0))))
  (func (export "arrays") (local $all (ref null $all)) (local $i i32)
    (local.set $all (array.new_default $all (i32.const 100000)))
    (loop $again (array.set $all (local.get $all) (local.get $i) (array.new_default $bytes (i32.const 1048576)))
      (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $again)))
  (func (export "grow") (result i32)
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) memory.size)
  (func $deep (export "deep") (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0)))))""")
BACK = wasm("""(module (import "m" "f" (func $f (param i32) (result i32)))
  (func (export "f") (param i32) (result i32) (call $f (local.get 0))))""")
MAKE = """
const make = (f) => new WebAssembly.Instance(new WebAssembly.Module(f ? args[1] : args[0]), { m: { f } }).exports;
"""


# What comes of it in V8 where that is not the same: it needs no stack for some, and ends the sandbox where memory.grow
# would have to fail.
IN_V8 = {
    "wasm memory, grown by wasm": MEMORY,
    "bound functions": 1,
    "JSON.parse": re.compile("SyntaxError"),
    "JSON.stringify": "[" * 100_001 + "]" * 100_001,  # without recursion
    "lookaheads of a regular expression": re.compile("a RegExp cannot leave"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_memory(target: Target, engine: str, name: str) -> None:
    body, expected = BOMBS[name]
    if engine == "v8":
        expected = IN_V8.get(name, expected)
    found = target.attack(MAKE + body, MODULE, BACK)
    if engine == "v8" and name == "a console line" and MEMORY.search(found.after.message):
        found = found._replace(after=Outcome(42))  # V8 may find only then that there is no memory
    check_attacks(found, expected)


STACKS: Attacks = {
    "functions": ("const f = () => f() + 1; return f();", STACK),
    "async functions": ("const f = async () => { await f(); }; return f();", STACK),
    "constructors": ("class A { constructor() { this.a = new A(); } } return new A();", STACK),
    "getters": ("const o = { get a() { return this.a; } }; return o.a;", STACK),
    "toString": ("const o = { toString() { return `${o}`; } }; return `${o}`;", STACK),
    "valueOf": ("const o = { valueOf() { return +o; } }; return +o;", STACK),
    "toPrimitive": ("const o = { [Symbol.toPrimitive]() { return o * 2; } }; return o * 2;", STACK),
    "proxies of proxies": ("let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p.a;", STACK),
    "a proxy as its own prototype's": (
        "const p = new Proxy({}, { get(t, k, r) { return r[k]; } }); return p.a;",
        STACK,
    ),
    "bound functions": ("let f = () => 1; for (let i = 0; i < 2e4; i++) f = f.bind(null); return f();", STACK),
    "a comparator that sorts": ("const f = () => [2, 1].sort(f); return f();", STACK),
    "map": ("return [1].map(function f() { return [1].map(f); });", STACK),
    "a replacer that replaces": ("const f = () => 'x'.replace('x', f); return f();", STACK),
    "flat": ("const a = []; a[0] = a; return a.flat(Infinity);", STACK),
    "join of what contains itself": ("let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return `${a}`;", STACK),
    "JSON.parse": ("return JSON.parse('['.repeat(1e6));", STACK),
    "JSON.stringify": ("let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return JSON.stringify(a);", STACK),
    "toJSON": ("const o = { toJSON() { return JSON.stringify(o); } }; return JSON.stringify(o);", STACK),
    "brackets in a source": ("return eval('('.repeat(1e5));", STACK),
    "arrays in a source": ("return eval('['.repeat(1e5));", STACK),
    "functions in a source": ("return eval(`${'(function () {'.repeat(1e5)}`);", STACK),
    "templates in a source": ("return eval('`${'.repeat(1e5));", STACK),
    "unary operators in a source": ("return eval('!'.repeat(1e6) + '1');", STACK),
    "groups of a regular expression": ("return new RegExp('(?:'.repeat(1e6));", STACK),
    "lookaheads of a regular expression": ("return new RegExp('(?='.repeat(1e5) + ')'.repeat(1e5));", STACK),
    "classes of a regular expression": ("return new RegExp('['.repeat(1e6), 'v');", STACK),
    "the prototype of a result": ("let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; return a;", STACK),
    "wasm": ("return make().deep(1);", STACK),
    "wasm and JavaScript in turn": ("const e = make((x) => e.f(x)); return e.f(1);", STACK),
    "wasm and getters in turn": ("const e = make(() => ({ valueOf: () => e.f(1) })); return e.f(1);", STACK),
    "what console shows": (
        "let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; console.log(a); return 1;",
        1,
    ),
    "what is cloned": (
        "let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; structuredClone(a); return 1;",
        1,
    ),
    "causes of errors": (
        "let e = new Error(); for (let i = 0; i < 1e4; i++) e = new Error('x', { cause: e }); console.log(e); throw e;",
        re.compile("Error: x"),
    ),
    "promises that wait for promises": (
        "let p = Promise.resolve(1); for (let i = 0; i < 1e4; i++) { const q = p; p = (async () => q)(); } return p;",
        1,
    ),
    "chains of freed objects": (
        "let a = null; for (let i = 0; i < 1e5; i++) a = { a }; a = null; return 1;",
        1,
    ),
    "chains of freed closures": (
        "let f = () => 1; for (let i = 0; i < 1e5; i++) { const g = f; f = () => g; } f = null; return 1;",
        1,
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_stack(target: Target, engine: str, name: str) -> None:
    body, expected = STACKS[name]
    if engine == "v8":
        expected = IN_V8.get(name, expected)
    check_attacks(target.attack(MAKE + body, MODULE, BACK), expected)


def test_memory_that_stays_in_use(target: Target) -> None:
    """Timers hold what their slice has used: the next slice gets another sandbox."""
    found = target.attack("for (;;) setTimeout(() => {}, 1e6);", progress_timeout=3)
    assert found.outcome.code == "EWORK"
    assert MEMORY.search(found.outcome.message), found.outcome
    assert found.after == Outcome(42)


def test_results_around_the_limit(target: Target) -> None:
    """Sizes for which each of the copies on the way out is the one that finds no memory."""
    for mebibytes in range(8, 52, 6):
        found = target.attack(f"const part = 'x'.repeat(1 << 20); return Array({mebibytes}).fill(part);")
        assert found.deaths == 0, mebibytes
        if found.outcome.code is None:
            assert found.outcome.value == ["x" * (1 << 20)] * mebibytes
        else:
            assert MEMORY.search(found.outcome.message), found.outcome
