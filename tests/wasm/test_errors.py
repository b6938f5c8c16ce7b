"""Traps, exceptions and stack overflow, across frames of both kinds."""

from __future__ import annotations

from pathlib import Path

from scripts import see

# Where it does not say the same in V8.
WORDS_OF_V8 = {
    "integer overflow": "divide result unrepresentable",
    "overflow": "float unrepresentable in integer range",
    "indirect call to null": "null function or function signature mismatch",
    "null": "dereferencing a null pointer",
}


def test_each_trap_is_a_runtime_error(tmp_path: Path, engine: str) -> None:
    found = see(
        tmp_path,
        """
        const e = exportsOf("traps");
        results.traps = Object.keys(e).filter((name) => name !== "ok").map((name) => {
          const error = caught(() => e[name]());
          return [name, error instanceof WebAssembly.RuntimeError, error instanceof Error, error.message,
            error.stack.split("\\n")];
        });
        results.after = e.ok();
        """,
        traps="""(module (memory 1) (table 4 funcref) (elem (i32.const 0) $other) (type $v (func))
          (func $other (result i32) i32.const 0)
          (func (export "unreachable") unreachable)
          (func (export "divide by zero") i32.const 1 i32.const 0 i32.div_s drop)
          (func (export "integer overflow") i32.const 0x80000000 i32.const -1 i32.div_s drop)
          (func (export "overflow") f64.const 1e30 i32.trunc_f64_s drop)
          (func (export "float unrepresentable") f64.const nan i32.trunc_f64_s drop)
          (func (export "memory access out of bounds") i32.const 65533 i32.load drop)
          (func (export "table index is out of bounds") i32.const 4 call_indirect (type $v))
          (func (export "indirect call to null") i32.const 1 call_indirect (type $v))
          (func (export "signature mismatch") i32.const 0 call_indirect (type $v))
          (func (export "null") ref.null $v call_ref $v)
          (func (export "unaligned") i32.const 1 i32.atomic.load drop)
          (func (export "ok") (result i32) i32.const 1))""",
    )
    assert found["after"] == 1
    for name, is_runtime_error, is_error, message, (head, first_frame, *_) in found["traps"]:
        assert is_runtime_error and is_error, name
        words = WORDS_OF_V8.get(name, name) if engine == "v8" else name
        assert words in message, (name, message)
        assert head == f"RuntimeError: {message}"
        assert "wasm-function[" in first_frame, (name, first_frame)


def test_exceptions_cross_wasm_as_the_same_object(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const values = [new Error("boom"), { odd: 1 }, null, undefined, 7, "text", Symbol.iterator, 5n, NaN];
        let next;
        const e = exportsOf("passes", { m: { f() { throw next; } } });
        const same = (run) => values.every((value) => {
          next = value;
          try {
            run();
          } catch (error) {
            return Object.is(error, value);
          }
          return false;
        });
        // Through one wasm frame, and through wasm, JavaScript and wasm.
        const outer = exportsOf("passes", { m: { f: () => e.run() } });
        results.identity = [same(e.run), same(outer.run)];
        const error = new Error("with a stack");
        next = error;
        const before = error.stack;
        results.untouched = [caught(e.run) === error, error.stack === before];
        // wasm catches what JavaScript throws, with JSTag.
        const { JSTag } = WebAssembly;
        results.tag = [JSTag instanceof WebAssembly.Tag, JSTag === WebAssembly.JSTag];
        const catcher = exportsOf("catches", { m: { f() { throw next; }, tag: JSTag } });
        results.caught = values.every((value) => { next = value; return Object.is(catcher.run(), value); });
        // A trap is no exception that wasm could catch.
        const trap = exportsOf("traps").run;
        results.trap = thrown(exportsOf("catches", { m: { f: trap, tag: JSTag } }).run);
        """,
        passes='(module (import "m" "f" (func $f)) (func (export "run") call $f))',
        catches="""(module (import "m" "f" (func $f)) (import "m" "tag" (tag $js (param externref)))
          (func (export "run") (result externref)
            (block $caught (result externref) (try_table (catch $js $caught) call $f) ref.null extern)))""",
        traps='(module (func (export "run") unreachable))',
    ) == {
        "identity": [True, True],
        "untouched": [True, True],
        "tag": [True, True],
        "caught": True,
        "trap": "RuntimeError",
    }


def test_tags_and_exceptions(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const { Tag, Exception, JSTag } = WebAssembly;
        const tag = new Tag({ parameters: ["i32", "f64", "i64", "externref"] });
        const other = new Tag({ parameters: [] });
        const made = new Exception(tag, [1, 2.5, 3n, tag]);
        results.made = [made.is(tag), made.is(other), made.getArg(tag, 0), made.getArg(tag, 1),
          String(made.getArg(tag, 2)), made.getArg(tag, 3) === tag];
        results.wrong = [thrown(() => made.getArg(other, 0)), thrown(() => made.getArg(tag, 4)),
          thrown(() => made.is()), thrown(() => made.is({})), thrown(() => made.getArg(tag, -1)),
          thrown(() => new Exception(tag)), thrown(() => new Exception({}, [])), thrown(() => new Exception(tag, [1])),
          thrown(() => new Exception(tag, [1n, 1, 1n, 1])), thrown(() => new Exception(JSTag, [1])),
          thrown(() => new Tag()), thrown(() => new Tag({})), thrown(() => new Tag({ parameters: ["i8"] }))];
        results.noError = [made instanceof Error, Object.prototype.toString.call(made)];
        const e = exportsOf("throws", { m: { tag, f() { throw made; } } });
        const fresh = caught(() => e.raise(9));
        results.fromWasm = [fresh instanceof Exception, fresh.is(tag), fresh.getArg(tag, 0), fresh.getArg(tag, 1)];
        results.through = caught(e.pass) === made;
        results.inWasm = [e.catchOwn(11), e.catchThrown()];
        results.exported = [e.tag === tag, e.own instanceof Tag, e.own !== tag];
        // A tag's exceptions are its own even where the types are the same.
        results.twin = fresh.is(new Tag({ parameters: ["i32", "f64", "i64", "externref"] }));
        """,
        throws="""(module (import "m" "tag" (tag $t (param i32 f64 i64 externref))) (import "m" "f" (func $f))
          (export "tag" (tag $t)) (tag $own (export "own") (param i32))
          (func (export "raise") (param i32)
            local.get 0 f64.const 0.5 i64.const 1 ref.null extern throw $t)
          (func (export "pass") call $f)
          (func (export "catchOwn") (param i32) (result i32)
            (block $c (result i32) (try_table (catch $own $c) local.get 0 throw $own) i32.const -1))
          (func (export "catchThrown") (result i32)
            (block $c (result i32 f64 i64 externref) (try_table (catch $t $c) call $f) unreachable) drop drop drop))""",
    ) == {
        "made": [True, False, 1, 2.5, "3", True],
        "wrong": ["TypeError", "RangeError"] + ["TypeError"] * 11,
        "noError": [False, "[object WebAssembly.Exception]"],
        "fromWasm": [True, True, 9, 0.5],
        "through": True,
        "inWasm": [11, 1],
        "exported": [True, True, True],
        "twin": False,
    }


def test_stack_overflow_is_an_error(tmp_path: Path) -> None:
    """In wasm, in JavaScript below wasm, and where the two call each other."""
    assert see(
        tmp_path,
        """
        const run = exportsOf("recurse").run;
        results.wasm = [thrown(run), thrown(run)];
        let depth = 0;
        const pair = exportsOf("calls", { m: { f() { depth++; pair.run(); } } });
        results.pair = [thrown(pair.run), depth > 10];
        const js = exportsOf("calls", { m: { f: function f() { return 1 + f(); } } });
        results.js = thrown(js.run);
        const deep = (n) => (n === 0 ? run() : 1 + deep(n - 1));
        results.deep = [1, 10, 100, 1000].map((n) => thrown(() => deep(n)));
        // A valueOf, an iterator and a start function that come back into wasm.
        const values = exportsOf("values", { m: { f: () => ({ valueOf: () => values.run() }) } });
        results.values = thrown(values.run);
        const iterates = exportsOf("several", { m: { f: () => ({ [Symbol.iterator]: () => iterates.run() }) } });
        results.iterates = thrown(iterates.run);
        const starts = () => exportsOf("starts", { m: { f: starts } });
        results.starts = thrown(starts);
        results.after = exportsOf("one").run();
        """,
        recurse='(module (func $f (export "run") call $f))',
        calls='(module (import "m" "f" (func $f)) (func (export "run") call $f))',
        values='(module (import "m" "f" (func $f (result i32))) (func (export "run") (result i32) call $f))',
        several="""(module (import "m" "f" (func $f (result i32 i32)))
          (func (export "run") (result i32 i32) call $f))""",
        starts='(module (import "m" "f" (func $f)) (start $f))',
        one='(module (func (export "run") (result i32) i32.const 1))',
    ) == {
        "wasm": ["RangeError"] * 2,
        "pair": ["RangeError", True],
        "js": "RangeError",
        "deep": ["RangeError"] * 4,
        "values": "RangeError",
        "iterates": "RangeError",
        "starts": "RangeError",
        "after": 1,
    }


def test_wasm_cannot_catch_a_trap_that_has_passed_through_javascript(tmp_path: Path) -> None:
    """Though JavaScript can, for which it is an error like others; what JavaScript throws itself is caught."""
    assert see(
        tmp_path,
        """
        const { trap, overflow } = exportsOf("traps");
        const run = (f) => exportsOf("catches", { m: { f } });
        results.trap = [thrown(run(trap).all), thrown(run(() => trap()).all), thrown(run(() => overflow()).all)];
        results.again = thrown(run(() => { try { trap(); } catch (error) { throw error; } }).all);
        results.own = [run(() => { throw new WebAssembly.RuntimeError("own"); }).all(), run(() => { throw 1; }).all()];
        """,
        traps="""(module (func (export "trap") unreachable) (func $f (export "overflow") call $f))""",
        catches="""(module (import "m" "f" (func $f)) (func (export "all") (result i32)
          (block $caught (try_table (catch_all $caught) (call $f)) (return (i32.const 0))) (i32.const 80)))""",
    ) == {
        "trap": ["RuntimeError", "RuntimeError", "RangeError"],
        "again": "RuntimeError",
        "own": [80, 80],
    }
