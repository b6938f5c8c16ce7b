"""What wasm holds is freed when JavaScript can reach it no more, however the references run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp
from scripts import wasm

MEMORY_LIMIT = 256 << 20
OWN_MEMORY = wasm("""(module (import "m" "f" (func $f (param i32) (result i32))) (memory (export "memory") 256)
  (table (export "table") 4 funcref) (global (export "global") (mut externref) (ref.null extern))
  (func (export "run") (param i32) (result i32) (i32.store (i32.const 8) (local.get 0)) (call $f (local.get 0))))""")
IMPORTED = wasm("""(module (import "m" "memory" (memory 256)) (import "m" "table" (table 4 funcref))
  (import "m" "global" (global (mut externref))) (import "m" "tag" (tag (param i32)))
  (func (export "run") (param i32) (result i32) (i32.store (i32.const 8) (local.get 0)) (i32.load (i32.const 8))))""")
SHARED = wasm('(module (memory (export "memory") 256 256 shared))')

# Each leads from the store to JavaScript and back.
CYCLES = {
    "an import that holds the exports": """
      const made = new WebAssembly.Instance(module, { m: { f: (x) => made.exports ? x : 0 } });
      return made.exports.run(n)""",
    "an external reference": """const made = new WebAssembly.Instance(module, { m: { f: (x) => x } });
      made.exports.global.value = { made }; return made.exports.run(n)""",
    "a table": """const made = new WebAssembly.Instance(module, { m: { f: (x) => x } });
      made.exports.table.set(0, made.exports.run); return made.exports.table.get(0)(n)""",
    "a property of an export": """const made = new WebAssembly.Instance(module, { m: { f: (x) => x } });
      made.exports.run.back = made; made.exports.memory.back = made; return made.exports.run(n)""",
    "a buffer": """const made = new WebAssembly.Instance(module, { m: { f: (x) => x } });
      const view = new Int32Array(made.exports.memory.buffer); made.exports.memory.buffer.back = made;
      made.exports.run(n); return view[2]""",
    "an exception": """const made = new WebAssembly.Instance(module, { m: { f: (x) => { throw new Error(x) } } });
      try { made.exports.run(n) } catch (error) { error.made = made; return +error.message }""",
}


def run(source: str, *arguments: Any, slices: int = 100, memory_limit: int = MEMORY_LIMIT) -> list[Any]:
    with dcp.Evaluator(memory_limit) as evaluator:
        job = dcp.compute_for(range(slices), source, *arguments)
        return list(job.local_exec(1, evaluator=evaluator).wait())


@pytest.mark.parametrize("cycle", CYCLES)
def test_an_instance_a_slice(cycle: str) -> None:
    """100 memories of 16 MiB each in a sandbox that may have 256 MiB."""
    source = f"(n, bytes) => {{ progress(); const module = new WebAssembly.Module(bytes); {CYCLES[cycle]} }}"
    assert run(source, np.frombuffer(OWN_MEMORY, dtype=np.uint8)) == list(range(100))


def test_imported_memories_tables_globals_and_tags() -> None:
    source = """(n, bytes) => { progress();
      const m = { memory: new WebAssembly.Memory({ initial: 256 }), tag: new WebAssembly.Tag({ parameters: ["i32"] }),
        table: new WebAssembly.Table({ element: "anyfunc", initial: 4 }),
        global: new WebAssembly.Global({ value: "externref", mutable: true }, {}) };
      m.global.value.back = m;
      const made = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m });
      m.table.set(0, made.exports.run);
      return made.exports.run(n) }"""
    assert run(source, np.frombuffer(IMPORTED, dtype=np.uint8)) == list(range(100))


def test_many_memories_in_one_slice() -> None:
    source = """(n, bytes, shared) => { let sum = 0;
      for (let k = 0; k < 60; k++) {
        progress();
        new WebAssembly.Instance(new WebAssembly.Module(shared));
        const made = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { f: (x) => x + (made ? 1 : 0) } });
        sum += made.exports.run(k);
        new WebAssembly.Memory({ initial: 256 }).buffer;
      }
      return sum; }"""
    arguments = [np.frombuffer(data, dtype=np.uint8) for data in (OWN_MEMORY, SHARED)]
    assert run(source, *arguments, slices=2) == [sum(range(1, 61))] * 2


def test_what_is_reachable_stays() -> None:
    """A function, a buffer and an element of a table, each the last to hold its store, while others come and go."""
    source = """(n, bytes) => { progress();
      const module = new WebAssembly.Module(bytes);
      const make = () => new WebAssembly.Instance(module, { m: { f: (x) => x + 1000 } }).exports;
      globalThis.kept ??= { run: make().run, table: make().table, buffer: (() => { const e = make(); e.run(7);
        return e.memory.buffer; })(), shared: new WebAssembly.Table({ element: "anyfunc", initial: 1 }) };
      if (n === 0) { kept.table.set(0, make().run); kept.shared.set(0, make().run); }
      make();
      return [kept.run(n), kept.table.get(0)(n), kept.shared.get(0)(n), new Int32Array(kept.buffer)[2],
        kept.table.get(0) === kept.table.get(0)]; }"""
    found = run(source, np.frombuffer(OWN_MEMORY, dtype=np.uint8), slices=60, memory_limit=512 << 20)
    assert found == [[n + 1000, n + 1000, n + 1000, 7, True] for n in range(60)]


def test_functions_of_another_store() -> None:
    """The sandbox has made much in between, so the two instances are in different stores: calls go all the same."""
    caller = wasm("""(module (import "m" "f" (func $f (param i32) (result i32))) (import "m" "table" (table 1 funcref))
      (type $t (func (param i32) (result i32))) (export "again" (func $f))
      (func (export "direct") (param i32) (result i32) (call $f (local.get 0)))
      (func (export "indirect") (param i32) (result i32)
        (call_indirect (type $t) (local.get 0) (i32.const 0))))""")
    source = """(n, bytes, caller) => { progress();
      const make = (f) => new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { f } }).exports;
      if (n === 0) { globalThis.first = make((x) => x + 1); return true; }
      make((x) => x);
      if (n < 40) return true;
      const table = new WebAssembly.Table({ element: "anyfunc", initial: 1 });
      table.set(0, first.run);
      const second = new WebAssembly.Instance(new WebAssembly.Module(caller), { m: { f: first.run, table } }).exports;
      return [second.direct(1), second.indirect(2), second.again === first.run, table.get(0) === first.run]; }"""
    arguments = [np.frombuffer(data, dtype=np.uint8) for data in (OWN_MEMORY, caller)]
    assert run(source, *arguments, slices=41)[-1] == [2, 3, True, True]


def test_items_of_different_stores_are_not_linked(engine: str) -> None:
    """V8 has one store, in which all are linked."""
    source = """(n, bytes, imported) => { progress();
      const make = () => new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { f: (x) => x } }).exports;
      if (n === 0) globalThis.old = make();
      make();
      if (n < 40) return "";
      const m = { memory: old.memory, tag: new WebAssembly.Tag({ parameters: ["i32"] }), table: old.table,
        global: old.global };
      try { new WebAssembly.Instance(new WebAssembly.Module(imported), { m }); } catch (error) { return String(error); }
      return "linked"; }"""
    arguments = [np.frombuffer(data, dtype=np.uint8) for data in (OWN_MEMORY, IMPORTED)]
    expected = "LinkError: memories, tables, globals and tags that are" if engine == "quickjs" else "linked"
    assert run(source, *arguments, slices=41)[-1].startswith(expected)


def test_exceptions_of_another_store() -> None:
    throws = wasm(
        """(module (tag $e (export "e") (param i32)) (func (export "throw") (throw $e (i32.const 5))) (memory 256))"""
    )
    catches = wasm("""(module (import "m" "f" (func $f)) (func (export "run") (result i32)
      (block $all (try_table (catch_all $all) (call $f) (return (i32.const 0)))) (i32.const 1))
      (func (export "pass") (call $f)))""")
    source = """(n, throws, catches) => { progress();
      const make = () => new WebAssembly.Instance(new WebAssembly.Module(throws)).exports;
      if (n === 0) globalThis.old = make();
      make();
      if (n < 40) return 0;
      const f = () => old.throw();
      const made = new WebAssembly.Instance(new WebAssembly.Module(catches), { m: { f } }).exports;
      let same = false;
      try { made.pass() } catch (error) { same = error.is(old.e) && error.getArg(old.e, 0) === 5 }
      return [made.run(), same]; }"""
    arguments = [np.frombuffer(data, dtype=np.uint8) for data in (throws, catches)]
    assert run(source, *arguments, slices=41)[-1] == [1, True]


def test_external_references_are_let_go() -> None:
    """Objects that wasm has held are collected once it does not hold them any more."""
    module = wasm("""(module (table $t 1 externref)
      (func (export "hold") (param externref) (table.set $t (i32.const 0) (local.get 0)))
      (func (export "pass") (param externref) (result externref) (local.get 0)))""")
    source = """async (n, bytes) => {
      const { hold, pass } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
      let count = 0;
      const registry = new FinalizationRegistry(() => { count++; });
      for (let k = 0; k < 20000; k++) {
        const object = { k };
        registry.register(object);
        if (pass(object) !== object) return "another object";
        hold(object);
        if (k % 1000 === 0) { progress(); await new Promise((resolve) => setTimeout(resolve)); }
      }
      // V8 collects when it has made much.
      for (let round = 0; round < 40 && count <= 10000; round++) {
        const much = [];
        for (let k = 0; k < 50; k++) much.push(new Array(1 << 17).fill({ k }));
        progress();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      registry.unregister({});  // it is in use until here
      return count; }"""
    (count,) = run(source, np.frombuffer(module, dtype=np.uint8), slices=1)
    assert count > 10000
