"""Structs, arrays and i31 of wasm as JavaScript sees them (JavaScript API, ToJSValue and ToWebAssemblyValue)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import dcp_evaluator as dcp
from scripts import see, wasm

GC = """(module (type $s (struct (field (mut i32)))) (type $a (array (mut i32)))
  (global (export "global") (mut anyref) (ref.null any)) (table (export "table") 2 anyref)
  (func (export "makeStruct") (result anyref) (struct.new $s (i32.const 4)))
  (func (export "makeArray") (result (ref $a)) (array.new $a (i32.const 4) (i32.const 2)))
  (func (export "passAny") (param anyref) (result anyref) local.get 0)
  (func (export "passEq") (param eqref) (result eqref) local.get 0)
  (func (export "passI31") (param i31ref) (result i31ref) local.get 0)
  (func (export "passStruct") (param structref) (result structref) local.get 0)
  (func (export "passConcrete") (param (ref null $s)) (result (ref null $s)) local.get 0)
  (func (export "passNonNull") (param (ref $s)) (result (ref $s)) local.get 0)
  (func (export "get") (param anyref) (result i32) (struct.get $s 0 (ref.cast (ref $s) (local.get 0))))
  (func (export "set") (param anyref i32)
    (struct.set $s 0 (ref.cast (ref $s) (local.get 0)) (local.get 1)))
  (func (export "toExtern") (param anyref) (result externref) (extern.convert_any (local.get 0)))
  (func (export "inside") (param externref) (result i32 i32)
    (ref.test (ref i31) (any.convert_extern (local.get 0)))
    (ref.test (ref $s) (any.convert_extern (local.get 0))))
  (func (export "toAny") (param externref) (result anyref) (any.convert_extern (local.get 0))))"""

IMPORTS = """(module (type $s (struct (field i32)))
  (import "m" "f" (func $f (param (ref null $s)) (result (ref null $s))))
  (func (export "make") (result anyref) (struct.new $s (i32.const 1)))
  (func (export "passAny") (param anyref) (result anyref) local.get 0)
  (func (export "pass") (param (ref null $s)) (result (ref null $s)) (call $f (local.get 0))))"""


def test_structs_and_arrays_are_opaque_objects(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const e = exportsOf("gc");
        const s = e.makeStruct(), a = e.makeArray();
        results.same = [e.passAny(s) === s, e.passStruct(s) === s, e.passConcrete(s) === s, e.passNonNull(s) === s,
          e.passAny(a) === a, e.passEq(a) === a];
        results.other = s === e.makeStruct();
        results.look = [Object.getPrototypeOf(s), typeof s, Object.isExtensible(s), Reflect.ownKeys(s).length, s.x];
        e.set(s, 9);
        results.fields = [e.get(s), e.get(e.makeStruct())];
        """,
        gc=GC,
    ) == {
        "same": [True] * 6,
        "other": False,
        "look": [None, "object", False, 0, None],
        "fields": [9, 4],
    }


def test_numbers_are_i31(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const e = exportsOf("gc");
        const numbers = [0, -5, 2 ** 30 - 1, -(2 ** 30), 2 ** 30, 1.5, -0, NaN, Infinity];
        results.any = numbers.map((x) => Object.is(e.passAny(x), x));
        results.i31 = numbers.map((x) => caught(() => e.passI31(x))?.name ?? "nothing");
        results.eq = [e.passEq(7), thrown(() => e.passEq(1.5)), thrown(() => e.passEq("7"))];
        """,
        gc=GC,
    ) == {
        "any": [True] * 9,
        "i31": ["nothing"] * 4 + ["TypeError"] * 5,
        "eq": [7, "TypeError", "TypeError"],
    }


def test_everything_else_is_an_external_reference(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const e = exportsOf("gc");
        const values = [{}, [], "text", 5n, Symbol.iterator, undefined, null, true, e.makeStruct, () => 1];
        results.any = values.map((value) => e.passAny(value) === value);
        results.extern = values.map((value) => e.toExtern(value) === value && e.toAny(value) === value);
        const s = e.makeStruct();
        results.inside = [5, 1.5, s, {}, "5"].map((value) => e.inside(value).join());
        results.disguised = [e.toExtern(s) === s, e.toAny(s) === s, e.toExtern(9), e.toAny(e.toExtern(9))];
        """,
        gc=GC,
    ) == {
        "any": [True] * 10,
        "extern": [True] * 10,
        "inside": ["1,0", "0,0", "0,1", "0,0", "0,0"],
        "disguised": [True, True, 9, 9],
    }


def test_what_is_of_another_type_is_refused(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const e = exportsOf("gc");
        const s = e.makeStruct(), a = e.makeArray();
        results.refused = [() => e.passStruct(a), () => e.passStruct(5), () => e.passStruct({}),
          () => e.passConcrete(a), () => e.passEq({}), () => e.passNonNull(null), () => e.passI31(s)].map(thrown);
        results.null = [e.passStruct(null), e.passConcrete(null), e.passI31(null)];
        const returns = exportsOf("imports", { m: { f: () => 3 } });
        results.import = thrown(() => returns.pass(s));
        """,
        gc=GC,
        imports=IMPORTS,
    ) == {"refused": ["TypeError"] * 7, "null": [None] * 3, "import": "TypeError"}


def test_they_cross_imports_globals_tables_and_instances(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const e = exportsOf("gc");
        const s = e.makeStruct();
        const seen = [];
        const other = exportsOf("imports", { m: { f(x) { seen.push(x); return x; } } });
        const made = other.make();
        results.import = [other.pass(made) === made, seen[0] === made, other.passAny(s) === s];
        e.global.value = s;
        e.table.set(0, s);
        e.table.grow(1, s);
        results.items = [e.global.value === s, e.table.get(0) === s, e.table.get(1), e.table.get(2) === s];
        """,
        gc=GC,
        imports=IMPORTS,
    ) == {"import": [True] * 3, "items": [True, True, None, True]}


def test_forgotten_ones_are_freed() -> None:
    """100,000 structs a slice, each seen by JavaScript and forgotten; in between, one that is kept."""
    source = """(n, bytes) => {
      const { makeStruct, get, set } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
      const kept = makeStruct();
      set(kept, 77);
      for (let k = 0; k < 100000; k++) { makeStruct(); if (k % 10000 === 0) progress(); }
      return get(kept); }"""
    with dcp.Evaluator(64 << 20) as evaluator:
        job = dcp.compute_for(range(3), source, np.frombuffer(wasm(GC), dtype=np.uint8))
        assert list(job.local_exec(1, evaluator=evaluator).wait()) == [77] * 3
