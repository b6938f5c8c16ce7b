"""try, catch, catch_all, rethrow and delegate: what they do, in the sandbox and in Node."""

from __future__ import annotations

import json
from pathlib import Path

from legacy_modules import (
    ADD,
    ARGUMENT,
    CALL,
    CATCH_ALL,
    COUNTER,
    DIV,
    DROP,
    END,
    EQ,
    EQZ,
    EXTERNREF,
    I32_TO_EXTERNREF,
    I32_TO_I32,
    JS,
    LT,
    RETURN,
    SET_COUNTER,
    SUB,
    TWO_I32,
    VOID,
    E,
    P,
    V,
    begin_if,
    begin_try,
    block,
    br,
    br_if,
    br_table,
    catch,
    const,
    delegate,
    loop,
    module,
    rethrow,
    throw,
)
from node import run_node
from scripts import PRELUDE, see

# What run(n) does for each n: the import returns, throws an exception of e, p or v, an Error or a text, or traps.
_RUN = """
const tag = (...parameters) => new WebAssembly.Tag({ parameters });
const tags = { e: tag("i32"), p: tag("i32", "i32"), v: tag(), j: WebAssembly.JSTag ?? tag("externref") };
const failure = new Error("of JavaScript");
const thrower = (n) => {
  if (n === 1) throw new WebAssembly.Exception(tags.e, [41]);
  if (n === 2) throw new WebAssembly.Exception(tags.p, [5, 6]);
  if (n === 3) throw new WebAssembly.Exception(tags.v, []);
  if (n === 4) throw failure;
  if (n === 5) throw "text";
};
const describe = (error) => {
  if (error === failure) return "Error";
  if (error instanceof WebAssembly.RuntimeError) return "trap";
  if (!(error instanceof WebAssembly.Exception)) return String(error);
  const [name] = Object.keys(tags).filter((name) => error.is(tags[name]));
  const count = { e: 1, p: 2, v: 0 }[name];
  return `${name}(${Array.from({ length: count }, (_, i) => error.getArg(tags[name], i))})`;
};
const outcome = (run, n) => {
  try {
    return run(n);
  } catch (error) {
    return describe(error);
  }
};
for (const name of Object.keys(modules).filter((name) => name !== "trap")) {
  const { run } = exportsOf(name, { m: { call: thrower, ...tags } });
  const trapping = exportsOf(name, { m: { call: exportsOf("trap").run, ...tags } }).run;
  results[name] = [...[0, 1, 2, 3, 4, 5].map((n) => outcome(run, n)), outcome(trapping, 6)];
}
results.valid = Object.values(modules).every((bytes) => WebAssembly.validate(bytes));
"""

# (module (func (export "run") (param i32) unreachable))
_TRAP = b"\0asm\1\0\0\0\1\5\1\x60\1\x7f\0\3\2\1\0\7\7\1\3run\0\0\n\5\1\3\0\0\x0b"
_THROWN = ["e(41)", "p(5,6)", "v()", "Error", "text"]
_ATTEMPT = begin_try() + CALL + const(1)

# By name: the body, and what it gives for each n.
_CASES: dict[str, tuple[bytes, list[int | str]]] = {
    "one_catch": (
        _ATTEMPT + catch(E) + const(100) + ADD + END,
        [1, 141, *_THROWN[1:], "trap"],
    ),
    "several_catches": (
        _ATTEMPT + catch(E) + catch(P) + ADD + catch(V) + const(70) + CATCH_ALL + const(80) + END,
        [1, 41, 11, 70, 80, 80, "trap"],
    ),
    "catch_all": (_ATTEMPT + CATCH_ALL + const(80) + END, [1, 80, 80, 80, 80, 80, "trap"]),
    "no_catch": (_ATTEMPT + END, [1, *_THROWN, "trap"]),
    "parameters": (
        const(10) + begin_try(I32_TO_I32) + CALL + const(1) + ADD + catch(E) + const(1) + ADD + catch(P) + SUB + END,
        [11, 42, -1, *_THROWN[2:], "trap"],
    ),
    "several_results": (
        begin_try(TWO_I32) + CALL + const(7) + const(3) + catch(P) + catch(E) + const(1) + END + SUB,
        [4, 40, -1, *_THROWN[2:], "trap"],
    ),
    "no_result": (
        begin_try(VOID) + CALL + const(3) + SET_COUNTER + catch(E) + SET_COUNTER + CATCH_ALL + END + COUNTER,
        [3, 41, 0, 0, 0, 0, "trap"],
    ),
    "rethrow": (
        _ATTEMPT + catch(E) + DROP + rethrow(0) + CATCH_ALL + rethrow(0) + END,
        [1, *_THROWN, "trap"],
    ),
    "rethrow_of_the_outer": (
        _ATTEMPT + CATCH_ALL + begin_try() + throw(V) + catch(V) + block(VOID) + rethrow(2) + END + const(0)
        + END + END,
        [1, *_THROWN, "trap"],
    ),
    "rethrow_of_the_inner": (
        _ATTEMPT + CATCH_ALL + begin_try() + throw(V) + catch(V) + block(VOID) + rethrow(1) + END + const(0)
        + END + END,
        [1, "v()", "v()", "v()", "v()", "v()", "trap"],
    ),
    "rethrow_of_either": (
        _ATTEMPT + CATCH_ALL + begin_try() + throw(V) + CATCH_ALL
        + ARGUMENT + const(1) + EQ + begin_if() + rethrow(2) + END + rethrow(0) + END + END,
        [1, "e(41)", "v()", "v()", "v()", "v()", "trap"],
    ),
    "rethrow_is_caught_outside": (
        begin_try() + _ATTEMPT + catch(E) + DROP + rethrow(0) + END + catch(E) + const(2) + ADD + END,
        [1, 43, *_THROWN[1:], "trap"],
    ),
    "handlers_are_outside_of_their_try": (
        _ATTEMPT + catch(E) + DROP + throw(V) + CATCH_ALL + const(2) + END,
        [1, "v()", 2, 2, 2, 2, "trap"],
    ),
    "nested": (
        begin_try() + _ATTEMPT + catch(E) + const(1) + ADD + throw(E) + END
        + catch(E) + const(1000) + ADD + CATCH_ALL + const(5) + END,
        [1, 1042, 5, 5, 5, 5, "trap"],
    ),
    "delegate_to_the_next": (
        begin_try() + _ATTEMPT + delegate(0) + CATCH_ALL + const(9) + END,
        [1, 9, 9, 9, 9, 9, "trap"],
    ),
    "delegate_past_one": (
        begin_try() + begin_try() + _ATTEMPT + delegate(1) + CATCH_ALL + const(9) + END
        + catch(E) + const(2) + ADD + END,
        [1, 43, *_THROWN[1:], "trap"],
    ),
    "delegate_to_the_caller": (
        begin_try() + _ATTEMPT + delegate(1) + CATCH_ALL + const(9) + END,
        [1, *_THROWN, "trap"],
    ),
    "delegate_to_a_block": (
        begin_try() + block() + begin_try() + _ATTEMPT + delegate(1) + CATCH_ALL + const(9) + END + END
        + CATCH_ALL + const(4) + END,
        [1, 4, 4, 4, 4, 4, "trap"],
    ),
    "delegate_to_a_try_with_parameters": (
        const(10) + begin_try(I32_TO_I32) + begin_try() + _ATTEMPT + delegate(1) + CATCH_ALL + const(9) + END + ADD
        + catch(P) + SUB + END,
        [11, "e(41)", -1, *_THROWN[2:], "trap"],
    ),
    "delegate_out_of_a_handler": (
        _ATTEMPT + catch(E) + DROP + begin_try() + throw(V) + delegate(0) + CATCH_ALL + const(2) + END,
        [1, "v()", 2, 2, 2, 2, "trap"],
    ),
    "br": (
        block() + begin_try() + CALL + const(5) + br(1) + catch(E) + const(1) + ADD + br(1) + CATCH_ALL + const(3) + END
        + const(100) + ADD + END,
        [5, 42, 103, 103, 103, 103, "trap"],
    ),
    "br_if": (
        block() + begin_try() + CALL + const(5) + ARGUMENT + EQZ + br_if(1) + catch(E) + ARGUMENT + br_if(1)
        + CATCH_ALL + const(3) + END + const(100) + ADD + END,
        [5, 41, 103, 103, 103, 103, "trap"],
    ),
    "br_table": (
        block() + block() + begin_try() + CALL + const(5) + const(1) + br_table(0, 1, 2)
        + CATCH_ALL + const(7) + ARGUMENT + br_table(0, 0, 0, 1, 1, 2) + END + const(10) + ADD + END
        + const(100) + ADD + END,
        [105, 117, 117, 107, 107, 7, "trap"],
    ),
    "br_over_more_values": (
        block() + _ATTEMPT + catch(P) + br(1) + CATCH_ALL + const(2) + END + END,
        [1, 2, 6, 2, 2, 2, "trap"],
    ),
    "return": (
        _ATTEMPT + CATCH_ALL + const(6) + RETURN + END + const(50) + ADD,
        [51, 6, 6, 6, 6, 6, "trap"],
    ),
    "loop": (
        loop() + begin_try() + COUNTER + const(1) + ADD + SET_COUNTER
        + COUNTER + const(5) + LT + begin_if() + throw(V) + END + COUNTER + catch(V) + br(1) + END + END,
        [5, 5, 5, 5, 5, 5, 5],
    ),
    "own_exception": (begin_try() + const(9) + throw(E) + catch(P) + ADD + END, ["e(9)"] * 7),
    "own_trap": (begin_try() + const(1) + const(0) + DIV + CATCH_ALL + const(2) + END, ["trap"] * 7),
}  # fmt: skip


def test_each_construct(tmp_path: Path) -> None:
    modules = {name: module(body) for name, (body, _) in _CASES.items()}
    found = see(tmp_path, _RUN, trap=_TRAP, **modules)
    assert found == {"valid": True} | {name: expected for name, (_, expected) in _CASES.items()}


def test_node_gives_the_same(tmp_path: Path) -> None:
    """So that the expectations above are those of an engine that runs the instructions as they are."""
    modules = {name: list(module(body)) for name, (body, _) in _CASES.items()}
    modules["trap"] = list(_TRAP)
    script = tmp_path / "script.cjs"
    script.write_text(f"""
      const modules = {{}};
      for (const [name, bytes] of Object.entries({json.dumps(modules)})) modules[name] = Uint8Array.from(bytes);
      {PRELUDE}
      {_RUN}
      console.log(JSON.stringify(results));""")
    done = run_node(script)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"valid": True} | {name: expected for name, (_, expected) in _CASES.items()}


def test_what_javascript_throws_keeps_its_identity(tmp_path: Path) -> None:
    rethrows = begin_try(VOID) + CALL + CATCH_ALL + rethrow(0) + END + const(0)
    catches = begin_try(EXTERNREF) + CALL + b"\xd0\x6f" + catch(JS) + END
    assert see(
        tmp_path,
        """
        const values = [new Error("boom"), { odd: 1 }, null, undefined, 7, "text", Symbol.iterator, 5n, NaN];
        const e = new WebAssembly.Tag({ parameters: ["i32"] });
        values.push(new WebAssembly.Exception(e, [3]));
        let next;
        const tag = (...parameters) => new WebAssembly.Tag({ parameters });
        const imports = { call() { throw next; }, e, p: tag("i32", "i32"), v: tag(), j: WebAssembly.JSTag };
        const { run } = exportsOf("rethrows", { m: imports });
        results.rethrown = values.every((value) => { next = value; return Object.is(caught(() => run(0)), value); });
        const catcher = exportsOf("catches", { m: imports });
        const exception = values.pop();
        results.caught = values.every((value) => { next = value; return Object.is(catcher.run(0), value); });
        next = exception;
        results.ofAnotherTag = caught(() => catcher.run(0)) === exception;
        """,
        rethrows=module(rethrows),
        catches=module(catches, I32_TO_EXTERNREF),
    ) == {"rethrown": True, "caught": True, "ofAnotherTag": True}


def test_a_module_shows_itself_as_it_was(tmp_path: Path) -> None:
    custom = [("own", b"abc"), ("metadata.code.branch_hint", b"\0"), (".debug_info", b"xy")]
    assert see(
        tmp_path,
        """
        const shown = compile("shown");
        results.exports = WebAssembly.Module.exports(shown).map(({ name, kind }) => `${kind} ${name}`);
        results.imports = WebAssembly.Module.imports(shown).map(({ name, kind }) => `${kind} ${name}`);
        results.custom = ["own", "metadata.code.branch_hint", ".debug_info"].map((name) =>
          WebAssembly.Module.customSections(shown, name).map((bytes) => [...new Uint8Array(bytes)]));
        """,
        shown=module(_ATTEMPT + CATCH_ALL + const(80) + END, custom=custom),
    ) == {
        "exports": ["function run", "tag tag"],
        "imports": ["function call", "tag e", "tag p", "tag v", "tag j"],
        "custom": [[[97, 98, 99]], [[0]], [[120, 121]]],
    }


def test_malformed_ones_are_refused(tmp_path: Path) -> None:
    bodies = {
        "rethrow_outside": begin_try() + rethrow(0) + CATCH_ALL + const(1) + END,
        "catch_after_catch_all": _ATTEMPT + CATCH_ALL + const(1) + catch(E) + END,
        "no_such_tag": _ATTEMPT + catch(9) + const(1) + END,
        "no_such_label": begin_try() + _ATTEMPT + delegate(7) + CATCH_ALL + const(1) + END,
        "wrong_result": _ATTEMPT + catch(P) + END,
        "left_open": _ATTEMPT + catch(E),
        "value_too_many_in_a_body": _ATTEMPT + const(2) + CATCH_ALL + const(1) + END,
        "value_too_many_in_a_handler": _ATTEMPT + catch(V) + const(1) + const(2) + CATCH_ALL + const(1) + END,
        "value_too_many_in_the_last_handler": _ATTEMPT + CATCH_ALL + const(1) + const(2) + END,
        "value_too_many_in_a_body_that_is_delegated_to": begin_try() + const(1) + begin_try() + _ATTEMPT + delegate(1)
        + CATCH_ALL + const(1) + END + CATCH_ALL + const(1) + END,
        "value_too_many_where_the_caller_is_delegated_to": const(1) + begin_try() + _ATTEMPT + delegate(1)
        + CATCH_ALL + const(1) + END,
    }  # fmt: skip
    found = see(
        tmp_path,
        """for (const name of Object.keys(modules))
          results[name] = [WebAssembly.validate(modules[name]), thrown(() => compile(name))];""",
        **{name: module(body) for name, body in bodies.items()},
    )
    assert found == {name: [False, "CompileError"] for name in bodies}


# An instruction of each form that the binary format has, in dead code. `$out` is the end of a block that becomes a try.
_FORMS = """(module
  (rec (type $s (struct (field (mut i32)) (field i8))) (type $a (array (mut i32))) (type $refs (array (mut funcref))))
  (type $open (sub (struct))) (type $f (func (param i32) (result i32))) (type $n (func))
  (memory $m 1 1 shared) (memory $wide i64 1) (table $t 1 funcref) (table $u 1 funcref) (data $d "x") (elem $e func $f)
  (global $g (mut i32) (i32.const 0)) (tag $tag (param i32))
  (func $n) (func $f (export "f") (param i32) (result i32) local.get 0)
  (func (export "run") (local i32 i64 f32 f64 v128 anyref funcref)
    (block $out unreachable
{0}      br $out)))"""
_INSTRUCTIONS = """
  nop | drop | select | select (result i32) | return | call $f | call_indirect $t (type $f) | call_ref $f
  return_call $n | return_call_indirect $u (type $n) | return_call_ref $n | local.get 5 | local.set 1 | local.tee 2
  global.get $g | global.set $g | table.get $u | table.set $t | throw $tag
  i32.load offset=70000 align=2 | i64.store8 $wide offset=0x1ffffffff | memory.size $wide | memory.grow
  i32.const -2147483648 | i64.const 0x7fffffffffffffff | f32.const 1.5 | f64.const -2.5 | i32.add | i64.extend32_s
  ref.null $s | ref.null extern | ref.is_null | ref.func $f | ref.eq | ref.as_non_null
  br $out | br_if $out | br_table $out 1 $out | br_on_null $out
  struct.new $s | struct.new_default $s | struct.get $s 0 | struct.get_s $s 1 | struct.set $s 0
  array.new $a | array.new_default $a | array.new_fixed $a 300 | array.new_data $a $d | array.new_elem $refs $e
  array.get $a | array.set $a | array.len | array.fill $a | array.copy $a $a | array.init_data $a $d
  array.init_elem $refs $e | ref.test (ref $s) | ref.cast (ref null $a) | ref.i31 | i31.get_u
  any.convert_extern | extern.convert_any | i32.trunc_sat_f32_s | i64.trunc_sat_f64_u
  memory.init $wide $d | data.drop $d | memory.copy $m $wide | memory.fill $wide | table.init $u $e | elem.drop $e
  table.copy $t $u | table.grow $u | table.size $u | table.fill $u
  v128.load offset=300 | v128.store $wide | v128.const i32x4 6 6 6 6 | i8x16.swizzle | i32x4.splat
  i8x16.shuffle 6 6 6 6 6 6 6 6 6 6 6 6 6 6 6 6 | i8x16.extract_lane_s 6 | f64x2.replace_lane 1
  v128.load8_lane offset=6 6 | v128.store64_lane $wide 1 | v128.load64_zero | i32x4.add | f64x2.convert_low_i32x4_u
  i8x16.relaxed_swizzle | i32x4.relaxed_dot_i8x16_i7x16_add_s
  memory.atomic.notify | memory.atomic.wait64 offset=6 | atomic.fence | i32.atomic.load | i64.atomic.rmw32.cmpxchg_u
"""
_BRANCHES = """
  (drop (block $l (result (ref i31)) (br_on_cast $l anyref (ref i31) (local.get 5)) drop (ref.i31 (i32.const 1))))
  (drop (block $l (result anyref) (br_on_cast_fail $l anyref (ref i31) (local.get 5))))
  (drop (block $l (result funcref) (br_on_non_null $l (local.get 6)) (ref.null func)))
  (loop $l (br_if $l (i32.const 0)) (if (i32.const 6) (then (br $l)) (else (br $out))))
"""


def test_every_form_of_instruction_may_stand_in_a_try(tmp_path: Path) -> None:
    lines = [line.strip() for row in _INSTRUCTIONS.strip().splitlines() for line in row.split("|")]
    bodies = [*(f"{line} unreachable" for line in lines), _BRANCHES]
    found = see(
        tmp_path,
        """
        for (const [name, bytes] of Object.entries(modules)) {
          // The body's block of type void, before an unreachable, becomes a try without handlers.
          const begin = bytes.findIndex((_, i) => [0x02, 0x40, 0x00].every((byte, j) => bytes[i + j] === byte));
          results[name] = [WebAssembly.validate(bytes)];
          bytes[begin] = 0x06;
          results[name].push(WebAssembly.validate(bytes));
        }
        """,
        **{f"m{index}": _FORMS.replace("{0}", body) for index, body in enumerate(bodies)},
    )
    refused = {bodies[index]: found[f"m{index}"] for index in range(len(bodies)) if found[f"m{index}"] != [True, True]}
    assert refused == {}
