"""Events of a job, and what its metrics say."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

import dcp_evaluator as dcp


def run(evaluator: dcp.Evaluator, inputs: Any, work_function: Any, *arguments: Any, **options: Any) -> dcp.Results:
    return dcp.compute_for(inputs, work_function, *arguments).local_exec(evaluator=evaluator, **options)


def test_all_events(evaluator):
    source = """async (x) => {
      console.log("slice %d", x, { a: [1] });
      console.error("bad");
      progress(0.5);
      progress();
      work.emit("custom", { x });
      if (x === 1) throw new TypeError("one");
      await null;
      return x;
    }"""
    job = dcp.compute_for([0, 1, 2], source)
    heard: dict[str, list[Any]] = {}
    for name in ("accepted", "readystatechange", "status", "console", "error", "progress", "complete", "result"):
        job.on(name, heard.setdefault(name, []).append)
    job.work.on("custom", heard.setdefault("custom", []).append)
    results = job.local_exec(1, evaluator=evaluator).wait()

    assert heard["accepted"] == [job]
    assert heard["readystatechange"] == ["exec", "deploying", "deployed", "done"]
    assert heard["status"][-1] == dcp.StatusEvent(3, 3, 3)
    assert heard["console"][:2] == [
        dcp.ConsoleEvent(0, "log", "slice 0 { a: [ 1 ] }"),
        dcp.ConsoleEvent(0, "error", "bad"),
    ]
    assert heard["progress"] == [dcp.ProgressEvent(i, value) for i in range(3) for value in (0.5, None)]
    assert heard["custom"] == [dcp.WorkEvent(i, "custom", {"x": i}) for i in range(3)]
    assert [(event.index, event.value) for event in heard["result"]] == [(0, 0), (2, 2)]
    assert [(error.index, error.name) for error in heard["error"]] == [(1, "TypeError")]
    assert heard["complete"] == [results]
    assert all(event.metrics.wall >= 0 and event.metrics.cpu >= 0 for event in heard["result"])
    assert (job.metrics.slices, job.metrics.errors, job.metrics.sandbox_deaths) == (2, 1, 0)
    assert job.metrics.elapsed > 0


def test_off_and_unknown_events(evaluator):
    job = dcp.compute_for([1], "(x) => x")
    heard: list[Any] = []
    job.on("result", heard.append)
    job.off("result", heard.append)
    with pytest.raises(ValueError, match="there is no event 'results'; there are accepted, complete"):
        job.on("results", heard.append)
    with pytest.raises(TypeError, match="callable"):
        job.on("result", None)  # type: ignore[arg-type]
    job.local_exec(1, evaluator=evaluator).wait()
    assert heard == []


def test_an_exception_in_a_callback_ends_the_job(evaluator):
    job = dcp.compute_for(range(1000), "(x) => x")
    job.on("result", lambda event: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        job.local_exec(2, evaluator=evaluator).wait(20)


def test_a_callback_cannot_wait_for_results(evaluator):
    job = dcp.compute_for(range(2), "(x) => x")
    started = threading.Event()  # the event may come before local_exec() has returned
    job.on("accepted", lambda _: started.wait() and results[1])
    results = job.local_exec(1, evaluator=evaluator)
    started.set()
    with pytest.raises(RuntimeError, match="callback cannot wait"):
        results.wait(60)


def test_cpu_time_is_measured(evaluator):
    """One slice computes, the other one sleeps: on a busy machine the first has a part of the CPU, too."""
    source = """async (kind) => {
      const end = performance.now() + 200;
      if (kind === "sleeps") await new Promise((done) => setTimeout(done, 200));
      while (performance.now() < end);
    }"""
    begun = time.monotonic()
    results = run(evaluator, ["computes", "sleeps"], source, sandboxes=1).wait()
    elapsed = 1000 * (time.monotonic() - begun)
    computes, sleeps = results.metrics[0], results.metrics[1]
    assert 199 <= computes.wall <= elapsed
    assert 199 <= sleeps.wall <= elapsed
    assert 0 <= sleeps.cpu < computes.cpu <= computes.wall + 15
    assert computes.gpu == sleeps.gpu == 0
