"""What a job leaves in memory is nowhere in what the next one gets."""

from __future__ import annotations

import numpy as np
import pytest
from target import DEADLINE, Target, wasm

import dcp_evaluator as dcp

SECRET = 0x5EC12E75

# Everything that a job can write to, full of a secret, and let go.
FILL = """
const fill = (buffer) => new Uint32Array(buffer).fill(SECRET);
for (let i = 0; i < 8; i++) fill(new ArrayBuffer(1 << 20));
for (let i = 0; i < 8; i++) fill(new SharedArrayBuffer(1 << 20));
for (let i = 0; i < 4; i++) fill(new WebAssembly.Memory({ initial: 16 }).buffer);
globalThis.secret = "secret";
"""
LOOK = """
const found = [];
const look = (buffer, what) => { if (new Uint32Array(buffer).some((word) => word !== 0)) found.push(what); };
for (let i = 0; i < 8; i++) look(new ArrayBuffer(1 << 20), "ArrayBuffer");
for (let i = 0; i < 8; i++) look(new SharedArrayBuffer(1 << 20), "SharedArrayBuffer");
look(new ArrayBuffer(4096, { maxByteLength: 1 << 20 }), "resizable ArrayBuffer");
const resizable = new ArrayBuffer(8, { maxByteLength: 1 << 20 });
resizable.resize(1 << 20);
look(resizable, "resized ArrayBuffer");
look(new ArrayBuffer(8).transfer(1 << 20), "transferred ArrayBuffer");
const memory = new WebAssembly.Memory({ initial: 16, maximum: 64 });
look(memory.buffer, "wasm memory");
memory.grow(16);
look(memory.buffer, "grown wasm memory");
look(new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true }).buffer, "shared wasm memory");
if (globalThis.secret !== undefined) found.push("global");
"""
GPU = """
const device = await (await navigator.gpu.requestAdapter()).requestDevice();
const U = GPUBufferUsage, T = GPUTextureUsage, size = 1 << 20;
"""
GPU_FILL = (
    GPU
    + """
for (let i = 0; i < 8; i++) {
  const buffer = device.createBuffer({ size, usage: U.COPY_DST | U.MAP_READ, mappedAtCreation: true });
  fill(buffer.getMappedRange());
  buffer.unmap();
  const texture = device.createTexture({ size: [512, 512], format: "rgba8unorm", usage: T.COPY_DST });
  device.queue.writeTexture({ texture }, new Uint32Array(512 * 512).fill(SECRET), { bytesPerRow: 2048 }, [512, 512]);
  await device.queue.onSubmittedWorkDone();
  buffer.destroy();
  texture.destroy();
}
"""
)
GPU_LOOK = (
    GPU
    + """
for (let i = 0; i < 4; i++) {
  const mapped = device.createBuffer({ size, usage: U.COPY_SRC, mappedAtCreation: true });
  look(mapped.getMappedRange(), "mapped GPU buffer");
  mapped.unmap();
  const fresh = device.createBuffer({ size, usage: U.COPY_SRC });
  const texture = device.createTexture({ size: [512, 512], format: "rgba8unorm", usage: T.COPY_SRC });
  for (const [what, source] of [["GPU buffer", fresh], ["GPU texture", texture]]) {
    const out = device.createBuffer({ size, usage: U.COPY_DST | U.MAP_READ });
    const encoder = device.createCommandEncoder();
    if (source === fresh) encoder.copyBufferToBuffer(fresh, 0, out, 0, size);
    else encoder.copyTextureToBuffer({ texture }, { buffer: out, bytesPerRow: 2048 }, [512, 512]);
    device.queue.submit([encoder.finish()]);
    await out.mapAsync(GPUMapMode.READ);
    look(out.getMappedRange(), what);
    out.destroy();
  }
}
"""
)


@pytest.mark.parametrize("kind", ["memory", "gpu"])
@pytest.mark.parametrize("where", ["the next job", "the same sandbox"])
def test_fresh_memory_is_zero(target: Target, kind: str, where: str) -> None:
    fill, look = (FILL + GPU_FILL, LOOK + GPU_LOOK) if kind == "gpu" else (FILL, LOOK)
    fill = fill.replace("SECRET", str(SECRET))
    if where == "the next job":
        assert target.attack(f"{fill} return 1;").outcome.value == 1
        found = target.attack(f"{look} return found;").outcome.value
    else:
        found = target.attack(
            f"{{ {fill} }} delete globalThis.secret; {look.replace('const device', 'var device')} return found;"
        )
        found = found.outcome.value
    assert found == []


def test_the_state_of_a_job_ends_with_it(target: Target) -> None:
    body = """
    const before = [typeof globalThis.kept, Object.keys(Array.prototype).length, Math.random(), crypto.randomUUID(),
                    performance.now() < 60000];
    globalThis.kept = Array.prototype.kept = 1;
    return before;
    """
    one, two = target.attack(body).outcome.value, target.attack(body).outcome.value
    assert one[:2] == two[:2] == ["undefined", 0]
    assert one[2:4] != two[2:4]
    assert len({*one[2:4], *two[2:4]}) == 4


def test_what_a_module_wrote_is_not_in_the_next_instance(target: Target) -> None:
    """All sandboxes map the same compiled module."""
    module = wasm(
        """(module (memory (export "m") 1) (data (i32.const 0) "data")
      (global $g (export "g") (mut i32) (i32.const 5)))"""
    )
    body = """
    const { m, g } = new WebAssembly.Instance(new WebAssembly.Module(args[0])).exports;
    const seen = [new TextDecoder().decode(new Uint8Array(m.buffer, 0, 4)), g.value];
    new Uint8Array(m.buffer).fill(88);
    g.value = 6;
    return seen;
    """
    assert [target.attack(body, module).outcome.value for _ in range(2)] == [["data", 5]] * 2


def test_an_input_is_not_changed_and_not_overlooked(target: Target) -> None:
    """Rows share memory with the evaluator and with each other; a slice sees and changes its own copy only."""
    rows = dcp.shared_empty((4, 1 << 16), np.float64)
    rows[:] = np.arange(4)[:, None]
    source = (
        "(row) => { const sum = row.reduce((a, b) => a + b, 0); row.fill(-1); return [sum, row.buffer.byteLength]; }"
    )
    results = dcp.compute_for(rows, source).local_exec(1, evaluator=target.evaluator).wait(DEADLINE)
    assert list(results) == [[n * (1 << 16), 1 << 19] for n in range(4)]
    assert np.array_equal(rows, np.repeat(np.arange(4.0)[:, None], 1 << 16, axis=1))
