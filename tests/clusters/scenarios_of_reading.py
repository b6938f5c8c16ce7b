"""Ways to read results; jobs that end early or run beside one another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from scenarios import Execute, of_two_nodes, outcome, run, scenario

import dcp_evaluator as dcp

SQUARES = "(x) => x * x"


@of_two_nodes
def ways_to_read(execute: Execute) -> Any:
    results = execute(dcp.compute_for(iter(range(100)), SQUARES))

    async def asynchronous() -> Any:
        return (
            [pair async for pair in results.items()],
            sorted([pair async for pair in results.as_completed()]),
            [value async for value in results],
            await results,
        )

    return (
        sorted(results.as_completed()), list(results.items()), list(results), results[-1], results[97:], len(results),
        results.done, outcome(lambda: results[100]), results.values(), asyncio.run(asynchronous()), repr(results),
    )  # fmt: skip


@of_two_nodes
def results_are_there_before_the_job_ends(execute: Execute) -> Any:
    gate = threading.Event()

    def inputs() -> Iterator[int]:
        yield from range(20_000)  # more than are read ahead of all results
        assert gate.wait(60)
        yield 20_000

    results = execute(dcp.compute_for(inputs(), SQUARES))
    index, value = next(results.as_completed())
    seen = value == index**2, results.done
    gate.set()
    return seen, list(results)


@scenario
def who_awaits_does_not_block_the_loop(execute: Execute) -> Any:
    ticked = threading.Event()

    def inputs() -> Iterator[int]:
        yield 0
        assert ticked.wait(60)
        yield 1

    async def program() -> Any:
        results = execute(dcp.compute_for(inputs(), SQUARES))

        async def tick() -> None:
            ticked.set()

        ticker = asyncio.create_task(tick())
        values = await results
        await ticker
        return values

    return asyncio.run(program())


@scenario
def no_inputs(execute: Execute) -> Any:
    return [execute(dcp.compute_for(inputs, SQUARES)).values() for inputs in (iter(()), np.zeros((0, 3)))]


# --- Jobs that end early, or run beside one another ---


@scenario
def cancellation(execute: Execute) -> Any:
    job = dcp.compute_for(range(3), "(x) => { if (x) for (;;) progress(); return x; }")
    results = execute(job)
    first = results[0]
    late = outcome(results.wait, 0.1)
    results.cancel()
    return first, late, outcome(results.wait, 60), results[0], outcome(lambda: results[1]), job.ready_state


@scenario
def a_cancelled_task_cancels_its_job(execute: Execute) -> Any:
    async def program() -> dcp.Results:
        results = execute(dcp.compute_for([0], "() => { for (;;); }"))
        await asyncio.wait([asyncio.ensure_future(results)], timeout=0.1)
        return results

    return outcome(asyncio.run(program()).wait, 60)


@scenario
def two_jobs_at_once(execute: Execute) -> Any:
    jobs = [dcp.compute_for(range(50), "(x, factor) => x * factor", factor) for factor in (2, 3)]
    return [results.values() for results in [execute(job) for job in jobs]]


@scenario
def a_job_runs_again(execute: Execute) -> Any:
    job = dcp.compute_for([1, 2], SQUARES)
    return execute(job).values(), execute(job).values(), job.metrics.slices


if __name__ == "__main__":
    run()
