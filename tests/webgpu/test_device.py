"""Adapters and devices: limits, features, what is there without a driver."""

from __future__ import annotations

from pathlib import Path

from cli_driver import run_script
from gpu_script import run


def test_adapter_and_device(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
        const { info } = adapter;
        results.strings = [info.vendor, info.architecture, info.device, info.description].map((text) => typeof text);
        const words = [info.vendor, info.architecture, info.device];
        results.normalized = words.every((word) => /^([a-z0-9]+(-[a-z0-9]+)*)?$/.test(word));
        results.named = info.device.length > 0 && info.description.length > info.device.length;
        results.both = adapter.limits.maxBindGroupsPlusVertexBuffers >= 24 &&
          adapter.limits.maxBindGroupsPlusVertexBuffers < 0xFFFFFFFF;
        results.core = adapter.features.has("core-features-and-limits");
        results.enough = adapter.limits.maxBufferSize >= 268435456 && adapter.limits.maxBindGroups >= 4;
        results.low = adapter.limits.minStorageBufferOffsetAlignment <= 256;
        const device = await adapter.requestDevice({ label: "mine", defaultQueue: { label: "queue" } });
        results.labels = [device.label, device.queue.label];
        results.limits = [device.limits.maxBindGroups, device.limits.maxComputeWorkgroupSizeX];
        results.features = [...device.features];
        results.same = [device.queue === device.queue, device.lost === device.lost];
        results.own = device.adapterInfo !== info && device.adapterInfo.device === info.device;
        results.again = await rejected(adapter.requestDevice());
        results.level = await navigator.gpu.requestAdapter({ featureLevel: "future" });
        results.tags = [navigator.gpu, adapter, device, device.queue, info].map(String);
        """,
    )
    assert found["strings"] == ["string"] * 4
    assert found["normalized"] and found["named"] and found["both"]
    assert found["core"] and found["enough"] and found["low"]
    assert found["labels"] == ["mine", "queue"]
    assert found["limits"] == [4, 256]
    assert found["features"] == ["core-features-and-limits"]
    assert found["same"] == [True, True]
    assert found["own"]
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
