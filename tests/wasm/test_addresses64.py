"""Tables and memories with 64-bit addresses: indices and sizes are BigInts (JavaScript API, AddressValueToU64)."""

from __future__ import annotations

from pathlib import Path

from scripts import see


def test_tables_that_javascript_makes(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const t = new WebAssembly.Table({ address: "i64", element: "externref", initial: 2n, maximum: 5n }, "x");
        results.first = [String(t.length), t.get(0n), t.get(1n)];
        t.set(1n, "y");
        results.grown = [String(t.grow(2n, "z")), String(t.length), t.get(1n), t.get(3n)];
        results.errors = [thrown(() => t.get(0)), thrown(() => t.get(4n)), thrown(() => t.get(-1n)),
          thrown(() => t.grow(2n)), thrown(() => t.grow(2n ** 64n - 1n)), thrown(() => t.get(2n ** 64n)),
          thrown(() => t.set(2n ** 64n - 1n, 1)),
          thrown(() => new WebAssembly.Table({ address: "i64", element: "anyfunc", initial: 1 })),
          thrown(() => new WebAssembly.Table({ address: "i64", element: "anyfunc", initial: 2n, maximum: 1n })),
          thrown(() => new WebAssembly.Table({ address: "i64", element: "anyfunc", initial: 10_000_001n }))];
        const f = new WebAssembly.Table({ address: "i64", element: "anyfunc", initial: 1n });
        const { pass, call } = exportsOf("use", { m: { f } });
        f.set(0n, pass);
        results.linked = [f.get(0n) === pass, call(0n)];
        const wrong = new WebAssembly.Table({ element: "anyfunc", initial: 1 });
        results.mismatch = thrown(() => exportsOf("use", { m: { f: wrong } }));
        """,
        use="""(module (import "m" "f" (table i64 1 funcref)) (type $r (func (result i32)))
          (func (export "pass") (result i32) i32.const 9)
          (func (export "call") (param i64) (result i32) (call_indirect (type $r) (local.get 0))))""",
    ) == {
        "first": ["2", "x", "x"],
        "grown": ["2", "4", "y", "z"],
        "errors": [
            "TypeError",
            "RangeError",
            "TypeError",
            "RangeError",
            "RangeError",
            "TypeError",
            "RangeError",
            "TypeError",
            "RangeError",
            "RangeError",
        ],
        "linked": [True, 9],
        "mismatch": "LinkError",
    }


def test_tables_that_wasm_makes(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const own = exportsOf("own");
        results.types = Object.values(own).map((table) => typeof table.length);
        const through = exportsOf("through", { m: { wide: own.wide, narrow: own.narrow } });
        results.through = [through.a === own.narrow, through.b === own.wide, typeof through.c.length];
        """,
        own="""(module (table (export "narrow") 1 funcref) (table (export "wide") i64 2 funcref)
          (table (export "filled") i64 1 funcref (ref.null func)) (table (export "last") 1 externref))""",
        through="""(module (import "m" "wide" (table $w i64 1 funcref)) (import "m" "narrow" (table $n 1 funcref))
          (table $c i64 1 funcref) (export "a" (table $n)) (export "b" (table $w)) (export "c" (table $c)))""",
    ) == {"types": ["number", "bigint", "bigint", "number"], "through": [True, True, "bigint"]}


def test_memories(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const m = new WebAssembly.Memory({ address: "i64", initial: 1n, maximum: 3n });
        results.grown = [String(m.grow(1n)), m.buffer.byteLength];
        results.errors = [thrown(() => m.grow(1)), thrown(() => m.grow(2n)), thrown(() => m.grow(-1n)),
          thrown(() => m.grow(2n ** 64n - 1n)),
          thrown(() => new WebAssembly.Memory({ address: "i64", initial: 1 })),
          thrown(() => new WebAssembly.Memory({ address: "i32", initial: 1n })),
          thrown(() => new WebAssembly.Memory({ address: "i64", initial: 0n, maximum: 2n ** 48n + 1n })),
          thrown(() => new WebAssembly.Memory({ address: "x", initial: 0n }))];
        const { load, own } = exportsOf("use", { m: { m } });
        new Uint8Array(m.buffer)[65536] = 7;
        results.load = [load(65536n), String(own.grow(0n))];
        results.mismatch = thrown(() => exportsOf("use", { m: { m: new WebAssembly.Memory({ initial: 1 }) } }));
        """,
        use="""(module (import "m" "m" (memory i64 1)) (memory (export "own") i64 1)
          (func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0))))""",
    ) == {
        "grown": ["1", 131072],
        "errors": [
            "TypeError",
            "RangeError",
            "TypeError",
            "RangeError",
            "TypeError",
            "TypeError",
            "RangeError",
            "TypeError",
        ],
        "load": [7, "1"],
        "mismatch": "LinkError",
    }
