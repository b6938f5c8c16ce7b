"""Processes are killed at random while a job runs: every slice has exactly one result, and it is right."""

from __future__ import annotations

import collections
import itertools
import os
import random
import threading
import time
from collections.abc import Iterator

import pytest
from target import wasm

import dcp_evaluator as dcp
from process_tree import children, descendants, kill, running

LEAST_SLICES = 10_000
SEED = 20261125
# How many of each kind are killed, in random order; V8 has no compiler of ours, and its zygotes take a second to start.
KILLS = {
    "quickjs": {"dcp-sandbox": 48, "dcp-zygote": 6, "dcp-gpu-host": 18, "dcp-compiler": 12},
    "v8": {"dcp-sandbox": 60, "dcp-zygote": 2, "dcp-gpu-host": 12},
}
PAUSE = 0.06  # seconds between two kills, on average
WITHOUT_RESULT = 3  # kills between two results, at most: a job ends in which nothing but deaths happens
DEADLINE = 200.0
"""Seconds after which the job gets no more slices, however few were killed; far above what it takes."""

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
    """Kills processes of a job below this one, until as many of each kind as ``kills`` says have been killed."""

    def __init__(self, seed: int, kills: dict[str, int], spared: set[int]) -> None:
        self.killed: collections.Counter[str] = collections.Counter()
        self.results = 0  # of the job, as it tells them
        self.gpu_results = 0  # those among them that came from a GPU
        self._random = random.Random(seed)
        self._order = self._random.sample(list(kills), sum(kills.values()), counts=list(kills.values()))
        self._spared = spared
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def is_content(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        results_before = collections.deque([-1] * WITHOUT_RESULT, WITHOUT_RESULT)  # each of the last kills
        gpu_results_before = -1  # the last kill of a GPU host: a GPU whose hosts die in a row is left alone for minutes
        for kind in self._order:
            self._end.wait(self._random.expovariate(1 / PAUSE))
            while (
                self.results <= results_before[0]
                or (kind == "dcp-gpu-host" and self.gpu_results <= gpu_results_before)
                or not self._kill_one(kind)
            ):
                if self._end.wait(0.002):
                    return
            self.killed[kind] += 1
            results_before.append(self.results)
            if kind == "dcp-gpu-host":
                gpu_results_before = self.gpu_results

    def _kill_one(self, kind: str) -> bool:
        ours = set(children(os.getpid())) - self._spared
        victims = running(kind, sorted(below for pid in ours for below in (pid, *descendants(pid))))
        return bool(victims) and kill(self._random.choice(victims), kind)


def slices(killer: Killer) -> Iterator[int]:
    """Work for as long as there is somebody to kill, and until DEADLINE at most."""
    end = time.monotonic() + DEADLINE
    for n in itertools.count():
        if n >= LEAST_SLICES and (killer.is_content or time.monotonic() > end):
            return
        yield n


@pytest.mark.timeout(DEADLINE + 100)
def test_every_slice_has_one_result(engine: str) -> None:
    spared = set(children(os.getpid()))  # of the other tests
    seen: collections.Counter[int] = collections.Counter()
    with dcp.Evaluator() as evaluator, Killer(SEED, KILLS[engine], spared) as killer:
        job = dcp.compute_for(slices(killer), WORK, SQUARE)

        def on_result(event: dcp.ResultEvent) -> None:
            seen[event.index] += 1
            killer.results += 1
            killer.gpu_results += event.index % 500 == 2

        job.on("result", on_result)
        job.on("error", lambda error: seen.update([error.index]))
        results = job.local_exec(2, evaluator=evaluator, retries=1000, progress_timeout=60).wait(DEADLINE + 60)
    print(f"killed: {dict(killer.killed)}, slices: {len(results)}, sandboxes that died: {job.metrics.sandbox_deaths}")
    assert results.errors == {}
    assert list(results) == [n * n for n in range(len(results))]
    assert len(results) >= LEAST_SLICES
    assert seen == collections.Counter(range(len(results)))
    assert killer.killed == KILLS[engine]
