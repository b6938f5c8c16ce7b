"""The GPU host against a sandbox that is out of hand, and the sandbox against a GPU host that dies."""

from __future__ import annotations

import os
import random
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.gpu.pool import GpuPool
from dcp_evaluator.sandboxes.services import SandboxServices
from dcp_evaluator.settings import installation
from dcp_evaluator.settings.settings import Settings
from gpu_host import BROKE_THE_PROTOCOL, COMMAND_WORDS, HEAP_OFFSET, GpuHost, command, layouts, message
from process_tree import kill
from zygote_control import wait_until

pytestmark = pytest.mark.any_engine

NO_POWER_PREFERENCE = 0xFFFFFFFF
MOST_OPCODES = 128  # more than there are
ADAPTER = command("requestAdapter", 1, 2, NO_POWER_PREFERENCE, 0)


def test_an_adapter_is_found() -> None:
    with GpuHost() as host:
        assert host.size >= HEAP_OFFSET
        host.send(command("requestAdapter", 1, 42, NO_POWER_PREFERENCE, 0))
        kind, payload = host.reply()
        assert kind == "adapter"
        assert payload[:2] == [42, 1]
    assert host.process.returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (message(0xFFF, 1), "no command 4095"),
        (command("requestAdapter", 1), "too short"),
        (command("requestAdapter", 1, 2, 0, 0, 9), "too long"),
        (command("requestAdapter", 0, 2, 0, 0), "id 0 is taken"),
        (command("requestAdapter", 1, 2, 0, 7), "a boolean of 7"),
        (command("requestDevice", 77, 1, 2, 3, 0, 0), "no GPUAdapter with id 77"),
        ([layouts.header(1, 0)], "command ring"),
        ([layouts.header(1, 0) + layouts.header(1, 0) - 1], "command ring"),
        (ADAPTER * 2, "id 1 is taken"),
        (ADAPTER + command("requestDevice", 1, 5, 6, 7, 0x7FFFFFFF), "a string of"),
        (ADAPTER + command("requestDevice", 1, 5, 6, 7, 0xFFFFFFFF, 0xFFFFFFFF), "heap range"),
        (ADAPTER + command("requestDevice", 1, 5, 6, 7, 0, 0xFFFFFFF), "a sequence of"),
        (ADAPTER + command("requestDevice", 1, 5, 6, 7, 1, 0xFF), "not UTF-8"),
        (ADAPTER + command("createShaderModule", 1, 3, 0, 0), "no GPUDevice with id 1"),
    ],
)  # fmt: skip
def test_a_broken_command_ends_the_host_with_a_reason(words: list[int], message: str) -> None:
    with GpuHost() as host:
        host.send(words)
        status, said = host.ended()
    assert status == BROKE_THE_PROTOCOL
    assert said.startswith("dcp-gpu-host: the sandbox broke the protocol: ")
    assert message in said


def test_a_ring_position_that_lies_ends_the_host() -> None:
    with GpuHost() as host:
        host.publish(COMMAND_WORDS + 1)
        assert host.ended()[0] == BROKE_THE_PROTOCOL


@pytest.mark.parametrize("seed", range(12))
def test_random_commands_never_crash_the_host(seed: int) -> None:
    """After a real adapter and device, commands of random words: refused or carried out, never a signal."""
    chance = random.Random(seed)
    with GpuHost() as host:
        host.send(ADAPTER)
        host.send(command("requestDevice", 1, 2, 3, 1, 0, 0, *[0, 0] * 36))
        for _ in range(200):
            if host.process.poll() is not None:
                break
            payload = [chance.choice([0, 1, 2, 3, 4, chance.randrange(16), chance.getrandbits(32)])
                       for _ in range(chance.randrange(1, 14))]  # fmt: skip
            host.send(message(chance.randrange(1, MOST_OPCODES), *payload))
        host.publish(host._position + 1)  # ends a host that is still there
        status, said = host.ended()
    assert status == BROKE_THE_PROTOCOL, said


def test_a_host_without_its_library_says_so(missing: Path) -> None:
    program = str(installation.executable("dcp-gpu-host"))
    done = subprocess.run([program, "--library", missing], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("dcp-gpu-host: cannot open wgpu-native: ")
    done = subprocess.run([program, "--nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("dcp-gpu-host: unknown option '--nonsense'\n")


WAITS_FOR_LOSS = """
async (datum) => {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  progress();
  work.emit("ready", null);
  if (datum === 1) {
    const timer = setInterval(() => {}, 50);
    const { reason, message } = await device.lost;
    clearInterval(timer);
    const mapping = await buffer.mapAsync(GPUMapMode.READ).catch((error) => error.name);
    const again = await (await navigator.gpu.requestAdapter()).requestDevice();
    await again.queue.onSubmittedWorkDone();
    return [reason, message, mapping, again.limits.maxBindGroups];
  }
  return adapter.info.device.length > 0;
}
"""


def test_a_gpu_host_that_is_killed_loses_the_device_only(gpu_hosts: Callable[[], list[int]]) -> None:
    job = dcp.compute_for([0, 1, 2], WAITS_FOR_LOSS)
    seen = []

    def kill_second(event: object) -> None:
        seen.append(event)
        if len(seen) == 2:
            for pid in gpu_hosts():
                kill(pid, "dcp-gpu-host")

    job.work.on("ready", kill_second)
    with dcp.Evaluator() as evaluator:
        results = list(job.local_exec(sandboxes=1, evaluator=evaluator))
    assert results == [True, ["unknown", "the GPU host has ended", "AbortError", 4], True]
    wait_until(lambda: not gpu_hosts(), "the GPU hosts end")


def test_a_gpu_host_waits_for_the_next_job(gpu_hosts: Callable[[], list[int]]) -> None:
    def run() -> list[int]:
        """The hosts that wait after a job that used one."""
        work = "async () => (await navigator.gpu.requestAdapter()) !== null"
        assert list(dcp.compute_for([0], work).local_exec(1, evaluator=evaluator)) == [True]
        return gpu_hosts()

    with dcp.Evaluator() as evaluator:
        (first,) = run()
        (second,) = run()
        assert first != second  # a sandbox got the first one
        dcp.compute_for([0], "() => 1").local_exec(1, evaluator=evaluator).wait()
        assert gpu_hosts() == [second]
    wait_until(lambda: not gpu_hosts(), "the GPU hosts end")


def test_a_gpu_host_outlives_the_thread_that_started_it(gpu_hosts: Callable[[], list[int]]) -> None:
    """It ends with its parent, for which the kernel takes that thread."""
    pools: list[GpuPool] = []

    def start() -> None:
        pools.append(GpuPool(Settings(), warm=1))
        (host,) = pools[0]._warm
        select.select([host.socket], [], [], 20)  # it has said hello: it is sealed

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    time.sleep(0.1)
    assert len(gpu_hosts()) == 1
    pools[0].close()
    assert gpu_hosts() == []


def test_a_sandbox_gets_a_limited_number_of_gpu_hosts(gpu_hosts: Callable[[], list[int]]) -> None:
    """Code that owns its sandbox asks in a loop; each time a process is started for it."""
    services, sandbox = SandboxServices(Settings()), socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def ask(number: int) -> bytes:
        sandbox[1].send(b"G")
        assert services.answer(sandbox[0], number)
        answer, fds, _, _ = socket.recv_fds(sandbox[1], 256, 1)
        for fd in fds:
            os.close(fd)
        return answer

    with sandbox[0], sandbox[1]:
        answers = [ask(1) for _ in range(66)]
        assert answers[:64] == [b"G"] * 64
        assert answers[64:] == [b"Nthis sandbox has lost 64 GPU hosts; it gets no other"] * 2
        assert ask(2) == b"G"
        services.release(1)
        services.close()
    assert gpu_hosts() == []
