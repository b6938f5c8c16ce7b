// What WebGPU costs in calls, whatever the GPU does: milliseconds of each round, for compare_once.py.
async (cost) => {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const U = GPUBufferUsage;
  const source = device.createBuffer({ size: 256, usage: U.STORAGE | U.COPY_SRC | U.COPY_DST });
  const target = device.createBuffer({ size: 4, usage: U.MAP_READ | U.COPY_DST });
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read_write> x: array<u32>;
      @compute @workgroup_size(1) fn main() { x[0] = 1u; }`,
  });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const layout = pipeline.getBindGroupLayout(0);
  const bind = () => device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: source } }] });
  const group = bind();

  const costs = {
    encode() {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (let i = 0; i < 10_000; i++) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(0);
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
    },
    "bind groups"() {
      for (let i = 0; i < 2000; i++) bind();
    },
    async "round trips"() {
      for (let i = 0; i < 100; i++) {
        device.queue.writeBuffer(source, 0, new Uint32Array([i]));
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(source, 0, target, 0, 4);
        device.queue.submit([encoder.finish()]);
        await target.mapAsync(GPUMapMode.READ);
        if (new Uint32Array(target.getMappedRange())[0] !== i) throw new Error("wrong value");
        target.unmap();
      }
    },
  };
  const milliseconds = [];
  for (let round = 0; round < 9; round++) {
    const begun = performance.now();
    await costs[cost]();
    milliseconds.push(performance.now() - begun);
    await device.queue.onSubmittedWorkDone();
  }
  return { milliseconds };
}
