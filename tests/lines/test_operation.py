"""What an operator sees and does: lines about sandboxes, signals, a service manager."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli_driver import COMMAND
from line_peer import DEADLINE, Listener, Peer, TcpEvaluator, write_prelude
from process_tree import children, running
from service_manager import StandInManager, with_sockets
from zygote_control import wait_until

_HOARDS = """
handlers.hoard = () => {
  const kept = [];
  try { for (;;) kept.push(new Uint8Array(1 << 20).fill(1)); } catch (error) { return String(error); }
};
handlers.work = (milliseconds) => {
  const end = Date.now() + Number(milliseconds);
  while (Date.now() < end);
  return "worked";
};
"""


# It says what it got, then goes on for a moment: the next command makes its GPU host tell the time.
_USES_GPU = """
const code = `
  @group(0) @binding(0) var<storage, read_write> sums: array<f32>;
  @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    var sum = f32(id.x);
    for (var i = 0u; i < 200000u; i++) { sum = fract(sum * 1.5 + 0.25); }
    sums[id.x] = sum + 1.0;
  }`;
handlers.compute = undefined;
onreadln(async (line) => {
  writeln("? " + line);
  await initWebGPU();
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
  const sums = device.createBuffer({ size: 4096, usage });
  const read = device.createBuffer({ size: 4096, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  const entries = [{ binding: 0, resource: { buffer: sums } }];
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(16);
  pass.end();
  encoder.copyBufferToBuffer(sums, 0, read, 0, 4096);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const sum = new Float32Array(read.getMappedRange())[0];
  read.unmap();
  await device.queue.onSubmittedWorkDone();
  writeln(String(sum));
});
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write_prelude(tmp_path, _HOARDS)


def ended(process: subprocess.Popen[str]) -> int:
    """The exit status."""
    return process.wait(DEADLINE)


def refused(port: int) -> bool:
    try:
        with Peer(port):
            return False
    except ConnectionRefusedError:
        return True


# --- Lines about sandboxes ---


def test_a_sandbox_that_ended_has_a_line(file: str) -> None:
    with TcpEvaluator(file, options=("-d", "6")) as evaluator:
        with evaluator.connect() as peer:
            host, port = peer.socket.getsockname()[:2]
            assert peer.ask("work 300") == "worked"
        line = evaluator.wait_for("sandbox 1 ended")
        found = re.search(r"ended \(exit 0\): peer (\S+), life (\d+\.\d) s, CPU (\d+\.\d\d) s, memory (\d+) MiB$", line)
        assert found is not None, line
        assert found[1] in (f"{host}:{port}", f"[{host}]:{port}")
        assert 0 < float(found[3]) <= float(found[2]) + 0.1
        assert 0 < int(found[4]) < 100


def test_the_memory_of_a_sandbox_is_what_it_had_at_most(file: str) -> None:
    with TcpEvaluator(file, options=("-d", "6", "--memory-limit", "200")) as evaluator:
        with evaluator.connect() as peer:
            assert peer.ask("hoard") != ""
        memory = re.search(r"memory (\d+) MiB", evaluator.wait_for("sandbox 1 ended"))
        assert memory is not None and 100 < int(memory[1]) < 320


@pytest.mark.engine("quickjs", "V8 ends a sandbox whose heap is full; here the job goes on")
def test_a_job_without_memory_is_told(file: str) -> None:
    with TcpEvaluator(file, options=("--memory-limit", "64")) as evaluator, evaluator.connect() as peer:
        assert "out of memory" in peer.ask("hoard")
        peer.send("hoard")
        line = evaluator.wait_for("is out of memory")
        assert "sandbox 1 is out of memory: its job was refused some" in line
        assert "--memory-limit" in line
    assert sum("is out of memory" in line for line in evaluator.said) == 1


def test_a_sandbox_that_used_the_gpu_has_its_time(tmp_path: Path) -> None:
    file = write_prelude(tmp_path, _USES_GPU)
    with TcpEvaluator(file, options=("-d", "6")) as evaluator:
        with evaluator.connect() as peer:
            assert peer.ask("compute") == "? compute"
            assert float(peer.read()) > 0
        found = re.search(r", CPU \d+\.\d\d s, GPU (\d+\.\d\d) s, memory", evaluator.wait_for("sandbox 1 ended"))
        assert found is not None and 0 < float(found[1]) < DEADLINE


@pytest.mark.parametrize(
    ("style", "beginning"),
    [
        ("plain", r"dcp-evaluator: listening"),
        ("priority", r"<5>dcp-evaluator: listening"),
        ("time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z dcp-evaluator: listening"),
    ],
)
@pytest.mark.any_engine
def test_notices_have_a_form(file: str, style: str, beginning: str) -> None:
    with TcpEvaluator(file, options=("--notice-format", style)) as evaluator:
        assert re.match(beginning, evaluator.said[-1])


@pytest.mark.any_engine
def test_the_journal_gets_levels(file: str) -> None:
    read, write = os.pipe()
    found = os.fstat(write)
    for inode, beginning in ((found.st_ino, "<5>dcp-evaluator: listening"), (1, "dcp-evaluator: listening")):
        environment = {**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{inode}"}
        process = subprocess.Popen([*COMMAND, "-p", "0", file], stderr=write, env=environment)
        assert os.read(read, 1 << 12).decode().startswith(beginning)
        process.terminate()
        assert process.wait(DEADLINE) == 0
        os.read(read, 1 << 12)
    os.close(read)
    os.close(write)


# --- Signals ---


@pytest.mark.any_engine
def test_it_ends_with_its_last_sandbox_after_a_signal(file: str) -> None:
    with TcpEvaluator(file) as evaluator, evaluator.connect() as first, evaluator.connect() as second:
        assert first.ask("echo one") == second.ask("echo one") == "one"
        evaluator.process.send_signal(signal.SIGUSR1)
        assert "SIGUSR1: no more connections; 2 sandboxes left, then it ends" in evaluator.wait_for("SIGUSR1")
        wait_until(lambda: refused(evaluator.port), "nobody listens")
        with Listener([*COMMAND, "-p", str(evaluator.port), file]) as successor, successor.connect() as third:
            assert third.ask("echo new") == "new"
            evaluator.process.send_signal(signal.SIGUSR1)  # says nothing new
            first.close()
            assert second.ask("echo two") == "two"
            assert evaluator.process.poll() is None
            second.close()
            assert ended(evaluator.process) == 0
            assert third.ask("echo still") == "still"


@pytest.mark.any_engine
def test_without_sandboxes_the_signal_ends_it_at_once(file: str) -> None:
    with TcpEvaluator(file) as evaluator:
        evaluator.process.send_signal(signal.SIGUSR1)
        assert ended(evaluator.process) == 0


@pytest.mark.any_engine
def test_a_signal_ends_one_that_drains(file: str) -> None:
    with TcpEvaluator(file) as evaluator, evaluator.connect() as peer:
        assert peer.ask("echo one") == "one"
        evaluator.process.send_signal(signal.SIGUSR1)
        evaluator.wait_for("SIGUSR1")
        evaluator.process.terminate()
        assert "SIGTERM: it ends, with 1 sandbox" in evaluator.wait_for("SIGTERM")
        assert ended(evaluator.process) == 0
        assert peer.read() == ""


@pytest.mark.any_engine
def test_a_zygote_that_dies_while_it_drains_is_not_replaced(file: str) -> None:
    with TcpEvaluator(file, options=("-d", "7")) as evaluator, evaluator.connect() as peer:
        assert peer.ask("echo one") == "one"
        evaluator.process.send_signal(signal.SIGUSR1)
        evaluator.wait_for("SIGUSR1")
        (zygote,) = running("dcp-zygote", children(evaluator.process.pid))
        os.kill(zygote, signal.SIGKILL)
        assert ended(evaluator.process) == 0


@pytest.mark.any_engine
def test_without_a_terminal_sighup_ends_nothing(file: str) -> None:
    command = [sys.executable, "-c", _WITHOUT_TERMINAL, *COMMAND, "-p", "0", file]
    with Listener(command) as evaluator, evaluator.connect() as peer:
        evaluator.process.send_signal(signal.SIGHUP)
        assert "nothing is read anew" in evaluator.wait_for("SIGHUP")
        assert peer.ask("echo on") == "on"


_WITHOUT_TERMINAL = "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])"
_WITH_TERMINAL = """
import os, sys
os.setsid()
os.open(sys.argv[1], os.O_RDWR)  # it becomes the terminal of the session
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.any_engine
def test_a_terminal_that_goes_ends_it(file: str) -> None:
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-c", _WITH_TERMINAL, os.ttyname(theirs), *COMMAND, "-p", "0", file]
        with Listener(command) as evaluator:
            os.close(ours)
            assert ended(evaluator.process) == 0
    finally:
        os.close(theirs)


# --- A service manager ---


@pytest.mark.any_engine
def test_a_service_manager_hears_how_it_goes(file: str, tmp_path: Path) -> None:
    with StandInManager(tmp_path) as manager:
        environment = {**os.environ, **manager.environment, "WATCHDOG_USEC": "400000"}
        with Listener([*COMMAND, "-p", "0", "--max-sandboxes", "8", file], environment=environment) as evaluator:
            manager.wait_for("READY=1", "STATUS=Ready: 0 sandboxes of 8, 0 have ended")
            assert manager.told[0] == "READY=1"
            with evaluator.connect() as peer:
                assert peer.ask("echo one") == "one"
                manager.wait_for("STATUS=Ready: 1 sandbox of 8, 0 have ended")
                manager.told.clear()
                manager.wait_for("WATCHDOG=1")
                manager.told.clear()
                manager.wait_for("WATCHDOG=1")
                evaluator.process.send_signal(signal.SIGUSR1)
                manager.wait_for("STATUS=Drains: 1 sandbox of 8, 0 have ended")
                assert "STOPPING=1" not in manager.told  # systemd would count the time from then on
            assert ended(evaluator.process) == 0
        manager.wait_for("STOPPING=1")


@pytest.mark.any_engine
def test_it_listens_on_the_socket_of_its_service_manager(file: str) -> None:
    """Connections wait there from one evaluator to the next."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = with_sockets([*COMMAND, "-p", "9000", file], listener)
        port = listener.getsockname()[1]
        with activated(command, listener) as first, Peer(port) as peer:
            assert peer.ask("echo one") == "one"
            first.send_signal(signal.SIGUSR1)
            peer.close()
            assert first.wait(DEADLINE) == 0
            with Peer(port) as waiting:
                waiting.send("echo waited")
                with activated(command, listener):
                    assert waiting.read() == "waited"


@contextmanager
def activated(command: list[str], listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, pass_fds=(listener.fileno(),), stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(DEADLINE)
