"""Limits of a sandbox on the GPU, which adapters it gets, and what it used. Needs a Vulkan driver."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import dcp_evaluator as dcp
from cli_driver import one_message, run, run_script, write
from dcp_evaluator.gpu.options import list_adapters
from dcp_evaluator.gpu.software_memory import SoftwareMemory
from dcp_evaluator.settings.settings import Settings
from gpu_script import identifier
from process_tree import kill
from zygote_control import wait_until

MIB = 1 << 20
DEVICE = """
const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
const U = GPUBufferUsage;
const newBuffer = (size, usage = U.STORAGE | U.COPY_DST) => device.createBuffer({ size, usage });
const errorOf = async (run, filter = "out-of-memory") => {
  device.pushErrorScope(filter);
  run();
  const error = await device.popErrorScope();
  return error === null ? null : `${error.constructor.name}: ${error.message}`;
};
"""
ENDLESS = """
const module = device.createShaderModule({ code: `
  @group(0) @binding(0) var<storage, read_write> data: array<u32>;
  @compute @workgroup_size(64) fn main() {
    var x = data[0] + 1u; // xorshift, which never comes to 0; nothing that a compiler sees through
    loop { x ^= x << 13u; x ^= x >> 17u; x ^= x << 5u; if (x == 0u) { break; } }
    data[1] = x;
  }` });
const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
const data = newBuffer(8);
const layout = pipeline.getBindGroupLayout(0);
const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: data }] });
function submitEndless() {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(65535, 65535); // llvmpipe ends each invocation's loop after 65,535 rounds: these take days
  pass.end();
  device.queue.submit([encoder.finish()]);
}
"""


def work(body: str) -> str:
    return f"async (datum) => {{ {DEVICE} {body} }}"


def run_one(body: str, **options: object) -> object:
    with dcp.Evaluator(gpu=dcp.GpuOptions(**options)) as evaluator:  # type: ignore[arg-type]
        return dcp.compute_for([0], work(body)).local_exec(sandboxes=1, evaluator=evaluator)[0]


# --- Memory ---


def test_beyond_the_memory_limit_a_buffer_is_an_out_of_memory_error() -> None:
    found = run_one(
        """
        const kept = []; // what nobody refers to is freed
        const first = newBuffer(6 << 20);
        const error = await errorOf(() => kept.push(newBuffer(3 << 20)));
        const fits = await errorOf(() => kept.push(newBuffer(2 << 20)));
        first.destroy();
        const again = await errorOf(() => kept.push(newBuffer(6 << 20)));
        const uncaptured = await new Promise((resolve) => {
          device.onuncapturederror = (event) => { event.preventDefault(); resolve(event.error.constructor.name); };
          kept.push(newBuffer(1 << 20));
          device.queue.onSubmittedWorkDone();
        });
        return [error, fits, again, uncaptured];
        """,
        memory_limit=8 * MIB,
    )
    message = "3145728 bytes more than the sandbox's 8388608 bytes of GPU memory allow"
    assert found == [f"GPUOutOfMemoryError: {message}", None, None, "GPUOutOfMemoryError"]


def test_software_adapters_take_less_than_half_of_the_memory_together() -> None:
    """Without a limit of one's own; the tests' adapters are software."""
    body = """
      const kept = [];
      while (await errorOf(() => kept.push(newBuffer(4 << 20))) === null) progress();
      await new Promise((resolve) => setTimeout(resolve, 500)); // all sandboxes hold theirs at a time
      return kept.length - 1;
    """
    most = 512 * MIB
    with dcp.Evaluator(max_memory=2 * most, memory_limit=64 * MIB) as evaluator:
        held = list(dcp.compute_for(range(3), work(body)).local_exec(3, evaluator=evaluator))
    assert all(held)
    assert sum(held) * 4 * MIB < most


def test_the_limit_of_software_adapters_comes_after_validation() -> None:
    """As the driver's own lack of memory would: nobody has asked for this limit."""
    body = """
      const size = device.limits.maxBufferSize;
      const whole = await errorOf(() => newBuffer(size));
      const beyond = await errorOf(() => newBuffer(size + 4), "validation");
      const wide = await errorOf(() => device.createTexture({ format: "rgba32float", usage: GPUTextureUsage.COPY_DST,
        size: [device.limits.maxTextureDimension2D + 1, 8192, 256] }), "validation");
      return [whole, beyond, wide].map((text) => String(text).split(":").slice(0, 2).join(":"));
    """
    with dcp.Evaluator(max_memory=256 * MIB, memory_limit=64 * MIB) as evaluator:
        found = dcp.compute_for([0], work(body)).local_exec(1, evaluator=evaluator)[0]
    assert found == [
        "GPUOutOfMemoryError: GPUDevice.createBuffer",
        "GPUValidationError: GPUDevice.createBuffer",
        "GPUValidationError: GPUDevice.createTexture",
    ]


def test_the_shares_of_software_adapters_never_add_up_to_more() -> None:
    shares = SoftwareMemory()
    taken = [shares.take(1000, 4) for _ in range(9)]
    assert taken[:4] == [200] * 4
    assert 0 < sum(taken) < 1000
    for share in taken:
        shares.give_back(share)
    assert shares.take(1000, 1) == 500


def test_textures_count_with_all_their_levels_and_samples() -> None:
    found = run_one(
        """
        const kept = [];
        const newTexture = (descriptor) => kept.push(device.createTexture({
          format: "rgba8unorm", usage: GPUTextureUsage.RENDER_ATTACHMENT, ...descriptor }));
        const errors = [
          await errorOf(() => newTexture({ size: [1024, 1024], mipLevelCount: 11 })),
          await errorOf(() => newTexture({ size: [512, 512], sampleCount: 4 })),
          await errorOf(() => newTexture({ size: [512, 256] })),
        ];
        return errors.map((error) => error === null);
        """,
        memory_limit=(1024 * 1024 * 4 // 3 + 1) * 4 + 512 * 512 * 16,
    )
    assert found == [True, True, False]


def test_a_buffer_that_failed_or_was_dropped_does_not_count() -> None:
    found = run_one(
        """
        let errors = 0;
        for (let i = 0; i < 8; i++) {
          const error = await errorOf(() => newBuffer(6 << 20, U.MAP_READ | U.STORAGE), "validation");
          if (error !== null) errors++;
        }
        const invalid = await errorOf(() => newBuffer(8 << 20));
        return [errors, invalid];
        """,
        memory_limit=8 * MIB,
    )
    assert found == [8, None]


def test_the_staging_limit_bounds_mapped_memory_and_slows_writes_down() -> None:
    found = run_one(
        """
        const target = newBuffer(48 << 20, U.COPY_DST | U.COPY_SRC);
        const part = new Uint32Array(12 << 20).fill(7);
        for (let i = 0; i < 6; i++) device.queue.writeBuffer(target, 0, part);
        await device.queue.onSubmittedWorkDone();
        const maps = [];
        for (const size of [40 << 20, 40 << 20, 22 << 20]) {
          const buffer = newBuffer(size, U.MAP_READ | U.COPY_DST);
          maps.push(await buffer.mapAsync(GPUMapMode.READ).then(() => "mapped", (error) => error.message));
        }
        const staged = await errorOf(() => device.queue.writeBuffer(target, 0, part));
        return [maps, staged];
        """,
        staging_limit=64 * MIB,
    )
    assert found == [
        ["mapped", "GPUBuffer.mapAsync: no memory to map 41943040 bytes", "mapped"],
        "GPUOutOfMemoryError: GPUQueue.writeBuffer: mapped buffers hold the staging memory",
    ]


# --- Hangs and crashes ---


def test_an_endless_shader_loses_the_device_of_its_sandbox_only(gpu_hosts: Callable[[], list[int]]) -> None:
    body = f"""
    if (datum === 1) {{
      {ENDLESS}
      progress();
      submitEndless();
      const mapping = newBuffer(4, U.MAP_READ | U.COPY_DST).mapAsync(GPUMapMode.READ).catch((error) => error.name);
      const {{ reason, message }} = await device.lost;
      return [reason, message, await mapping];
    }}
    for (let i = 0; i < 20; i++) {{
      newBuffer(1024);
      await device.queue.onSubmittedWorkDone();
    }}
    return (await Promise.race([device.lost, null])) === null;
    """
    with dcp.Evaluator(gpu=dcp.GpuOptions(timeout=2.0)) as evaluator:
        results = list(dcp.compute_for([0, 1, 2], work(body)).local_exec(sandboxes=2, evaluator=evaluator))
    message = "a submission did not finish within 2 s, the limit of this evaluator"
    assert results == [True, ["unknown", message, "AbortError"], True]
    wait_until(lambda: not gpu_hosts(), "the GPU hosts end")


def test_a_compilation_that_takes_too_long_loses_the_device() -> None:
    body = """
    const lines = "x = x * 1664525u + 1013904223u;\\n".repeat(datum);
    const code = `@group(0) @binding(0) var<storage, read_write> y: u32;
      @compute @workgroup_size(1) fn main() { var x = y; ${lines} y = x; }`;
    device.createComputePipeline({ layout: "auto", compute: { module: device.createShaderModule({ code }) } });
    const lost = await Promise.race([device.lost, device.queue.onSubmittedWorkDone()]);
    const again = await navigator.gpu.requestAdapter();
    return [lost?.reason, lost?.message, again !== null];
    """
    with dcp.Evaluator(gpu=dcp.GpuOptions(timeout=1.0)) as evaluator:
        results = list(dcp.compute_for([1, 20_000], work(body)).local_exec(1, evaluator=evaluator))
    message = "a compilation did not finish within 1 s, the limit of this evaluator"
    assert results == [[None, None, True], ["unknown", message, True]]


def test_an_endless_shader_that_nobody_awaits_is_found_as_well() -> None:
    found = run_one(
        f"""
        {ENDLESS}
        submitEndless();
        const timer = setInterval(() => {{}}, 10);
        const {{ message }} = await device.lost;
        clearInterval(timer);
        const again = await (await navigator.gpu.requestAdapter()).requestDevice();
        await again.queue.onSubmittedWorkDone();
        return message.includes("did not finish");
        """,
        timeout=1.0,
    )
    assert found is True


def test_many_short_submissions_are_no_hang() -> None:
    found = run_one(
        """
        const buffer = newBuffer(4096);
        const until = performance.now() + 3000;
        while (performance.now() < until) {
          const encoder = device.createCommandEncoder();
          encoder.clearBuffer(buffer);
          device.queue.submit([encoder.finish()]);
        }
        await device.queue.onSubmittedWorkDone();
        return (await Promise.race([device.lost, null])) === null;
        """,
        timeout=2.0,
    )
    assert found is True


def test_a_crash_is_told_to_the_sandbox(gpu_hosts: Callable[[], list[int]]) -> None:
    body = """
    progress();
    work.emit("ready", null);
    const timer = setInterval(() => {}, 10);
    const { reason, message } = await device.lost;
    clearInterval(timer);
    return [reason, message];
    """
    job = dcp.compute_for([0], work(body))
    job.work.on("ready", lambda event: [kill(pid, "dcp-gpu-host", signal.SIGSEGV) for pid in gpu_hosts()])
    with dcp.Evaluator() as evaluator:
        assert job.local_exec(sandboxes=1, evaluator=evaluator)[0] == [
            "unknown",
            "the GPU host crashed: Segmentation fault",
        ]


# --- Adapters ---

INFO = "(async () => print((await navigator.gpu.requestAdapter())?.info.device ?? null))()"


def test_a_banned_adapter_is_not_offered(tmp_path: Path) -> None:
    name = list_adapters(Settings())[0]["device"]
    shown = identifier(name)
    assert run_script(tmp_path, INFO).stdout == f"{shown}\n"
    for option in ("--gpu-ban=.", "--gpu-allow=no such device", "--gpu-devices=", "--gpu-ban=vendor=^"):
        assert run_script(tmp_path, INFO, option).stdout.endswith("\nnull\n"), option
    for option in ("--gpu-ban=no such device", "--gpu-allow=" + name[:8], "--gpu-devices=0", "--gpu-ban=vendor=$^x"):
        assert run_script(tmp_path, INFO, option).stdout == f"{shown}\n", option


def test_the_probe_says_which_adapters_are_offered_and_why_not() -> None:
    done = run("--probe", "--gpu-ban", "device=.")
    assert "not offered: banned by 'device=.' (device 0)" in done.stdout
    assert "offered (device 0)" in run("--probe").stdout


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--gpu-ban=[", "the GPU pattern '[' is no regular expression: unterminated character set at position 0"),
        ("--gpu-allow=device=(", "the GPU pattern 'device=(' is no regular expression: "),
        ("--gpu-devices=97", "there is no GPU device 97; there are 0 ("),
        ("--gpu-devices=1;2", "argument --gpu-devices: '1;2' is no list of devices, as in 0,2 or 0000:65:00.0"),
        ("--gpu-devices=0,0", "argument --gpu-devices: '0,0' names a device twice"),
        ("--gpu-timeout=0", "argument --gpu-timeout: '0' is not a number of seconds"),
        ("--gpu-staging=1", "argument --gpu-staging: '1' is not a number from 64 to 2048"),
        ("--gpu-memory=x", "argument --gpu-memory: 'x' is not a number from 1 to 16777216"),
    ],
)
def test_a_wrong_option_is_one_clear_message(tmp_path: Path, option: str, message: str) -> None:
    (script,) = write(tmp_path, script="")
    assert one_message(run("--shell", option, script, folder=tmp_path), 2).startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory_limit": -1}, "the GPU memory limit is -1; it is a number of bytes"),
        ({"staging_limit": 1}, "the GPU staging limit is 1; it is 64 MiB to 2 GiB, in bytes"),
        ({"timeout": 0}, "the GPU timeout is 0; it is a number of seconds, 0.001 or more"),
        ({"devices": [-1]}, "the GPU device is -1; an index is 0 or more"),
        ({"ban": ["("]}, "the GPU pattern '(' is no regular expression: "),
    ],
)
def test_wrong_options_raise(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        dcp.GpuOptions(**options)  # type: ignore[arg-type]


# --- Metering ---


@pytest.mark.parametrize("timestamps", [None, True, False])
def test_a_slice_says_what_it_used_of_the_gpu(timestamps: bool | None) -> None:
    by_clock = list_adapters(Settings())[0]["type"] != "cpu" if timestamps is None else timestamps
    body = """
    if (datum === 0) return null;
    const source = newBuffer(1 << 20, U.COPY_DST | U.COPY_SRC);
    device.queue.writeBuffer(source, 0, new Uint8Array(1 << 20));
    const target = newBuffer(1 << 19, U.MAP_READ | U.COPY_DST);
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, target, 0, 1 << 19);
    device.queue.submit([encoder.finish()]);
    await target.mapAsync(GPUMapMode.READ);
    target.unmap();
    source.destroy();
    target.destroy();
    await device.queue.onSubmittedWorkDone();
    """
    with dcp.Evaluator(gpu=dcp.GpuOptions(timestamps=timestamps)) as evaluator:
        results = dcp.compute_for([1, 0], work(body)).local_exec(sandboxes=1, evaluator=evaluator).wait()
    used, idle = results.metrics[0], results.metrics[1]
    assert used.gpu > 0
    assert used[3:] == (1 << 20, 1 << 19, (1 << 20) + (1 << 19), "timestamps" if by_clock else "submission")
    assert (idle.gpu, *idle[3:]) == (0, 0, 0, 0, None)


def test_timestamps_tell_how_long_the_gpu_worked() -> None:
    """The same shader, 200 times as much of it: the time grows, and stays below that from submission to completion."""
    body = f"""
    {ENDLESS.replace("65535, 65535", "datum").replace("loop {", "for (var i = 0; i < 60000; i++) {")}
    const began = performance.now();
    submitEndless();
    await device.queue.onSubmittedWorkDone();
    return performance.now() - began;
    """
    with dcp.Evaluator(gpu=dcp.GpuOptions(timestamps=True)) as evaluator:
        results = dcp.compute_for([1, 200], work(body)).local_exec(sandboxes=1, evaluator=evaluator).wait()
    little, much = results.metrics[0], results.metrics[1]
    assert 0 < little.gpu < much.gpu
    assert much.gpu <= results[1] * 1.01
    assert much.gpu_clock == "timestamps"


def test_a_device_without_timestamp_queries_has_none_though_the_host_uses_them() -> None:
    found = run_one(
        """
        const query = { type: "timestamp", count: 2 };
        let error = null;
        try { device.createQuerySet(query); } catch (thrown) { error = `${thrown}`; }
        const requiredFeatures = ["timestamp-query"];
        const other = await (await navigator.gpu.requestAdapter()).requestDevice({ requiredFeatures });
        other.pushErrorScope("validation");
        other.createQuerySet(query);
        return [error, await other.popErrorScope()];
        """,
        timestamps=True,
    )
    message = "GPUDevice.createQuerySet: the device has no feature timestamp-query"
    assert found == [f"TypeError: {message}", None]
