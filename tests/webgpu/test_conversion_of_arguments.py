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
