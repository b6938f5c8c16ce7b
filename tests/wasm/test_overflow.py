"""Recursion without end, in all the ways in which wasm and JavaScript can call each other, is an error and no crash."""

from __future__ import annotations

from pathlib import Path

import pytest

import dcp_evaluator as dcp
from scripts import see, wasm

# Functions whose frames are large, that go through tables and references, and that catch everything on the way.
RECURSION = """(module
  (import "m" "f" (func $f)) (import "m" "wide" (func $wide (param i64 f64 i64 f64 externref) (result i32 f64)))
  (import "m" "convert" (func $convert (result i32)))
  (import "m" "keep" (func $keep (param externref) (result externref)))
  (type $v (func)) (table (export "t") 4 funcref) (elem (i32.const 0) $indirect $byReference)
  (func $plain (export "plain") call $plain)
  (func (export "large") (result f64)
    {locals}
    (call $large2) {gets})
  (func $large2 {locals} (call $large2) {gets} drop)
  (func $indirect (export "indirect") i32.const 0 call_indirect (type $v))
  (func $byReference (export "byReference") (call_ref $v (ref.func $byReference)))
  (func (export "host") call $f)
  (func (export "hostWide") (result f64)
    (call $wide (i64.const 1) (f64.const 2) (i64.const 3) (f64.const 4) (ref.null extern)) drop f64.convert_i32_s)
  (func (export "convert") (result i32) call $convert)
  (func (export "keep") (param externref) (result externref) local.get 0 call $keep)
  (func $catching (export "catching") (block $out (try_table (catch_all $out) call $catching call $f)))
  (func (export "mixed") (param i32)
    (if (i32.and (local.get 0) (i32.const 1)) (then call $f) (else i32.const 1 call_indirect (type $v)))))"""

# Each way calls itself again through `again`.
WAYS = {
    "plain": "e.plain()",
    "large": "e.large()",
    "indirect": "e.indirect()",
    "byReference": "e.byReference()",
    "table": "e.t.get(0)()",
    "import": "e.host()",
    "wide": "e.hostWide()",
    "convert": "e.convert()",
    "mixed": "e.mixed(depth & 1)",
    "reference": "e.keep({})",
    "catching": "e.catching()",
    "getter": "new WebAssembly.Memory({ get initial() { return again(); } })",
    "instantiation": "new WebAssembly.Instance(module, { get m() { return again(); } })",
    "iterator": "new WebAssembly.Tag({ parameters: { [Symbol.iterator]: () => again() } })",
    "global": "new WebAssembly.Global({ value: 'i32' }, { valueOf: () => again() })",
    "json": "JSON.stringify({ toJSON: () => { again(); e.host(); } })",
    "sort": "[1, 2].sort(() => { e.host(); return 0; })",
    "regexp": "'a'.replace(/a/, () => { e.host(); return ''; })",
    "proxy": "new Proxy({}, { get: () => e.host() }).x",
    "apply": "Reflect.apply(e.host, undefined, [])",
}

SOURCE = """
const overflow = (bytes, way) => {
  const module = new WebAssembly.Module(bytes);
  let depth = 0;
  const imports = { m: {
    f: () => again(), wide: () => again(), keep: (x) => again() ?? x, convert: () => ({ valueOf: () => again() }),
  } };
  const e = new WebAssembly.Instance(module, imports).exports;
  const ways = { WAYS };
  const again = () => { depth++; return ways[way](); };
  const names = [];
  for (let round = 0; round < 3; round++) {
    try {
      again();
      names.push("nothing");
    } catch (error) {
      names.push(error.name);
    }
  }
  // The stack is whole again.
  const usable = new WebAssembly.Instance(module, { m: { ...imports.m, f: () => {} } }).exports;
  usable.host();
  return names;
};
"""


def module() -> bytes:
    names = [f"$l{i}" for i in range(400)]
    many = " ".join(f"(local {name} f64)" for name in names)
    gets = "local.get $l0 " + " ".join(f"local.get {name} f64.add" for name in names[1:])
    return wasm(RECURSION.replace("{locals}", many).replace("{gets}", gets))


def source() -> str:
    ways = ", ".join(f"{name}: () => {code}" for name, code in WAYS.items())
    return SOURCE.replace("WAYS", ways)


def test_every_way_in_one_sandbox(tmp_path: Path, engine: str) -> None:
    """One after the other, so that what an overflow leaves behind would show in the next."""
    found = see(
        tmp_path,
        f"""
        {source()}
        for (const way of {list(WAYS)}) results[way] = overflow(modules.recursion, way);
        """,
        recursion=module(),
    )
    for way, names in found.items():
        # What catches everything may end well: the innermost frames are gone then.
        expected = {"RangeError", "RuntimeError"} | ({"nothing"} if way == "catching" else set())
        if engine == "v8" and way == "iterator":  # there is no stack for looking for the iterator: it is taken for none
            expected.add("TypeError")
        assert set(names) <= expected, (way, names)


@pytest.mark.parametrize("way", ["plain", "import", "convert", "proxy"])
def test_in_a_sealed_sandbox(evaluator: dcp.Evaluator, way: str) -> None:
    work = f"(() => {{ {source()} return (bytes, way) => overflow(bytes, way); }})()"
    (names,) = dcp.compute_for([module()], work, way).local_exec(1, evaluator=evaluator, retries=0).wait()
    assert set(names) <= {"RangeError", "RuntimeError"}, names
