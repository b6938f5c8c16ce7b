"""Processes are killed at random while a job runs: every slice has exactly one result, and it is right."""

from __future__ import annotations

import collections
import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from target import wasm

import dcp_evaluator as dcp
from zygote_control import children

SLICES = 10_000
SEED = 20261125
# What is killed, and how often; V8 has no compiler of ours, and its zygotes take a second to start.
KINDS = {
    "quickjs": {"dcp-sandbox": 8, "dcp-zygote": 1, "dcp-gpu-host": 3, "dcp-compiler": 2},
    "v8": {"dcp-sandbox": 60, "dcp-zygote": 1, "dcp-gpu-host": 12},
}
PAUSE = 0.06  # seconds between two kills, on average

# Most slices compute; some compile a module of their own, which no cache has, and some use the GPU. A killed sandbox is
# the evaluator's to replace; a lost device and a compilation that failed are told to the job, which tries again.
WORK = """
async (n, module) => {
  const square = (x) => { for (const end = performance.now() + 0.5; performance.now() < end;); return x * x; };
  if (n % 100 === 1) return viaModule(n, module);
  if (n % 500 === 2) return viaGpu(n);
  return square(n);

  function viaModule(n, module) {
    const section = [0, 5, 4, n & 127, (n >> 7) & 127, 0, 0]; // a custom section makes it another module
    const bytes = new Uint8Array([...new Uint8Array(module), ...section]);
    for (;;) {
      try {
        return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.square(n);
      } catch (error) {
        if (!(error instanceof WebAssembly.CompileError)) throw error; // its compilation was killed
        progress();
      }
    }
  }

  async function viaGpu(n) {
    for (;;) {
      const device = await (await navigator.gpu.requestAdapter())?.requestDevice().catch(() => null);
      if (!device) { progress(); await new Promise((done) => setTimeout(done, 5)); continue; }
      const buffer = device.createBuffer({ size: 8, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
      device.queue.writeBuffer(buffer, 0, new Float64Array([n * n]));
      const mapped = await buffer.mapAsync(GPUMapMode.READ).then(() => true, () => false);
      const value = mapped ? new Float64Array(buffer.getMappedRange())[0] : NaN;
      device.destroy();
      if (value === n * n) return value;
    }
  }
}
"""
SQUARE = wasm('(module (func (export "square") (param f64) (result f64) (f64.mul (local.get 0) (local.get 0))))')


class Killer:
    """Kills a process of ours now and then, until the block ends. ``killed``: how many, by kind."""

    def __init__(self, seed: int, kinds: dict[str, int], spared: set[int]) -> None:
        self.killed: collections.Counter[str] = collections.Counter()
        self._random = random.Random(seed)
        self._kinds = kinds
        self._spared = spared
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self._random.expovariate(1 / PAUSE)):
            (kind,) = self._random.choices(list(self._kinds), list(self._kinds.values()))
            chance = self._random.random()
            victims = sorted(pid for pid in self._below(os.getpid()) if _name(pid) == kind)
            if victims:
                os.kill(victims[int(chance * len(victims))], signal.SIGKILL)
                self.killed[kind] += 1

    def _below(self, pid: int) -> Iterator[int]:
        for child in children(pid):
            if child not in self._spared:
                yield child
                yield from self._below(child)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@pytest.mark.timeout(180)
def test_every_slice_has_one_result(engine: str) -> None:
    spared = set(children(os.getpid()))  # of the other tests
    with dcp.Evaluator() as evaluator:
        job = dcp.compute_for(range(SLICES), WORK, SQUARE)
        seen: collections.Counter[int] = collections.Counter()
        job.on("result", lambda event: seen.update([event.index]))
        job.on("error", lambda error: seen.update([error.index]))
        with Killer(SEED, KINDS[engine], spared) as killer:
            results = job.local_exec(2, evaluator=evaluator, retries=1000, progress_timeout=30).wait(150)
    print(f"killed: {dict(killer.killed)}, sandboxes that died: {job.metrics.sandbox_deaths}")
    assert results.errors == {}
    assert list(results) == [n * n for n in range(SLICES)]
    assert seen == collections.Counter(range(SLICES))
    assert all(killer.killed[kind] > 0 for kind in KINDS[engine]), killer.killed
