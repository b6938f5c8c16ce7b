"""WebGPU compute in a sandbox, as a work function's author sees it. Needs a Vulkan driver; `make test` installs one."""

from __future__ import annotations

from pathlib import Path

from cli_driver import run_script
from gpu_script import run

# --- adapter and device ---


def test_adapter_and_device(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
        const { info } = adapter;
        results.strings = [info.vendor, info.architecture, info.device, info.description].map((text) => typeof text);
        results.device = info.device.length > 0;
        results.core = adapter.features.has("core-features-and-limits");
        results.enough = adapter.limits.maxBufferSize >= 268435456 && adapter.limits.maxBindGroups >= 4;
        results.low = adapter.limits.minStorageBufferOffsetAlignment <= 256;
        const device = await adapter.requestDevice({ label: "mine", defaultQueue: { label: "queue" } });
        results.labels = [device.label, device.queue.label];
        results.limits = [device.limits.maxBindGroups, device.limits.maxComputeWorkgroupSizeX];
        results.features = [...device.features];
        results.same = [device.queue === device.queue, device.lost === device.lost];
        results.again = await rejected(adapter.requestDevice());
        results.level = await navigator.gpu.requestAdapter({ featureLevel: "future" });
        results.tags = [navigator.gpu, adapter, device, device.queue, info].map(String);
        """,
    )
    assert found["strings"] == ["string"] * 4
    assert found["device"] and found["core"] and found["enough"] and found["low"]
    assert found["labels"] == ["mine", "queue"]
    assert found["limits"] == [4, 256]
    assert found["features"] == ["core-features-and-limits"]
    assert found["same"] == [True, True]
    assert found["again"] == "OperationError"
    assert found["level"] is None
    assert found["tags"] == [
        f"[object {name}]" for name in ("GPU", "GPUAdapter", "GPUDevice", "GPUQueue", "GPUAdapterInfo")
    ]


def test_limits_and_features_are_negotiated(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const adapter = await navigator.gpu.requestAdapter();
        const request = (descriptor) => rejected(adapter.requestDevice(descriptor));
        const { maxBufferSize, minUniformBufferOffsetAlignment: alignment } = adapter.limits;
        results.wrong = [
          await request({ requiredLimits: { maxBufferSize: maxBufferSize + 1 } }),
          await request({ requiredLimits: { nonsense: 1 } }),
          await request({ requiredLimits: { minUniformBufferOffsetAlignment: alignment / 2 } }),
          await request({ requiredLimits: { minUniformBufferOffsetAlignment: alignment * 3 } }),
          await request({ requiredLimits: { maxBufferSize: -1 } }),
          await request({ requiredFeatures: ["nonsense"] }),
        ];
        const all = [...adapter.features];
        const device = await adapter.requestDevice({
          requiredFeatures: all, requiredLimits: { maxBufferSize, maxBindGroups: 1, nonsense: undefined },
        });
        results.got = [device.limits.maxBufferSize === maxBufferSize, device.limits.maxBindGroups];
        results.features = [...device.features].sort().join() === all.sort().join();
        """,
    )
    assert found["wrong"] == ["OperationError"] * 4 + ["TypeError"] * 2
    assert found["got"] == [True, 4]
    assert found["features"] is True


def test_an_adapter_supports_what_its_limits_promise(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const adapter = await navigator.gpu.requestAdapter();
        const requiredLimits = {};
        for (const key in adapter.limits) requiredLimits[key] = adapter.limits[key];
        const device = await adapter.requestDevice({ requiredLimits });
        results.wrong = Object.keys(requiredLimits).filter((key) => device.limits[key] !== requiredLimits[key]);
        const { maxComputeInvocationsPerWorkgroup: most } = device.limits;
        const module = device.createShaderModule({ code: `@compute @workgroup_size(${most}) fn main() {}` });
        const compute = { module };
        results.largest = await errorOf(device, () => device.createComputePipeline({ layout: "auto", compute }));
        """,
    )
    assert found["wrong"] == []
    assert found["largest"] is None


def test_the_language_features_are_those_of_the_compiler(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        results.wrong = [];
        for (const feature of navigator.gpu.wgslLanguageFeatures) {
          const error = await errorOf(device, () => device.createShaderModule({ code: `requires ${feature};` }));
          if (error !== null) results.wrong.push(error);
        }
        results.unknown = await errorOf(device, () => device.createShaderModule({ code: "requires nonsense;" }));
        results.count = navigator.gpu.wgslLanguageFeatures.size;
        """,
    )
    assert found["wrong"] == []
    assert found["count"] >= 1
    assert found["unknown"].startswith("GPUValidationError")


def test_without_a_driver_there_is_no_adapter(tmp_path: Path, missing: Path) -> None:
    script = "navigator.gpu.requestAdapter().then((adapter) => print(adapter));"
    nowhere = {"VK_DRIVER_FILES": str(missing), "VK_ICD_FILENAMES": str(missing)}
    done = run_script(tmp_path, script, environment=nowhere)
    assert done.stdout.splitlines()[-1] == "null"
    assert "no adapter" in done.stdout + done.stderr
    assert done.returncode == 0


# --- buffers ---


def test_buffers_are_mapped_written_and_copied(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const source = storage(device, new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]));
        device.queue.writeBuffer(source, 4, new Float32Array([0, 20, 30, 0]), 1, 2);
        results.whole = await read(device, source);
        const target = device.createBuffer({ size: 32, usage: U.COPY_SRC | U.COPY_DST });
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(source, 8, target, 16, 8);
        encoder.copyBufferToBuffer(source, target, 4);
        encoder.clearBuffer(target, 20, 4);
        device.queue.submit([encoder.finish()]);
        results.part = await read(device, target);
        results.attributes = [source.size, source.usage === (U.STORAGE | U.COPY_SRC | U.COPY_DST), source.mapState];
        """,
    )
    assert found["whole"] == [1, 20, 30, 4, 5, 6, 7, 8]
    assert found["part"] == [1, 0, 0, 0, 30, 0, 0, 0]
    assert found["attributes"] == [32, True, "unmapped"]


def test_map_states_and_mapped_ranges(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 64, usage: U.MAP_WRITE | U.COPY_SRC });
        results.states = [buffer.mapState];
        const mapping = buffer.mapAsync(GPUMapMode.WRITE, 8, 32);
        results.states.push(buffer.mapState);
        results.twice = await errorOf(device, () => { results.second = rejected(buffer.mapAsync(GPUMapMode.WRITE)); });
        results.second = await results.second;
        await mapping;
        results.states.push(buffer.mapState);
        const range = buffer.getMappedRange(8, 16);
        results.range = [range.byteLength, range instanceof ArrayBuffer];
        results.errors = [
          thrown(() => buffer.getMappedRange(0, 8)), thrown(() => buffer.getMappedRange(12, 4)),
          thrown(() => buffer.getMappedRange(24, 6)), thrown(() => buffer.getMappedRange(16, 16)),
          thrown(() => buffer.getMappedRange(24, 24)), thrown(() => buffer.getMappedRange(24, 16)),
        ];
        new Uint32Array(range).set([1, 2, 3, 4]);
        buffer.unmap();
        buffer.unmap();
        results.states.push(buffer.mapState);
        results.detached = [range.byteLength, range.detached];
        results.after = thrown(() => buffer.getMappedRange());
        results.contents = await read(device, buffer, Uint32Array);
        const aborted = rejected(buffer.mapAsync(GPUMapMode.WRITE));
        buffer.unmap();
        results.aborted = await aborted;
        await buffer.mapAsync(GPUMapMode.WRITE);
        const last = buffer.getMappedRange();
        buffer.destroy();
        results.destroyed = [last.detached, buffer.mapState, await rejected(buffer.mapAsync(GPUMapMode.WRITE))];
        """,
    )
    assert found["states"] == ["unmapped", "pending", "mapped", "unmapped"]
    assert found["second"] == "OperationError"
    assert "pending" in found["twice"]
    assert found["range"] == [16, True]
    assert found["errors"] == ["OperationError"] * 5 + ["nothing"]
    assert found["detached"] == [0, True]
    assert found["after"] == "OperationError"
    assert found["contents"] == [0, 0, 1, 2, 3, 4] + [0] * 10
    assert found["aborted"] == "AbortError"
    assert found["destroyed"] == [True, "unmapped", "OperationError"]


def test_wrong_mappings_are_refused(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const readable = device.createBuffer({ size: 16, usage: U.MAP_READ | U.COPY_DST });
        const maps = [[3], [0], [GPUMapMode.WRITE], [1, 4], [1, 0, 6], [1, 8, 16], [1, 24]];
        results.errors = [];
        for (const args of maps) {
          const error = await errorOf(device, () => { results.last = rejected(readable.mapAsync(...args)); });
          results.errors.push([await results.last, error !== null && error.startsWith("GPUValidationError")]);
        }
        results.range = await rejected(readable.mapAsync(1, -1));
        results.odd = thrown(() => device.createBuffer({ size: 6, usage: U.COPY_SRC, mappedAtCreation: true }));
        results.invalid = await errorOf(device, () => {
          const invalid = device.createBuffer({ size: 4, usage: U.MAP_READ | U.STORAGE });
          results.last = rejected(invalid.mapAsync(GPUMapMode.READ));
        });
        results.last = await results.last;
        results.huge = await errorOf(device, () => { device.createBuffer({ size: 2 ** 40, usage: U.STORAGE }); });
        results.unmappable = thrown(() =>
          device.createBuffer({ size: 2 ** 40, usage: U.STORAGE, mappedAtCreation: true }));
        """,
    )
    assert found["errors"] == [["OperationError", True]] * 7
    assert found["range"] == "TypeError"
    assert found["odd"] == "RangeError"
    assert found["invalid"].startswith("GPUValidationError")
    assert found["last"] == "OperationError"
    assert found["huge"].startswith("GPUValidationError")
    assert found["unmappable"] == "RangeError"


def test_write_buffer_checks_its_source(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 64, usage: U.COPY_DST | U.COPY_SRC });
        const write = (...args) => thrown(() => device.queue.writeBuffer(buffer, ...args));
        results.errors = [write(0, [1]), write(0, "text"), write(0, new Uint8Array(3)),
                          write(0, new Uint8Array(8), 6, 4), write(0, new Float64Array(2), 0, 3),
                          write(-1, new Uint8Array(4))];
        results.fine = [write(0, new ArrayBuffer(4)), write(0, new DataView(new ArrayBuffer(8), 4)),
                        write(0, new Uint8Array(0)), write(8, new Float64Array([1.5, 2.5]), 1)];
        results.outside = await errorOf(device, () => device.queue.writeBuffer(buffer, 60, new Uint8Array(8)));
        results.contents = (await read(device, buffer, Float64Array)).slice(0, 3);
        """,
    )
    assert found["errors"] == ["TypeError"] * 2 + ["OperationError"] * 3 + ["TypeError"]
    assert found["fine"] == ["nothing"] * 4
    assert found["outside"].startswith("GPUValidationError")
    assert found["contents"] == [0, 2.5, 0]


def test_much_data_goes_through_the_shared_memory(tmp_path: Path) -> None:
    """More than the shared heap holds in all, and one write that is longer than a part."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const words = 24 << 20;
        const data = new Uint32Array(words);
        for (let i = 0; i < words; i += 1 << 20) data[i] = i + 1;
        data[words - 1] = 77;
        const buffer = device.createBuffer({ size: data.byteLength, usage: U.COPY_DST | U.COPY_SRC });
        for (let i = 0; i < 8; i++) device.queue.writeBuffer(buffer, 0, data);
        const target = device.createBuffer({ size: data.byteLength, usage: U.MAP_READ | U.COPY_DST });
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(buffer, target);
        device.queue.submit([encoder.finish()]);
        await target.mapAsync(GPUMapMode.READ);
        const back = new Uint32Array(target.getMappedRange());
        results.last = back[words - 1];
        results.wrong = 0;
        for (let i = 0; i < words; i += 1 << 20) if (back[i] !== data[i]) results.wrong++;
        """,
    )
    assert found["last"] == 77
    assert found["wrong"] == 0


def test_many_commands_wrap_around_the_ring(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 4, usage: U.COPY_DST | U.COPY_SRC });
        for (let i = 0; i < 60000; i++) device.queue.writeBuffer(buffer, 0, new Uint32Array([i]));
        results.value = await read(device, buffer, Uint32Array);
        """,
    )
    assert found["value"] == [59999]


# --- shaders and pipelines ---


def test_a_shader_runs_and_its_result_is_right(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const module = device.createShaderModule({ code: DOUBLE });
        const values = Float32Array.from({ length: 1000 }, (_, i) => i);
        const data = storage(device, values);
        const sync = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
        const async = await device.createComputePipelineAsync({
          layout: "auto", compute: { module, constants: { factor: 0.5 } },
        });
        device.queue.submit([encodeDouble(device, sync, data), encodeDouble(device, sync, data)]);
        device.queue.submit([encodeDouble(device, async, data)]);
        await device.queue.onSubmittedWorkDone();
        results.right = (await read(device, data)).every((value, i) => value === i * 2);
        results.info = (await module.getCompilationInfo()).messages.length;
        """,
    )
    assert found["right"] is True
    assert found["info"] == 0
    assert found["stderr"] == ""


def test_bind_groups_dynamic_offsets_and_indirect_dispatch(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["errors"] == ["RangeError", "TypeError", "TypeError", "TypeError"]
    assert found["data"] == [11, 11, 10, 0, 0, 0, 0, 0]
    assert found["stderr"] == ""


def test_invalid_wgsl_says_where(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        let module;
        const code = "// \\u{1F600} comment\\nfn f() -> u32 {\\n  return nothing;\\n}";
        results.error = await errorOf(device, () => { module = device.createShaderModule({ code }); });
        const [message] = (await module.getCompilationInfo()).messages;
        const { type, lineNum, linePos, offset, length } = message;
        results.message = [type, lineNum, linePos, offset, length, message.message];
        results.at = code.indexOf("nothing");
        const wrong = { layout: "auto", compute: { module } };
        results.pipeline = await errorOf(device, () => device.createComputePipeline(wrong));
        const failure = await device.createComputePipelineAsync(wrong).catch((error) => error);
        results.failure = [nameOf(failure), failure.name, failure.reason, failure instanceof DOMException];
        results.missing = await device.createComputePipelineAsync({
          layout: "auto", compute: { module: device.createShaderModule({ code: DOUBLE }), entryPoint: "other" },
        }).catch((error) => error.message);
        """,
    )
    assert found["error"].startswith("GPUValidationError: GPUDevice.createShaderModule")
    assert "nothing" in found["error"]
    assert found["message"][:5] == ["error", 3, 10, found["at"], len("nothing")]
    assert "nothing" in found["message"][5]
    assert found["pipeline"].startswith("GPUValidationError")
    assert found["failure"] == ["GPUPipelineError", "GPUPipelineError", "validation", True]
    assert "other" in found["missing"]


# --- encoders and submission ---


def test_encoders_end_and_submissions_are_checked(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["errors"] == dict.fromkeys(found["errors"], "GPUValidationError")
    assert len(found["errors"]) == 12
    assert found["alive"] is None


def test_error_scopes_nest_and_uncaptured_errors_are_events(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const bad = () => device.createBuffer({ size: 4, usage: 0, label: "bad" });
        device.pushErrorScope("validation");
        device.pushErrorScope("out-of-memory");
        bad();
        device.pushErrorScope("validation");
        results.scopes = [await device.popErrorScope(), await device.popErrorScope()];
        results.outer = (await device.popErrorScope()) instanceof GPUValidationError;
        results.empty = await rejected(device.popErrorScope());
        const seen = [];
        device.addEventListener("uncapturederror", (event) => {
          event.preventDefault();
          const { error, target } = event;
          seen.push([event instanceof GPUUncapturedErrorEvent, error instanceof GPUError, target === device]);
        });
        device.onuncapturederror = (event) => seen.push(event.type);
        bad();
        await device.queue.onSubmittedWorkDone();
        results.seen = seen;
        results.filter = thrown(() => device.pushErrorScope("nonsense"));
        """,
    )
    assert found["scopes"] == [None, None]
    assert found["outer"] is True
    assert found["empty"] == "OperationError"
    assert found["seen"] == [[True, True, True], "uncapturederror"]
    assert found["filter"] == "TypeError"
    assert found["stderr"] == ""


def test_an_error_that_nobody_handles_is_told(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        device.createBuffer({ size: 4, usage: 0 });
        await device.queue.onSubmittedWorkDone();
        """,
    )
    assert "uncaptured error: GPUDevice.createBuffer" in found["stderr"]


def test_a_destroyed_device_is_lost(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 16, usage: U.MAP_READ | U.COPY_DST });
        const mapping = rejected(buffer.mapAsync(GPUMapMode.READ));
        device.destroy();
        device.destroy();
        const lost = await device.lost;
        results.lost = [lost instanceof GPUDeviceLostInfo, lost.reason];
        results.mapping = await mapping;
        const after = device.createBuffer({ size: 8, usage: U.COPY_SRC, mappedAtCreation: true });
        results.range = after.getMappedRange().byteLength;
        after.unmap();
        device.queue.writeBuffer(after, 0, new Uint8Array(4));
        device.queue.submit([device.createCommandEncoder().finish()]);
        results.done = await device.queue.onSubmittedWorkDone() === undefined;
        results.scope = await device.popErrorScope();
        results.map = await rejected(buffer.mapAsync(GPUMapMode.READ));
        results.pipeline = String(await device.createComputePipelineAsync({
          layout: "auto", compute: { module: device.createShaderModule({ code: "" }) } }));
        results.fresh = (await read(await newDevice(), storage(await newDevice(), new Float32Array([1])))
          .catch((error) => error.name));
        """,
    )
    assert found["lost"] == [True, "destroyed"]
    assert found["mapping"] == "AbortError"
    assert found["range"] == 8
    assert found["done"] is True
    assert found["scope"] is None
    assert found["map"] == "AbortError"
    assert found["pipeline"] == "[object GPUComputePipeline]"


# --- WebIDL ---


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
    """A host holds about a million objects; a sandbox may make more, one after another."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        for (let i = 0; i < 20; i++) {
          for (let j = 0; j < 1000; j++) device.createBuffer({ size: 1 << 20, usage: U.STORAGE });
          await device.queue.onSubmittedWorkDone();
        }
        results.error = await errorOf(device, () => device.createBuffer({ size: 4, usage: U.STORAGE }));
        """,
    )
    assert found["error"] is None
    assert found["stderr"] == ""
