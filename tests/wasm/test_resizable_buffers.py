"""Memory.toResizableBuffer and toFixedLengthBuffer (JavaScript API, section "Memories")."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import see

GROWS = """(module (memory (export "memory") 1 4)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "growAndStore") (param i32)
    (drop (memory.grow (i32.const 1))) (i32.store (local.get 0) (i32.const 42))))"""

NOT_IN_V8 = "V8 13.6 has it behind a flag for experiments, which untrusted code must not meet"


def test_which_engine_has_them(tmp_path: Path, engine: str) -> None:
    """When V8 has them too, the tests below are for it as well."""
    assert see(
        tmp_path,
        """
        const names = ["toResizableBuffer", "toFixedLengthBuffer"];
        results.there = names.map((name) => name in WebAssembly.Memory.prototype);
        """,
    ) == {"there": [engine == "quickjs"] * 2}


@pytest.mark.engine("quickjs", NOT_IN_V8)
def test_a_buffer_changes_its_kind(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const { memory } = exportsOf("grows");
        const fixed = memory.buffer;
        new Uint8Array(fixed)[5] = 7;
        results.fixed = [fixed.resizable, memory.toFixedLengthBuffer() === fixed];
        const resizable = memory.toResizableBuffer();
        results.resizable = [resizable.resizable, resizable.byteLength, resizable.maxByteLength, fixed.byteLength,
          memory.buffer === resizable, memory.toResizableBuffer() === resizable, new Uint8Array(resizable)[5]];
        const again = memory.toFixedLengthBuffer();
        results.again = [again.resizable, resizable.byteLength, memory.buffer === again, new Uint8Array(again)[5]];
        results.shape = [WebAssembly.Memory.prototype.toFixedLengthBuffer.length,
          attributes(WebAssembly.Memory.prototype, "toResizableBuffer"),
          thrown(() => WebAssembly.Memory.prototype.toResizableBuffer.call({}))];
        """,
        grows=GROWS,
    ) == {
        "fixed": [False, True],
        "resizable": [True, 65536, 4 * 65536, 0, True, True, 7],
        "again": [False, 0, True, 7],
        "shape": [0, "w e c", "TypeError"],
    }


@pytest.mark.engine("quickjs", NOT_IN_V8)
def test_it_grows_with_its_memory_and_stays_the_same(tmp_path: Path) -> None:
    """What wasm wrote to pages that it has just gained is not lost."""
    assert see(
        tmp_path,
        """
        const { memory, grow, growAndStore } = exportsOf("grows");
        const buffer = memory.toResizableBuffer();
        const view = new Uint8Array(buffer);
        growAndStore(65536 + 8);
        results.wasm = [memory.buffer === buffer, view.length, view[65536 + 8]];
        results.js = [memory.grow(1), view.length, memory.grow(0), memory.buffer === buffer];
        results.limit = [grow(5), view.length];
        """,
        grows=GROWS,
    ) == {"wasm": [True, 131072, 42], "js": [2, 196608, 3, True], "limit": [-1, 196608]}


@pytest.mark.engine("quickjs", NOT_IN_V8)
def test_resizing_it_grows_the_memory(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const { memory, store, grow } = exportsOf("grows");
        results.fixed = thrown(() => memory.buffer.resize(131072));
        const buffer = memory.toResizableBuffer();
        buffer.resize(131072);
        store(131068, 9);
        results.grown = [buffer.byteLength, grow(0), new Uint8Array(buffer)[131068]];
        results.refused = [65536, 131073, 5 * 65536, -1, NaN].map((size) => thrown(() => buffer.resize(size)));
        results.same = [buffer.resize(131072), buffer.byteLength];
        results.transfer = [() => buffer.transfer(), () => structuredClone(buffer, { transfer: [buffer] })].map(thrown);
        memory.toFixedLengthBuffer();
        results.detached = thrown(() => buffer.resize(196608));
        const own = new ArrayBuffer(8, { maxByteLength: 16 });
        own.resize(12);
        results.others = own.byteLength;
        """,
        grows=GROWS,
    ) == {
        "fixed": "TypeError",
        "grown": [131072, 2, 9],
        "refused": ["RangeError"] * 5,
        "same": [None, 131072],
        "transfer": ["TypeError", "DataCloneError"],
        "detached": "TypeError",
        "others": 12,
    }


@pytest.mark.engine("quickjs", NOT_IN_V8)
def test_shared_memories(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 3, shared: true });
        const fixed = memory.buffer;
        const growable = memory.toResizableBuffer();
        results.kinds = [fixed.growable, growable.growable, growable.maxByteLength, fixed.byteLength,
          Object.isFrozen(growable)];
        growable.grow(131072);
        results.grown = [growable.byteLength, memory.grow(1), growable.byteLength, memory.buffer === growable];
        results.refused = [65536, 196609, 4 * 65536].map((size) => thrown(() => growable.grow(size)));
        new Uint8Array(fixed)[3] = 5;
        results.same = new Uint8Array(growable)[3];
        """,
    ) == {
        "kinds": [False, True, 196608, 65536, True],
        "grown": [131072, 2, 196608, True],
        "refused": ["RangeError"] * 3,
        "same": 5,
    }
