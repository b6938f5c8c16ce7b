"""Arguments are converted as WebIDL says; what user code replaces is not called; objects are collected."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_arguments_are_converted_as_webidl_says(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const reads = [];
        const log = (values) => new Proxy({}, { get: (_, key) => (reads.push(key), values[key]) });
        device.createBuffer(log({ size: { valueOf: () => 16 }, usage: "8", label: 7 }));
        results.reads = reads;
        results.types = [
          () => device.createBuffer(), () => device.createBuffer(1), () => device.createBuffer({ size: 4 }),
          () => device.createBuffer({ size: NaN, usage: 8 }), () => device.createBuffer({ size: 2n, usage: 8 }),
          () => device.createShaderModule({ code: Symbol() }), () => device.queue.submit(5),
          () => device.queue.submit([{}]), () => GPUDevice.prototype.createBuffer.call({}, {}),
          () => new GPUBuffer(), () => GPUBuffer(), () => device.createBindGroupLayout({ entries: [{ binding: 0 }] }),
        ].map(thrown);
        results.promise = await rejected(GPUBuffer.prototype.mapAsync.call({}, 1));
        results.iterable = thrown(() => device.queue.submit(new Set([device.createCommandEncoder().finish()])));
        const { writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(GPUQueue.prototype, "submit");
        results.descriptor = [writable, enumerable, configurable];
        results.lengths = [GPUDevice.prototype.createBuffer.length, GPUQueue.prototype.writeBuffer.length,
          GPUCommandEncoder.prototype.copyBufferToBuffer.length, GPUBuffer.prototype.mapAsync.length];
        results.global = Object.getOwnPropertyDescriptor(globalThis, "GPUDevice").enumerable;
        results.constants = [GPUBufferUsage.STORAGE, GPUMapMode.READ, GPUShaderStage.COMPUTE, String(GPUBufferUsage)];
        results.clone = thrown(() => structuredClone({ device }));
        results.error = [new GPUValidationError("text").message, thrown(() => new GPUError("text"))];
        """,
    )
    assert found["reads"] == ["label", "mappedAtCreation", "size", "usage"]
    assert found["types"] == ["TypeError"] * 12
    assert found["promise"] == "TypeError"
    assert found["iterable"] == "nothing"
    assert found["descriptor"] == [True, True, True]
    assert found["lengths"] == [1, 3, 2, 1]
    assert found["global"] is False
    assert found["constants"] == [128, 1, 4, "[object GPUBufferUsage]"]
    assert found["clone"] == "DataCloneError"
    assert found["error"] == ["text", "TypeError"]


_BOTH_WAYS = """
  const device = await newDevice();
  const module = device.createShaderModule({ code: DOUBLE });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const same = (value) => value;
  // Values that have to be converted, and objects that see how they are read.
  const reads = [];
  const number = (value) => ({ valueOf: () => value });
  const watched = (object) => new Proxy(object, { get: (target, key) => {
    if (typeof key === "string") reads.push(key);
    return target[key];
  } });
  async function compute(number, object, list) {
    const data = device.createBuffer(object({ size: number(16), usage: number(U.STORAGE | U.COPY_SRC | U.COPY_DST) }));
    device.queue.writeBuffer(data, 0, new Float32Array([1, 2, 3, 4]));
    const resource = object({ buffer: data, offset: number(0), size: number(16) });
    const group = device.createBindGroup(object({
      label: "group", layout: pipeline.getBindGroupLayout(number(0)),
      entries: list([object({ binding: number(0), resource })]),
    }));
    const encoder = device.createCommandEncoder(object({ label: "encoder" }));
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(number(0), group, list([]));
    pass.dispatchWorkgroups(number(1), undefined);
    pass.end();
    encoder.clearBuffer(data, number(0), number(4));
    device.queue.submit([encoder.finish()]);
    return [data.size, data.usage, group.label, encoder.label, await read(device, data)];
  }
"""


def test_a_call_does_the_same_whether_its_arguments_have_to_be_converted_or_not(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        _BOTH_WAYS
        + """
        results.plain = await compute(same, same, same);
        results.converted = await compute(number, watched, (items) => new Set(items));
        results.reads = reads;
        """,
    )
    assert found["plain"] == [16, 140, "group", "encoder", [0, 4, 6, 8]]
    assert found["converted"] == found["plain"]
    bind_group = ["label", "entries", "binding", "resource", "buffer", "offset", "size", "layout"]
    assert found["reads"] == ["label", "mappedAtCreation", "size", "usage", *bind_group, "label"]


def test_what_user_code_adds_to_prototypes_is_read_and_called(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        _BOTH_WAYS
        + """
        const next = [][Symbol.iterator]().__proto__.next;
        let called = 0;
        [][Symbol.iterator]().__proto__.next = function () { called++; return next.call(this); };
        Object.defineProperty(Object.prototype, "label", { get: () => "inherited", configurable: true });
        results.buffer = device.createBuffer({ size: 4, usage: U.STORAGE }).label;
        Object.defineProperty(Object.prototype, "label", { value: "a value", configurable: true });
        results.encoder = device.createCommandEncoder({}).label;
        results.absent = device.createCommandEncoder().label;
        delete Object.prototype.label;
        results.data = await compute(same, same, same);
        results.called = called;
        """,
    )
    assert found["buffer"] == "inherited"
    assert found["encoder"] == "a value"
    assert found["absent"] == ""
    assert found["data"][-1] == [0, 4, 6, 8]
    assert found["called"] >= 2


def test_commands_beyond_the_rings_size_arrive_in_order(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const data = storage(device, new Uint32Array([1, 0]));
        const code = (statement) => `@group(0) @binding(0) var<storage, read_write> x: array<u32>;
          @compute @workgroup_size(1) fn main() { ${statement} }`;
        const entries = [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" } }];
        const layout = device.createBindGroupLayout({ entries });
        const pipelines = ["x[0] = x[0] * 3u + 1u;", "x[0] = x[0] ^ 0x5bd1e995u;"].map((statement) =>
          device.createComputePipeline({
            layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
            compute: { module: device.createShaderModule({ code: code(statement) }) } }));
        const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: data } }] });
        let expected = 1;
        for (let round = 0; round < 4; round++) {
          const encoder = device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          for (let i = 0; i < 4000; i++) {
            pass.setPipeline(pipelines[i % 2]);
            pass.setBindGroup(0, group);
            for (let j = 0; j < 3; j++) pass.pushDebugGroup("nothing"), pass.popDebugGroup();
            pass.dispatchWorkgroups(1);
            expected = (i % 2 ? expected ^ 0x5bd1e995 : Math.imul(expected, 3) + 1) >>> 0;
          }
          pass.end();
          device.queue.submit([encoder.finish()]);
        }
        results.right = (await read(device, data, Uint32Array))[0] === expected;
        """,
    )
    assert found["right"]


def test_the_runtime_does_not_see_patched_builtins(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const boom = () => { throw new Error("patched"); };
        const saved = [Array.prototype[Symbol.iterator], Map.prototype.get, Promise.prototype.then];
        Map.prototype.get = Map.prototype.set = Set.prototype.has = Set.prototype.add = boom;
        Uint32Array.prototype.set = Array.prototype.push = Reflect.apply = boom;
        const device = await newDevice();
        const data = storage(device, new Float32Array([1, 2, 3, 4]));
        const pipeline = device.createComputePipeline({
          layout: "auto", compute: { module: device.createShaderModule({ code: DOUBLE }) } });
        device.queue.submit([encodeDouble(device, pipeline, data)]);
        results.data = await read(device, data);
        """,
    )
    assert found["data"] == [2, 4, 6, 8]


def test_collected_objects_are_released(tmp_path: Path) -> None:
    """3 GiB of buffers, one after another, where 2 GiB are allowed at a time."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        for (let i = 0; i < 200; i++) {
          for (let j = 0; j < 1000; j++) device.createBuffer({ size: 1 << 14, usage: U.STORAGE });
          await device.queue.onSubmittedWorkDone();
        }
        results.error = await errorOf(device, () => device.createBuffer({ size: 4, usage: U.STORAGE }));
        """,
        "--gpu-memory=2048",
    )
    assert found["error"] is None
    assert found["stderr"] == ""
