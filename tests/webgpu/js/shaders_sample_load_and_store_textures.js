const device = await newDevice();
const code = `
  @group(0) @binding(0) var source: texture_2d<f32>;
  @group(0) @binding(1) var nearest: sampler;
  @group(0) @binding(2) var output: texture_storage_2d<rgba8unorm, write>;
  @group(0) @binding(3) var<storage, read_write> levels: array<f32>;
  @compute @workgroup_size(2, 2) fn main(@builtin(global_invocation_id) id: vec3u) {
    let there = (vec2f(id.xy) + 0.5) / 2;
    textureStore(output, id.xy, 1 - textureSampleLevel(source, nearest, there, 0));
    levels[0] = textureLoad(source, vec2u(0, 0), 1).r;
  }`;
const source = canvas(device, { size: [2, 2], mipLevelCount: 2 });
device.queue.writeTexture({ texture: source }, new Uint8Array(16).fill(255, 0, 8), { bytesPerRow: 8 }, [2, 2]);
device.queue.writeTexture({ texture: source, mipLevel: 1 }, new Uint8Array([51, 0, 0, 0]), {}, [1, 1]);
const target = device.createTexture({
  size: [2, 2], format: "rgba8unorm", usage: T.STORAGE_BINDING | T.COPY_SRC,
});
const levels = storage(device, new Float32Array(4));
const pipeline = device.createComputePipeline({ layout: "auto",
  compute: { module: device.createShaderModule({ code }) } });
const group = device.createBindGroup({
  layout: pipeline.getBindGroupLayout(0),
  entries: [{ binding: 0, resource: source }, { binding: 1, resource: device.createSampler() },
            { binding: 2, resource: target.createView() }, { binding: 3, resource: levels }],
});
const encoder = device.createCommandEncoder();
const pass = encoder.beginComputePass();
pass.setPipeline(pipeline);
pass.setBindGroup(0, group);
pass.dispatchWorkgroups(1);
pass.end();
device.queue.submit([encoder.finish()]);
results.target = await pixels(device, target);
results.level = (await read(device, levels))[0];
const layout = (entry) => () => device.createBindGroupLayout({ entries: [{ binding: 0, visibility: 4,
  ...entry }] });
results.wrong = await errors(device, {
  format: layout({ storageTexture: { format: "r8unorm" } }), two: layout({ texture: {}, sampler: {} }),
  none: layout({}), filtered: layout({ texture: { multisampled: true } }),
    external: layout({ externalTexture: {} }),
  mixed: () => device.createBindGroup({
    layout: layout({ texture: {} })(), entries: [{ binding: 0, resource: device.createSampler() }],
  }),
});
results.types = [layout({ storageTexture: {} }), layout({ storageTexture: { format: "rg16unorm" } }),
                 layout({ sampler: { type: "linear" } })].map(thrown);
