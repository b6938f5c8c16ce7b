"""WebAssembly where work functions run."""

from __future__ import annotations

import numpy as np

import dcp_evaluator as dcp
from scripts import wasm


def test_webassembly_in_a_sealed_sandbox() -> None:
    """A job: growth, traps, overflow, atomics and exceptions need nothing that the sandbox does not allow."""
    job = dcp.compute_for(
        range(40),
        """
        async (index, bytes) => {
          const { instance, module } = await WebAssembly.instantiate(bytes, { m: { f() { throw new Error("own"); } } });
          const { grow, store, load, recurse, trap, pass, add } = instance.exports;
          const name = (run) => {
            try { run(); } catch (error) { return error.name; }
            return "nothing";
          };
          const again = new WebAssembly.Instance(module, { m: { f() {} } });
          const pages = grow(1 + (index % 3));
          store(65540, index);
          return [pages, load(65540), name(recurse), name(trap), name(pass), add(40, 2), name(again.exports.pass),
            name(() => new WebAssembly.Module(bytes.subarray(0, 40)))];
        }
        """,
        np.frombuffer(
            wasm("""(module (import "m" "f" (func $f)) (memory 1 8)
              (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
              (func (export "load") (param i32) (result i32) local.get 0 i32.load)
              (func (export "store") (param i32 i32) local.get 0 local.get 1 i32.store)
              (func $r (export "recurse") call $r) (func (export "trap") unreachable) (func (export "pass") call $f)
              (func (export "add") (param i32 i32) (result i32)
                i32.const 8 local.get 0 i32.store
                i32.const 8 local.get 1 i32.atomic.rmw.add drop i32.const 8 i32.load))"""),
            dtype=np.uint8,
        ),
    )
    expected = ["RangeError", "RuntimeError", "Error", 42, "nothing", "CompileError"]
    assert [list(result) for result in job.local_exec(sandboxes=2)] == [[1, i, *expected] for i in range(40)]
