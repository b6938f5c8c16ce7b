"""Events and metrics."""

from __future__ import annotations

import threading
from typing import Any

from scenarios import Execute, of_two_nodes, outcome, run, scenario

import dcp_evaluator as dcp

TALKING = """async (x) => {
  console.log("slice %d", x, { a: [1] });
  console.error("bad");
  progress(0.5);
  progress();
  work.emit("custom", { x, array: new Float32Array(70000).fill(x) });
  if (x === 1) throw new TypeError("one");
  await null;
  return x;
}"""


class Heard:
    """What a job tells of itself, and of each slice, in order."""

    def __init__(self, job: dcp.Job) -> None:
        self.of_job: dict[str, list[Any]] = {}
        self.of_slices: dict[int, list[Any]] = {}
        for name in ("accepted", "readystatechange", "status", "complete"):
            job.on(name, self.of_job.setdefault(name, []).append)
        for name in ("console", "error", "progress", "result"):
            job.on(name, self._of_slice)
        job.work.on("custom", self._of_slice)

    def _of_slice(self, event: Any) -> None:
        known = {name: getattr(event, name) for name in ("level", "message", "value", "code") if hasattr(event, name)}
        self.of_slices.setdefault(event.index, []).append((type(event).__name__, known))


@of_two_nodes
def all_events(execute: Execute) -> Any:
    job = dcp.compute_for(range(5), TALKING)
    heard = Heard(job)
    results = execute(job).wait()
    last, metrics = heard.of_job["status"][-1], job.metrics
    return (
        sorted(heard.of_slices.items()), heard.of_job["accepted"] == [job], heard.of_job["complete"] == [results],
        heard.of_job["readystatechange"], (last.total, last.distributed, last.computed),
        (metrics.slices, metrics.errors, metrics.sandbox_deaths),
    )  # fmt: skip


@scenario
def metrics(execute: Execute) -> Any:
    """One slice computes, the other sleeps."""
    source = """async (kind) => {
      const end = performance.now() + 200;
      if (kind === "sleeps") await new Promise((done) => setTimeout(done, 200));
      while (performance.now() < end);
      return kind;
    }"""
    job = dcp.compute_for(["computes", "sleeps"], source)
    told = {}
    job.on("result", lambda event: told.update({event.index: event.metrics}))
    results = execute(job).wait()
    computes, sleeps = results.metrics[0], results.metrics[1]
    return (
        told == results.metrics, computes.wall >= 199, sleeps.wall >= 199, 0 <= sleeps.cpu < computes.cpu,
        computes.cpu <= computes.wall + 15, job.metrics.cpu == computes.cpu + sleeps.cpu,
        job.metrics.wall == computes.wall + sleeps.wall, job.metrics.elapsed >= 199, computes.gpu,
    )  # fmt: skip


@scenario
def a_callback_that_raises(execute: Execute) -> Any:
    job = dcp.compute_for(range(1000), "(x) => x")
    job.on("result", lambda event: 1 / 0)
    return outcome(execute(job).wait, 60), job.ready_state


@scenario
def a_callback_that_waits(execute: Execute) -> Any:
    job = dcp.compute_for(range(2), "(x) => x")
    started = threading.Event()  # the event may come before the results are there to be waited for
    job.on("accepted", lambda _: started.wait() and results[1])
    results = execute(job)
    started.set()
    return outcome(results.wait, 60)


if __name__ == "__main__":
    run()
