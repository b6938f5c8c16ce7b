"""Shaders, compute pipelines and bind groups."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


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
