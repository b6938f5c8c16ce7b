"""String builtins and imported string constants (WebAssembly JavaScript Interface, "Builtins")."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import see

SIGNATURES = {
    "cast": "(param externref) (result (ref extern))",
    "test": "(param externref) (result i32)",
    "fromCharCodeArray": "(param (ref null $units) i32 i32) (result (ref extern))",
    "intoCharCodeArray": "(param externref (ref null $units) i32) (result i32)",
    "fromCharCode": "(param i32) (result (ref extern))",
    "fromCodePoint": "(param i32) (result (ref extern))",
    "charCodeAt": "(param externref i32) (result i32)",
    "codePointAt": "(param externref i32) (result i32)",
    "length": "(param externref) (result i32)",
    "concat": "(param externref externref) (result (ref extern))",
    "substring": "(param externref i32 i32) (result (ref extern))",
    "equals": "(param externref externref) (result i32)",
    "compare": "(param externref externref) (result i32)",
}


def importing(name: str, signature: str) -> str:
    return f'(module (type $units (array (mut i16))) (import "wasm:js-string" "{name}" (func {signature})))'


ALL = "(module (type $units (array (mut i16)))\n" + "\n".join(
    [f'(import "wasm:js-string" "{name}" (func ${name} {signature}))' for name, signature in SIGNATURES.items()]
    + [f'(export "{name}" (func ${name}))' for name in SIGNATURES]
    + [
        """(func (export "array") (param i32) (result (ref $units)) (array.new $units (i32.const 0x41) (local.get 0)))
           (func (export "at") (param (ref $units) i32) (result i32) (array.get_u $units (local.get 0) (local.get 1)))
           (func (export "sum") (param $s externref) (result i32) (local $i i32) (local $n i32)
             (loop $next
               (if (i32.lt_u (local.get $i) (call $length (local.get $s))) (then
                 (local.set $n (i32.add (local.get $n) (call $charCodeAt (local.get $s) (local.get $i))))
                 (local.set $i (i32.add (local.get $i) (i32.const 1)))
                 (br $next))))
             (local.get $n)))"""
    ]
)
START = """
const options = { builtins: ["js-string"] };
const e = new WebAssembly.Instance(new WebAssembly.Module(modules.all, options), {}).exports;
"""


def test_what_each_gives(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        START
        + r"""
        const rope = "x".repeat(9000) + "y".repeat(9000);
        results.cast = [e.cast("a"), e.cast(""), e.cast(rope) === rope];
        results.test = [e.test("a"), e.test(""), e.test(null), e.test(1), e.test(new String("a")), e.test(rope)];
        results.char = [e.fromCharCode(65), e.fromCharCode(0x10041), e.fromCharCode(-1) === "\uffff",
          e.fromCharCode(0xd800) === "\ud800"];
        results.point = [e.fromCodePoint(0x1f600) === "\u{1f600}", e.fromCodePoint(0x10ffff) === "\u{10ffff}",
          e.fromCodePoint(0xdfff) === "\udfff"];
        results.at = [e.charCodeAt("abc", 2), e.charCodeAt("\u{1f600}", 1), e.charCodeAt("é", 0), e.charCodeAt(rope,
          9000)];
        results.pointAt = [e.codePointAt("\u{1f600}", 0), e.codePointAt("\u{1f600}", 1), e.codePointAt("a\ud800", 1)];
        results.length = [e.length(""), e.length("\u{1f600}"), e.length(rope)];
        results.concat = [e.concat("a", ""), e.concat("a", "é"), e.concat("\ud83d", "\ude00") === "\u{1f600}",
          e.concat(rope, rope) === rope + rope];
        results.substring = [e.substring("hello", 1, 3), e.substring("hello", 3, -1), e.substring("hello", 3, 1),
          e.substring("hello", 6, 9), e.substring("hello", 5, 5), e.substring(rope, 8999, 9001)];
        results.equals = [e.equals("a", "a"), e.equals("a", "b"), e.equals(null, null), e.equals("a", null),
          e.equals(rope, "x".repeat(9000) + "y".repeat(9000)), e.equals("é", "é")];
        results.compare = [e.compare("a", "a"), e.compare("a", "b"), e.compare("b", "a"), e.compare("a", "ab"),
          e.compare("\uffff", "\u{10000}"), e.compare("", "a"), e.compare("é", "\u0100")];
        const array = e.array(5);
        results.from = [e.fromCharCodeArray(array, 1, 3), e.fromCharCodeArray(array, 5, 5),
          e.fromCharCodeArray(array, 0, 0)];
        results.into = [e.intoCharCodeArray("x\uffff", array, 3), e.intoCharCodeArray("", array, 5), e.at(array, 3),
          e.at(array, 4), e.at(array, 0)];
        results.sum = e.sum("abc");
        """,
        all=ALL,
    ) == {
        "cast": ["a", "", True],
        "test": [1, 1, 0, 0, 0, 1],
        "char": ["A", "A", True, True],
        "point": [True, True, True],
        "at": [99, 0xDE00, 0xE9, 121],
        "pointAt": [0x1F600, 0xDE00, 0xD800],
        "length": [0, 2, 18000],
        "concat": ["a", "aé", True, True],
        "substring": ["el", "lo", "", "", "", "xy"],
        "equals": [1, 0, 1, 0, 1, 1],
        "compare": [0, -1, 1, -1, 1, -1, -1],
        "from": ["AA", "", ""],
        "into": [2, 0, 120, 0xFFFF, 65],
        "sum": 97 + 98 + 99,
    }


def test_traps(tmp_path: Path) -> None:
    seen = see(
        tmp_path,
        START
        + """
        const array = e.array(2);
        const calls = {
          cast: [null], castNumber: null, length: [1], charCodeAt: ["a", 1], charNegative: null,
          codePointAt: ["", 0], fromCodePoint: [0x110000], concat: ["a", null], substring: [null, 0, 0],
          equals: ["a", 1], compare: [null, "a"], fromCharCodeArray: [null, 0, 0], intoCharCodeArray: ["abc", array, 0],
        };
        for (const [name, args] of Object.entries(calls)) if (args) results[name] = thrown(() => e[name](...args));
        results.order = thrown(() => e.fromCharCodeArray(array, 2, 1));
        results.end = thrown(() => e.fromCharCodeArray(array, 0, 3));
        results.start = thrown(() => e.intoCharCodeArray("a", array, -1));
        results.none = thrown(() => e.intoCharCodeArray("a", null, 0));
        results.same = thrown(() => e.charCodeAt("a", -1));
        const error = caught(() => e.sum({}));
        results.sum = [error instanceof WebAssembly.RuntimeError, error.stack.includes("wasm-function")];
        """,
        all=ALL,
    )
    assert seen.pop("sum") == [True, True]
    assert set(seen.values()) == {"RuntimeError"}


def test_imports_are_provided(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const options = { builtins: ["js-string", "other"] };
        const module = new WebAssembly.Module(modules.mixed, options);
        results.imports = WebAssembly.Module.imports(module).map((i) => i.module + "." + i.name);
        const seen = [];
        const imports = new Proxy({}, { get(target, key) { seen.push(key); return { own: () => 7,
          unknown: () => 8 }; } });
        const { exports } = new WebAssembly.Instance(module, imports);
        results.seen = seen.slice();
        results.calls = [exports.length("abc"), exports.own(), exports.unknown()];
        results.same = exports.length === exports.again;
        results.name = [exports.length.name, exports.length.length];
        const other = new WebAssembly.Instance(module, imports).exports;
        results.unique = other.length !== exports.length;
        results.without = WebAssembly.Module.imports(new WebAssembly.Module(modules.mixed)).length;
        results.missing = thrown(() => new WebAssembly.Instance(module));
        results.late = (await WebAssembly.instantiate(modules.mixed, imports, options)).instance.exports.length("ab");
        results.compiled = WebAssembly.Module.imports(await WebAssembly.compile(modules.mixed, options)).length;
        const response = { arrayBuffer: async () => modules.mixed.buffer };
        results.streamed = WebAssembly.Module.imports(await WebAssembly.compileStreaming(response, options)).length;
        results.streaming = (await WebAssembly.instantiateStreaming(response, imports,
          options)).instance.exports.length("");
        """,
        mixed="""(module (import "wasm:js-string" "length" (func $l (param externref) (result i32)))
          (import "m" "own" (func $o (result i32))) (import "wasm:js-string" "unknown" (func $u (result i32)))
          (export "length" (func $l)) (export "again" (func $l)) (export "own" (func $o))
            (export "unknown" (func $u)))""",
    ) == {
        "imports": ["m.own", "wasm:js-string.unknown"],
        "seen": ["m", "wasm:js-string"],
        "calls": [3, 7, 8],
        "same": True,
        "name": ["0", 1],
        "unique": True,
        "without": 3,
        "missing": "TypeError",
        "late": 2,
        "compiled": 2,
        "streamed": 2,
        "streaming": 0,
    }


WRONG = {
    "result": importing("length", "(param externref) (result i64)"),
    "nullable": importing("cast", "(param externref) (result externref)"),
    "not_null": importing("length", "(param (ref extern)) (result i32)"),
    "anyref": importing("test", "(param anyref) (result i32)"),
    "more": importing("test", "(param externref i32) (result i32)"),
    "no_function": '(module (import "wasm:js-string" "length" (global externref)))',
    "immutable": '(module (type $u (array i16)) (import "wasm:js-string" "intoCharCodeArray"'
    " (func (param externref (ref null $u) i32) (result i32))))",
    "bytes": '(module (type $u (array (mut i8))) (import "wasm:js-string" "intoCharCodeArray"'
    " (func (param externref (ref null $u) i32) (result i32))))",
    "group": '(module (rec (type $u (array (mut i16))) (type (struct))) (import "wasm:js-string" "intoCharCodeArray"'
    " (func (param externref (ref null $u) i32) (result i32))))",
    "open": '(module (type $f (sub (func (param externref) (result i32)))) (import "wasm:js-string" "length"'
    " (func (type $f))))",
}

# What comes of instantiating them.
WRONG_BUT_TAKEN_BY_V8 = {"no_function": "TypeError", "open": "nothing"}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_types_do_not_compile(tmp_path: Path, engine: str, name: str) -> None:
    expected = {"plain": [True, "nothing"], "built": [False] + ["CompileError"] * 3}
    if engine == "v8" and name in WRONG_BUT_TAKEN_BY_V8:
        expected["built"] = [True, "nothing", "nothing", WRONG_BUT_TAKEN_BY_V8[name]]
    assert (
        see(
            tmp_path,
            """
        const options = { builtins: ["js-string"] };
        results.plain = [WebAssembly.validate(modules.wrong), thrown(() => new WebAssembly.Module(modules.wrong))];
        results.built = [WebAssembly.validate(modules.wrong, options),
          thrown(() => new WebAssembly.Module(modules.wrong, options)),
          await rejected(WebAssembly.compile(modules.wrong, options)),
          await rejected(WebAssembly.instantiate(modules.wrong, {}, options))];
        """,
            wrong=WRONG[name],
        )
        == expected
    )


def test_right_types_compile(tmp_path: Path) -> None:
    modules = {name: importing(name, signature) for name, signature in SIGNATURES.items()}
    seen = see(
        tmp_path,
        """for (const name of Object.keys(modules)) {
          results[name] = WebAssembly.validate(modules[name], { builtins: ["js-string"] });
        }""",
        **modules,
    )
    assert seen == dict.fromkeys(SIGNATURES, True)


def test_string_constants(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        r"""
        const options = { importedStringConstants: "'" };
        const module = new WebAssembly.Module(modules.constants, options);
        results.imports = WebAssembly.Module.imports(module).length;
        const { a, b, smile, zero } = new WebAssembly.Instance(module, {}).exports;
        results.values = [a.value, b.value, smile.value === "\u{1f600}", zero.value === "\0"];
        results.constant = thrown(() => { a.value = "x"; });
        results.wrong = ["i32", "mutable", "func"].map((name) => WebAssembly.validate(modules[name], options));
        results.other = ["i32", "mutable", "func"].map((name) => WebAssembly.validate(modules[name]));
        results.error = thrown(() => new WebAssembly.Module(modules.i32, options));
        """,
        constants="""(module (import "'" "constant" (global $a externref)) (import "'" "" (global $b (ref extern)))
          (import "'" "\\f0\\9f\\98\\80" (global $c externref)) (import "'" "\\00" (global $d externref))
          (export "a" (global $a)) (export "b" (global $b)) (export "smile" (global $c))
            (export "zero" (global $d)))""",
        i32="""(module (import "'" "a" (global i32)))""",
        mutable="""(module (import "'" "a" (global (mut externref))))""",
        func="""(module (import "'" "a" (func)))""",
    ) == {
        "imports": 0,
        "values": ["constant", "", True, True],
        "constant": "TypeError",
        "wrong": [False] * 3,
        "other": [True] * 3,
        "error": "CompileError",
    }


def test_options(tmp_path: Path, engine: str) -> None:
    """V8 leaves out what it cannot use, and asks for the constants' name only where there are imports."""
    by_the_rules = [True] * 3 + ["TypeError"] * 4 + [True, False, "TypeError", True, "TypeError", True]
    assert see(
        tmp_path,
        """
        const validate = (options) => {
          try { return WebAssembly.validate(modules.empty, options); } catch (error) { return error.name; }
        };
        results.values = [undefined, null, {}, 1, "x", { builtins: null }, { builtins: "js-string" }, { builtins: [] },
          { builtins: ["a", "a"] }, { builtins: [Symbol()] }, { importedStringConstants: null },
          { importedStringConstants: Symbol() }, { builtins: new Set(["js-string"]) }].map(validate);
        results.twice = thrown(() => new WebAssembly.Module(modules.empty, { builtins: ["a", "a"] }));
        const gets = [];
        validate(new Proxy({}, { get(target, key) { gets.push(key); } }));
        results.gets = gets;
        const w = WebAssembly;
        results.lengths = [w.validate, w.compile, w.instantiate, w.Module].map((f) => f.length);
        results.module = thrown(() => new WebAssembly.Instance(new WebAssembly.Module(modules.empty), {}));
        """,
        empty="(module)",
    ) == {
        "values": [True] * 13 if engine == "v8" else by_the_rules,
        "twice": "CompileError" if engine == "quickjs" else "nothing",
        "gets": ["builtins", "importedStringConstants"][: 2 if engine == "quickjs" else 1],
        "lengths": [1, 1, 1, 1],
        "module": "nothing",
    }
