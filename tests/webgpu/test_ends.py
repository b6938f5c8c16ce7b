"""What a program has left to the GPU when it ends: its errors are told, and its time is that of its slice."""

from __future__ import annotations

from pathlib import Path

import pytest

import dcp_evaluator as dcp
from cli_driver import run_script

_DEVICE = "const device = await (await navigator.gpu.requestAdapter()).requestDevice();"
_TOLD = "WebGPU: uncaptured error: GPUDevice.createBuffer"


def test_the_error_of_a_script_s_last_command_is_told(tmp_path: Path) -> None:
    source = f"(async () => {{ {_DEVICE} device.createBuffer({{ size: 4, usage: 0 }}); }})();"
    done = run_script(tmp_path, source)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(_TOLD)
    assert done.stderr.count("\n") == 1


def test_a_handler_hears_it_and_may_go_on(tmp_path: Path) -> None:
    source = f"""(async () => {{
      {_DEVICE}
      globalThis.device = device;
      let count = 0;
      device.onuncapturederror = (event) => {{
        event.preventDefault();
        print(event.error instanceof GPUValidationError, ++count);
        if (count < 3) device.createBuffer({{ size: 4, usage: 0 }});
      }};
      device.createBuffer({{ size: 4, usage: 0 }});
    }})();"""
    done = run_script(tmp_path, source)
    assert (done.returncode, done.stdout, done.stderr) == (0, "true 1\ntrue 2\ntrue 3\n", "")


def test_the_errors_of_a_slice_come_before_its_end() -> None:
    work = f"""async (datum) => {{
      {_DEVICE}
      globalThis.device = device;
      device.createBuffer({{ size: 4, usage: 0 }});
      if (datum === 1) throw new Error("on purpose");
      return datum;
    }}"""
    job = dcp.compute_for([0, 1, 2], work)
    seen: list[str] = []
    job.on("console", lambda event: seen.append(event.message[: len(_TOLD)]))
    job.on("result", lambda event: seen.append(f"result {event.index}"))
    job.on("error", lambda error: seen.append(f"error {error.index}"))
    with dcp.Evaluator() as evaluator:
        job.local_exec(sandboxes=1, evaluator=evaluator, gpu_errors="console").wait()
    assert seen == [_TOLD, "result 0", _TOLD, "error 1", _TOLD, "result 2"]


_NO_PIPELINE = """
  const code = `@group(0) @binding(0) var<storage, read_write> data: array<f32>;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3u) { data[id.x] = 2u * data[id.x]; }`;
  const module = device.createShaderModule({ code });
  const pipeline = MAKE({ layout: "auto", compute: { module } });
"""


@pytest.mark.parametrize("make", ["device.createComputePipeline", "await device.createComputePipelineAsync"])
def test_an_error_that_nobody_captures_fails_its_slice(make: str) -> None:
    work = f"async (broken) => {{ {_DEVICE} if (broken) {{ {_NO_PIPELINE.replace('MAKE', make)} }} return broken; }}"
    job = dcp.compute_for([0, 1, 0], work)
    warnings: list[str] = []
    job.on("console", lambda event: warnings.append(event.message))
    results = job.local_exec(1).wait()
    assert results.values(default="failed") == [0, "failed", 0]
    error = results.errors[1]
    assert ":3:" in str(error), "the line of the shader"
    assert "data[id.x] = 2u * data[id.x]" in str(error)
    assert "GPUValidationError" in str(error)
    assert warnings, "and the console has all of them"


@pytest.mark.parametrize(
    ("captured", "options"),
    [
        ("device.onuncapturederror = (event) => event.preventDefault();", {}),
        ("device.pushErrorScope('validation');", {}),
        ("", {"gpu_errors": "console"}),
    ],
)
def test_an_error_that_is_captured_fails_nothing(captured: str, options: dict[str, str]) -> None:
    work = f"async () => {{ {_DEVICE} {captured} device.createBuffer({{ size: 4, usage: 0 }}); return 7; }}"
    job = dcp.compute_for([1], work)
    job.on("console", lambda event: None)
    assert list(job.local_exec(1, **options)) == [7]


def test_what_becomes_of_gpu_errors_is_one_of_two() -> None:
    with pytest.raises(ValueError, match='gpu_errors must be "fail" or "console", not \'log\''):
        dcp.compute_for([1], "(x) => x").local_exec(gpu_errors="log")


def test_the_time_of_work_that_is_not_awaited_is_its_slice_s() -> None:
    work = """async (rounds) => {
      if (rounds > 0) {
        const device = globalThis.device = await (await navigator.gpu.requestAdapter()).requestDevice();
        const code = `@group(0) @binding(0) var<storage, read_write> data: array<u32>;
          @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
            for (var i = 0u; i < 500u; i++) { data[id.x] = data[id.x] * 3u + i; } }`;
        const pipeline = await device.createComputePipelineAsync({
          layout: "auto", compute: { module: device.createShaderModule({ code }) } });
        const buffer = device.createBuffer({ size: 65536, usage: GPUBufferUsage.STORAGE });
        const group = device.createBindGroup({
          layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] });
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        for (let i = 0; i < rounds; i++) pass.dispatchWorkgroups(256);
        pass.end();
        device.queue.submit([encoder.finish()]);
      }
      return rounds;
    }"""
    with dcp.Evaluator() as evaluator:
        results = dcp.compute_for([1, 0, 20, 0], work).local_exec(sandboxes=1, evaluator=evaluator).wait()
    assert list(results) == [1, 0, 20, 0]
    assert [results.metrics[index].gpu > 0 for index in range(4)] == [True, False, True, False]
