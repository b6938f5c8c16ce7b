"""What wgpu-core has otherwise than the specification (docs/webgpu.md): a newer one that mends it shows here."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_deviations_of_wgpu_core(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const of = (work) => errorOf(device, work);
        const visibility = GPUShaderStage.COMPUTE;
        const group = (entry, resource) => device.createBindGroup({
          layout: device.createBindGroupLayout({ entries: [{ binding: 0, visibility, ...entry }] }),
          entries: [{ binding: 0, resource }] });
        const buffer = device.createBuffer({ size: 16, usage: U.STORAGE });
        buffer.destroy();
        const texture = canvas(device);
        const view = texture.createView();
        texture.destroy();
        results.destroyed = [await of(() => group({ buffer: { type: "storage" } }, { buffer })),
          await of(() => group({ texture: {} }, view)), await of(() => texture.createView())];

        const stored = device.createTexture({ size: [1, 1], format: "rgba8unorm", usage: T.STORAGE_BINDING });
        const twice = () => {
          const module = device.createShaderModule({ code: `
            @group(0) @binding(0) var a: texture_storage_2d<rgba8unorm, write>;
            @group(0) @binding(1) var b: texture_storage_2d<rgba8unorm, write>;
            @compute @workgroup_size(1) fn main() {
              textureStore(a, vec2u(), vec4f(1));
              textureStore(b, vec2u(), vec4f(0));
            }` });
          const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
          const encoder = device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0),
            entries: [0, 1].map((binding) => ({ binding, resource: stored.createView() })) }));
          pass.dispatchWorkgroups(1);
          pass.end();
          device.queue.submit([encoder.finish()]);
        };
        results.interpolated = await of(() => {
          const module = device.createShaderModule({ code: `
            struct Out { @builtin(position) at: vec4f, @location(0) @interpolate(perspective) x: f32 }
            @vertex fn v() -> Out { return Out(); }
            @fragment fn f(@location(0) x: f32) -> @location(0) vec4f { return vec4f(x); }` });
          device.createRenderPipeline({ layout: "auto", vertex: { module },
            fragment: { module, targets: [{ format: "rgba8unorm" }] } });
        });
        const VERTEX = "@vertex fn v() -> @builtin(position) vec4f { return vec4f(); }";
        const render = (fragment, more) => of(() => {
          const module = device.createShaderModule({ code: `${VERTEX} ${fragment}` });
          device.createRenderPipeline({ layout: "auto", vertex: { module },
            fragment: { module, targets: [{ format: "rgba8unorm" }] }, ...more });
        });
        const white = "@fragment fn f() -> @location(0) vec4f { return vec4f(1); }";
        results.accepted = {
          coverage: await render(white, { multisample: { alphaToCoverageEnabled: true } }),
          mask: await render(`struct Out { @location(0) color: vec4f, @builtin(sample_mask) mask: u32 }
            @fragment fn f() -> Out { return Out(vec4f(1), 1u); }`,
            { multisample: { count: 4, alphaToCoverageEnabled: true } }),
          unwritten: await render("@fragment fn f() {}"),
          twice: await of(twice),
        };
        """,
    )
    for error in found["destroyed"]:
        assert "destroyed" in error
    assert found["interpolated"].startswith("GPUValidationError")
    assert found["accepted"] == {"coverage": None, "mask": None, "unwritten": None, "twice": None}
