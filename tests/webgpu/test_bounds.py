"""Shaders that reach beyond what is bound touch nothing else."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_a_shader_that_reaches_beyond_its_buffer_touches_no_other(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["error"] is None
    assert found["around"] is True
    assert found["rest"] is True
    assert found["seen"] is False
    assert found["stderr"] == ""


def test_an_indirect_dispatch_beyond_the_limit_does_nothing(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const code = `@group(0) @binding(0) var<storage, read_write> n: atomic<u32>;
          @compute @workgroup_size(1) fn main() { atomicAdd(&n, 1u); }`;
        const pipeline = device.createComputePipeline({
          layout: "auto", compute: { module: device.createShaderModule({ code }) },
        });
        results.ran = [];
        for (const sizes of [[2, 3, 4], [65536, 1, 1], [1, 65536, 1], [1, 1, 65536], [2 ** 31 - 1, 1, 1], [0, 5, 5]]) {
          const counter = storage(device, new Uint32Array(1));
          const group = device.createBindGroup({
            layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer: counter } }],
          });
          const indirect = device.createBuffer({ size: 16, usage: U.INDIRECT | U.COPY_DST });
          device.queue.writeBuffer(indirect, 4, new Uint32Array(sizes));
          const encoder = device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroupsIndirect(indirect, 4);
          pass.dispatchWorkgroups(1);
          pass.end();
          device.queue.submit([encoder.finish()]);
          results.ran.push((await read(device, counter, Uint32Array))[0]);
        }
        """,
    )
    assert found["ran"] == [25, 1, 1, 1, 1, 1]


def test_an_indirect_draw_beyond_its_vertex_buffer_draws_nothing(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffers = [{
          arrayStride: 8, attributes: [{ format: "float32x2", offset: 0, shaderLocation: 0 }],
        }];
        const pipeline = painter(device, { vertex: { entryPoint: "at", buffers } });
        const vertices = device.createBuffer({ size: 24, usage: U.VERTEX | U.COPY_DST });
        device.queue.writeBuffer(vertices, 0, new Float32Array([-1, -1, 3, -1, -1, 3]));
        const indices = device.createBuffer({ size: 8, usage: U.INDEX | U.COPY_DST });
        device.queue.writeBuffer(indices, 0, new Uint16Array([0, 1, 2, 0]));
        const texture = canvas(device);
        const drawn = async (name, counts, indexed) => {
          const indirect = device.createBuffer({ size: 20, usage: U.INDIRECT | U.COPY_DST });
          device.queue.writeBuffer(indirect, 0, new Uint32Array(counts));
          paint(device, texture.createView(), (pass) => {
            pass.setPipeline(pipeline);
            pass.setVertexBuffer(0, vertices);
            if (indexed) { pass.setIndexBuffer(indices, "uint16"); pass.drawIndexedIndirect(indirect, 0); }
            else pass.drawIndirect(indirect, 0);
          });
          results[name] = picture(await pixels(device, texture))[0];
        };
        await drawn("inside", [3, 1, 0, 0]);
        await drawn("many", [6, 1, 0, 0]);
        await drawn("first", [3, 1, 3, 0]);
        await drawn("far", [3, 1, 1e6, 0]);
        await drawn("indexed", [3, 1, 0, 0, 0], true);
        await drawn("manyIndexed", [6, 1, 0, 0, 0], true);
        await drawn("firstIndexed", [3, 1, 2, 0, 0], true);
        """,
    )
    assert {name: found[name] for name in ("inside", "indexed")} == {"inside": "r", "indexed": "r"}
    for name in ("many", "first", "far", "manyIndexed", "firstIndexed"):
        assert found[name] == "b", name
