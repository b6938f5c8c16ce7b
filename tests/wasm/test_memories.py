"""WebAssembly.Memory."""

from __future__ import annotations

from pathlib import Path

from scripts import MEMORY_USER, see


def test_memory(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 3 });
        const first = memory.buffer;
        new Uint32Array(first)[3] = 77;
        results.first = [first instanceof ArrayBuffer, first.byteLength, first === memory.buffer,
          Object.isFrozen(first)];
        results.grown = [memory.grow(1), first.detached, first.byteLength, memory.buffer.byteLength,
          memory.buffer !== first, new Uint32Array(memory.buffer)[3]];
        const second = memory.buffer;
        results.zero = [memory.grow(0), second.detached, memory.buffer.byteLength];
        results.tooFar = [thrown(() => memory.grow(2)), memory.buffer.byteLength];
        results.wrongDelta = [thrown(() => memory.grow()), ...[-1, 2 ** 32, "x", Infinity]
          .map((delta) => thrown(() => memory.grow(delta))), memory.grow("0")];
        const descriptors = [undefined, null, 1, {}, { initial: -1 }, { initial: 2 ** 32 }, { initial: "x" },
          { initial: 65537 }, { initial: 2, maximum: 1 }, { initial: 0, maximum: 65537 },
          { initial: 1, shared: true }];
        results.descriptors = descriptors.map((descriptor) => thrown(() => new WebAssembly.Memory(descriptor)));
        const order = [];
        new WebAssembly.Memory(new Proxy({ initial: 0 },
          { get(target, key) { order.push(key); return target[key]; } }));
        results.order = order;
        """,
    ) == {
        "first": [True, 65536, True, False],
        "grown": [1, True, 0, 131072, True, 77],
        "zero": [2, True, 131072],
        "tooFar": ["RangeError", 131072],
        "wrongDelta": ["TypeError"] * 5 + [2],
        "descriptors": ["TypeError"] * 7 + ["RangeError"] * 3 + ["TypeError"],
        "order": ["address", "initial", "maximum", "shared"],
    }


def test_growth_in_wasm_is_seen_at_once(tmp_path: Path) -> None:
    """Of a module's own memory and of an imported one, after a call and in the middle of one."""
    assert see(
        tmp_path,
        """
        const exercise = (e, memory) => {
          const before = memory.buffer;
          e.store(8, 123);
          const same = memory.buffer === before;
          const value = new Int32Array(before)[2];
          const grown = e.grow(2);
          const after = memory.buffer;
          return [same, value, grown, before.detached, after.byteLength / 65536, new Int32Array(after)[2]];
        };
        const own = exportsOf("own");
        results.own = exercise(own, own.memory);
        const memory = new WebAssembly.Memory({ initial: 1 });
        results.imported = exercise(exportsOf("imported", { m: { memory } }), memory);
        const shared = new WebAssembly.Memory({ initial: 1 });
        const user = () => exportsOf("imported", { m: { memory: shared } });
        const [a, b] = [user(), user()];
        a.store(0, 5);
        const old = shared.buffer;
        a.grow(1);
        results.two = [b.load(0), old.detached, b.grow(0)];
        let inside;
        const calls = exportsOf("calls", { m: { f() { inside = [view.detached, calls.memory.buffer.byteLength]; } } });
        const view = calls.memory.buffer;
        calls.run();
        results.inside = inside;
        // A call that ends in a trap, too.
        const traps = exportsOf("traps");
        const held = traps.memory.buffer;
        results.trap = [thrown(() => traps.run()), held.detached, traps.memory.buffer.byteLength];
        """,
        own=MEMORY_USER.format(memory='(memory (export "memory") 1)'),
        imported=MEMORY_USER.format(memory='(import "m" "memory" (memory 1))'),
        calls="""(module (import "m" "f" (func $f)) (memory (export "memory") 1)
          (func (export "run") i32.const 1 memory.grow drop call $f))""",
        traps='(module (memory (export "memory") 1) (func (export "run") i32.const 1 memory.grow drop unreachable))',
    ) == {
        "own": [True, 123, 1, True, 3, 123],
        "imported": [True, 123, 1, True, 3, 123],
        "two": [5, True, 2],
        "inside": [True, 131072],
        "trap": ["RuntimeError", True, 131072],
    }


def test_shared_memory(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const first = memory.buffer;
        results.first = [first instanceof SharedArrayBuffer, first.byteLength, Object.isFrozen(first),
          first === memory.buffer];
        const view = new Int32Array(first);
        results.grown = [memory.grow(2), first.byteLength, memory.buffer.byteLength, memory.buffer !== first];
        new Int32Array(memory.buffer)[5] = 99;
        results.same = view[5];
        const e = exportsOf("atomics", { m: { memory } });
        results.atomics = [e.add(20, 1), Atomics.load(view, 5), thrown(() => e.add(21, 1))];
        const atGrowth = memory.buffer;
        e.grow(1);
        results.wasmGrowth = [atGrowth.byteLength, memory.buffer.byteLength];
        // Many come and go.
        for (let i = 0; i < 200; i++) {
          const other = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
          other.buffer;
          other.grow(1);
          other.buffer;
        }
        results.own = exportsOf("own").memory.buffer instanceof SharedArrayBuffer;
        """,
        atomics="""(module (import "m" "memory" (memory 1 4 shared))
          (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.atomic.rmw.add)
          (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))""",
        own='(module (memory (export "memory") 1 2 shared))',
    ) == {
        "first": [True, 65536, True, True],
        "grown": [1, 65536, 3 * 65536, True],
        "same": 99,
        "atomics": [99, 100, "RuntimeError"],
        "wasmGrowth": [3 * 65536, 4 * 65536],
        "own": True,
    }


def test_a_memory_s_buffer_cannot_be_taken_away(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1 });
        const { buffer } = memory;
        results.refused = [thrown(() => buffer.transfer()), thrown(() => buffer.transferToFixedLength()),
          thrown(() => buffer.transfer(10)), thrown(() => structuredClone(buffer, { transfer: [buffer] })),
          thrown(() => buffer.resize(10))];
        results.intact = [buffer.detached, buffer.byteLength, memory.buffer === buffer];
        const copy = structuredClone(buffer);
        results.copy = [copy !== buffer, copy.byteLength, copy.transfer().byteLength];
        results.plain = new ArrayBuffer(8).transfer(4).byteLength;
        results.names = ["transfer", "transferToFixedLength"].map((name) => [ArrayBuffer.prototype[name].name,
          ArrayBuffer.prototype[name].length, attributes(ArrayBuffer.prototype, name)]);
        // A view outlives its memory.
        const make = () => new Uint8Array(exportsOf("own").memory.buffer);
        const views = Array.from({ length: 50 }, make);
        views.forEach((view, i) => view.fill(i));
        results.views = views.every((view, i) => view[65535] === i);
        """,
        own='(module (memory (export "memory") 1))',
    ) == {
        "refused": ["TypeError"] * 3 + ["DataCloneError", "TypeError"],
        "intact": [False, 65536, True],
        "copy": [True, 65536, 65536],
        "plain": 4,
        "names": [["transfer", 0, "w c"], ["transferToFixedLength", 0, "w c"]],
        "views": True,
    }


def test_memory_of_64_bits(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1n, maximum: 4n, address: "i64" });
        results.own = [String(memory.grow(1n)), memory.buffer.byteLength, thrown(() => memory.grow(1)),
          thrown(() => memory.grow(10n))];
        const e = exportsOf("m64", { m: { memory } });
        e.store(8n, 5);
        results.used = [new Int32Array(memory.buffer)[2], thrown(() => e.store(2n ** 40n, 1))];
        results.wrong = [thrown(() => new WebAssembly.Memory({ initial: 1, address: "i64" })),
          thrown(() => new WebAssembly.Memory({ initial: 1n })),
          thrown(() => new WebAssembly.Memory({ initial: 1n, address: "i16" }))];
        """,
        m64="""(module (import "m" "memory" (memory i64 1))
          (func (export "store") (param i64 i32) local.get 0 local.get 1 i32.store))""",
    ) == {
        "own": ["1", 131072, "TypeError", "RangeError"],
        "used": [5, "RuntimeError"],
        "wrong": ["TypeError"] * 3,
    }


def test_linear_memory_counts_against_the_limit_of_the_sandbox(tmp_path: Path, engine: str) -> None:
    """With V8 the kernel limits it, and V8 names no remedy."""
    assert see(
        tmp_path,
        """
        const pages = 100 * 16;
        const first = new WebAssembly.Memory({ initial: pages });
        new Uint8Array(first.buffer).fill(1);
        results.second = [thrown(() => new WebAssembly.Memory({ initial: pages })), thrown(() => exportsOf("large")),
          thrown(() => new WebAssembly.Memory({ initial: 1, maximum: 65536 })), thrown(() => first.grow(pages))];
        results.remedy = caught(() => exportsOf("large")).message.includes("raise the limit");
        const grows = exportsOf("grows");
        results.inWasm = [grows.grow(pages), grows.grow(10)];
        results.usable = new Uint8Array(first.buffer)[first.buffer.byteLength - 1];
        """,
        "--memory-limit",
        "128",
        large=f"(module (memory {100 * 16}))",
        grows='(module (memory 1) (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))',
    ) == {
        "second": ["RangeError", "RangeError", "nothing", "RangeError"],
        "remedy": engine == "quickjs",
        "inWasm": [-1, 1],
        "usable": 1,
    }
