"""An evaluator that has nothing to do does nothing: no process of it wakes up."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

from line_peer import TcpEvaluator, write_prelude
from process_tree import descendants
from zygote_control import wait_until

_SANDBOXES = 30
_GPU = """
onreadln(async (line) => {
  if (line === "echo") return writeln(line);
  await initWebGPU();
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  await buffer.mapAsync(GPUMapMode.READ);
  writeln("mapped");
});
"""


def _threads(evaluator: int) -> Iterator[Path]:
    for process in (evaluator, *descendants(evaluator)):
        yield from Path(f"/proc/{process}/task").iterdir()


def _wakes(evaluator: int) -> dict[str, int]:
    """How often each thread has waited: a thread that waits again has been awake."""
    return {
        str(thread): int(re.findall(r"^voluntary_ctxt_switches:\s+(\d+)$", (thread / "status").read_text(), re.M)[0])
        for thread in _threads(evaluator)
    }


def _rests(evaluator: int, seconds: float) -> bool:
    before = _wakes(evaluator)
    time.sleep(seconds)
    return _wakes(evaluator) == before


def test_nothing_wakes_up_with_sandboxes_and_gpu_hosts_that_wait(tmp_path: Path) -> None:
    with TcpEvaluator(write_prelude(tmp_path, _GPU)) as evaluator:
        peers = [evaluator.connect() for _ in range(_SANDBOXES)]
        for peer in peers:
            assert peer.ask("echo") == "echo"
        assert peers[0].ask("gpu") == "mapped"
        pid = evaluator.process.pid
        assert len(list(_threads(pid))) > _SANDBOXES
        wait_until(lambda: _rests(pid, 0.5), "spares and GPU hosts are there, and all wait")
        assert _rests(pid, 3.0)
        before = _wakes(pid)
        assert peers[1].ask("echo") == "echo"
        wait_until(lambda: _wakes(pid) != before, "what works is counted")
        for peer in peers:
            peer.close()
