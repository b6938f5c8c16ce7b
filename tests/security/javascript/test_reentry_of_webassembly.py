"""WebAssembly's functions, of which an import or an argument calls again, grows or frees in the midst of a call."""

from __future__ import annotations

import pytest
from target import Attacks, Target, check_attacks, wasm

THROWN = "const thrown = (run) => { try { return run(); } catch (error) { return error.name; } };"

MODULE = wasm("""(module (import "m" "f" (func $f (param i32) (result i32))) (memory (export "memory") 1 16)
  (table (export "table") 2 8 funcref) (elem (i32.const 0) $again)
  (func (export "store") (param i32) (result i32)
    (i32.store (local.get 0) (i32.const 7)) (drop (call $f (local.get 0))) (i32.load (local.get 0)))
  (func (export "indirect") (param i32) (result i32) (drop (call $f (i32.const 0)))
    (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))
  (func $again (export "again") (param i32) (result i32) (call $f (local.get 0))))""")
MAKE = """
const make = (f) => new WebAssembly.Instance(new WebAssembly.Module(args[0]), { m: { f } }).exports;
"""

WEBASSEMBLY: Attacks = {
    "the bytes of a module go while it is made": (
        """
        const bytes = args[0].slice();
        const options = { get builtins() { bytes.buffer.transfer(); return []; } };
        return thrown(() => new WebAssembly.Module(bytes, options));
        """,
        "TypeError",
    ),
    "an import grows the memory in mid-call": (
        """
        const e = make(() => { view = new Uint8Array(e.memory.buffer); e.memory.grow(4); return view.length; });
        let view;
        return [e.store(100), view.length, e.memory.buffer.byteLength];
        """,
        [7, 0, 5 << 16],
    ),
    "an import empties the table in mid-call": (
        """
        const e = make(() => { e.table.set(0, null); return 1; });
        return thrown(() => e.indirect(1));
        """,
        "RuntimeError",
    ),
    "an import that drops its own instance": (
        """
        let e = make((x) => { e = null; for (let i = 0; i < 20; i++) new Uint8Array(1 << 20); return x; });
        return e.store(8);
        """,
        7,
    ),
    "an argument that runs the function again": (
        """
        let depth = 0;
        const e = make((x) => x + 1);
        const value = { valueOf: () => depth++ < 200 ? e.again(value) : 0 };
        return [e.again(value), depth];
        """,
        [201, 201],
    ),
    "grow, by a delta that grows": (
        """
        const e = make((x) => x);
        return [e.memory.grow({ valueOf() { e.memory.grow(1); return 1; } }), e.memory.buffer.byteLength,
                e.table.grow({ valueOf() { e.table.grow(2); return 1; } }), e.table.length];
        """,
        [2, 3 << 16, 4, 5],
    ),
    "set, at an index that shrinks nothing but grows the table": (
        """
        const e = make((x) => x);
        e.table.set({ valueOf() { e.table.grow(4); return 5; } }, e.again);
        return e.table.get(5)(3);
        """,
        3,
    ),
    "imports that instantiate the module while they are read": (
        """
        const module = new WebAssembly.Module(args[0]);
        let made = 0;
        const imports = { m: { get f() {
          return made++ < 50 ? new WebAssembly.Instance(module, imports).exports.again : (x) => x; } } };
        return [new WebAssembly.Instance(module, imports).exports.again(9), made];
        """,
        [9, 51],
    ),
    "a memory's buffer cannot be taken away": (
        """
        const { memory } = make((x) => x);
        const { buffer } = memory;
        const ways = [() => buffer.transfer(), () => structuredClone(buffer, { transfer: [buffer] }),
                      () => ArrayBuffer.prototype.transferToFixedLength.call(buffer),
                      () => Reflect.apply(Object.getPrototypeOf(buffer).transfer, buffer, [0])];
        return [ways.map(thrown), memory.buffer === buffer];
        """,
        [["TypeError", "DataCloneError", "TypeError", "TypeError"], True],
    ),
    "a descriptor that makes memories while it is read": (
        """
        let left = 100;
        const descriptor = {
          get initial() { if (left-- > 0) new WebAssembly.Memory(descriptor); return 1; }, maximum: 2,
        };
        return new WebAssembly.Memory(descriptor).buffer.byteLength;
        """,
        1 << 16,
    ),
    "a result that throws on its way back": (
        "return thrown(() => make(() => ({ valueOf() { throw new RangeError('x'); } })).again(1));",
        "RangeError",
    ),
}


@pytest.mark.parametrize("name", WEBASSEMBLY)
def test_code_in_the_midst_of_a_call_to_webassembly(target: Target, name: str) -> None:
    body, expected = WEBASSEMBLY[name]
    check_attacks(target.attack(f"{THROWN}{MAKE}{body}", MODULE), expected)
