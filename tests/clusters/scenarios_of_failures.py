"""Slices and jobs that fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scenarios import Execute, errors, of_two_nodes, outcome, outcomes, run, scenario

import dcp_evaluator as dcp

FAILING = """(x) => {
  const inner = () => {
    throw new RangeError(`not ${x}`, { cause: new Error("why") });
  };
  if (x % 3 === 0) inner();
  if (x === 4) throw "text";
  if (x === 5) return new Promise(() => {});
  if (x === 7) return new Promise(() => setTimeout(() => { throw new TypeError("late"); }, 1));
  if (x === 8) work.reject("never", 1);
  if (x === 10) return () => 1;
  return x;
}"""
WITHOUT_LIMITS = """async (x) => {
  if (x === 1) return new Uint8Array(2 << 20);
  if (x === 2) for (;;) { progress(); await new Promise((done) => setTimeout(done, 10)); }
  if (x === 3) { const kept = []; for (;;) kept.push(new Array(1 << 16).fill(0)); }
  if (x === 4) for (;;) work.emit("e", "x".repeat(1 << 16));
  if (x === 5) return new Uint8Array(1 << 20);
  return x;
}"""
ENDLESS = """(x) => {
  if (x === 1) for (;;) progress();
  if (x === 2) return new Promise((done) => setTimeout(done, 1e6));
  return x;
}"""


@of_two_nodes
def failing_slices(execute: Execute) -> Any:
    results = execute(dcp.compute_for(range(11), FAILING))
    pairs = [(index, getattr(value, "message", value)) for index, value in results.items(errors="yield")]
    group = outcome(lambda: list(results.as_completed()))[0]
    return pairs, errors(results), group, outcome(results.values), sorted(results.as_completed(errors="skip"))


@scenario
def work_functions_that_are_none(execute: Execute) -> Any:
    return [
        (outcome(results.wait, 60), outcome(lambda results=results: results[0]))
        for results in (
            execute(dcp.compute_for(range(100), source)) for source in ("(x) => {", "throw new Error('no')")
        )
    ]


@scenario
def inputs_that_cannot_be_sent(execute: Execute) -> Any:
    inputs = [1, object(), 2, {1: 2}, np.zeros(2, "M8[D]"), lambda: 1, 3, np.zeros((1,) * 33)]
    return outcomes(execute(dcp.compute_for(inputs, "(x) => x")))


@scenario
def inputs_that_raise(execute: Execute) -> Any:
    def inputs() -> Iterator[int]:
        yield from range(5)
        raise LookupError("no more")

    results = execute(dcp.compute_for(inputs(), "(x) => x"))
    return outcome(results.wait, 60), outcome(lambda: list(results.as_completed()))


@of_two_nodes
def the_first_error_stops_the_job(execute: Execute) -> Any:
    taken = []

    def inputs() -> Iterator[int]:
        for x in range(1_000_000):
            taken.append(x)
            yield x

    source = "(x) => { if (x === 3) throw new Error('three'); return x; }"
    results = execute(dcp.compute_for(inputs(), source), on_error="stop")
    return outcome(results.wait, 60), outcome(lambda: results[3]), len(taken) < 100_000


@of_two_nodes
def limits_of_a_slice(execute: Execute) -> Any:
    return outcomes(
        execute(
            dcp.compute_for(range(7), WITHOUT_LIMITS),
            result_limit=(1 << 20) + 100, slice_timeout=1.0, memory_limit=64 << 20, output_limit=1 << 20,
        )
    )  # fmt: skip


@scenario
def time_of_a_slice(execute: Execute) -> Any:
    return outcomes(execute(dcp.compute_for(range(4), ENDLESS), cpu_timeout=0.2, progress_timeout=1.5))


@scenario
def arguments_that_make_no_sense(execute: Execute) -> Any:
    def refused(inputs: Any = (1,), argument: Any = None, **options: Any) -> Any:
        return outcome(lambda: execute(dcp.compute_for(inputs, "(x) => x", argument), **options))

    job = dcp.compute_for((x for x in [1]), "(x) => x")
    execute(job).wait()
    return (
        refused(retries=-1), refused(on_error="no"), refused(slice_timeout=0), refused(result_limit=0),
        refused(seed=2**53), refused(integers="float"), refused(memory_limit=5), refused(gpu_errors="x"),
        refused(output_limit=0), refused(progress_timeout="1"), refused(argument=object()),
        refused(np.zeros((2, 2), "M8[D]")), outcome(execute, job),
    )  # fmt: skip


if __name__ == "__main__":
    run()
