"""A job on this machine, as a Python program sees it: results, events, arguments, how it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp

# Ends the slices in the reverse of their order, as long as there is a sandbox for each.
LAST_FIRST = "async (x) => { await new Promise((done) => setTimeout(done, 1200 - 600 * x)); return x; }"


def run(evaluator: dcp.Evaluator, inputs: Any, work_function: Any, *arguments: Any, **options: Any) -> dcp.Results:
    return dcp.compute_for(inputs, work_function, *arguments).local_exec(evaluator=evaluator, **options)


# --- Results ---


def test_results_are_in_the_order_of_the_inputs(evaluator):
    results = run(evaluator, range(100), "(x) => x * x", sandboxes=3)
    assert list(results) == [x * x for x in range(100)]
    assert len(results) == 100
    assert results[7] == 49
    assert results[-1] == 99 * 99
    assert results[97:] == [97 * 97, 98 * 98, 99 * 99]
    assert results.done
    with pytest.raises(IndexError, match="no slice 100"):
        results[100]
    with pytest.raises(IndexError):
        results[-101]


def test_results_in_the_order_of_arrival(evaluator):
    results = run(evaluator, range(3), LAST_FIRST, sandboxes=3)
    assert list(results.as_completed()) == [(2, 2), (1, 1), (0, 0)]
    assert list(results) == [0, 1, 2]


def test_a_result_is_there_before_the_job_ends(evaluator):
    gate = threading.Event()

    def inputs() -> Iterator[int]:
        yield 1
        assert gate.wait(20)
        yield 2

    # The second input is only asked for when a sandbox has room, on the job's thread.
    results = run(evaluator, inputs(), "(x) => x", sandboxes=1)
    assert results[0] == 1
    assert not results.done
    gate.set()
    assert list(results) == [1, 2]


def test_await(evaluator):
    ticked = threading.Event()

    def inputs() -> Iterator[int]:
        yield 0
        assert ticked.wait(60), "who awaits results blocks the event loop"
        yield from range(1, 20)

    async def program() -> tuple[list[Any], list[Any]]:
        results = run(evaluator, inputs(), "(x) => x + 1", sandboxes=2)

        async def tick() -> None:
            ticked.set()

        ticker = asyncio.create_task(tick())
        values = await results
        await ticker
        return values, [value async for value in run(evaluator, range(3), LAST_FIRST, sandboxes=3)]

    assert asyncio.run(program()) == (list(range(1, 21)), [0, 1, 2])


def test_cancelled_task_cancels_the_job(evaluator):
    async def program() -> dcp.Results:
        results = run(evaluator, [0], "() => { for (;;); }", sandboxes=1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(results, 0.1)
        return results

    with pytest.raises(dcp.JobCancelledError):
        asyncio.run(program()).wait(60)


def test_wait_with_a_timeout_and_cancel(evaluator):
    results = run(evaluator, [0], "() => { for (;;); }", sandboxes=1)
    with pytest.raises(TimeoutError, match=r"not done after 0\.1 s"):
        results.wait(timeout=0.1)
    assert not results.done
    results.cancel()
    with pytest.raises(dcp.JobCancelledError, match="cancelled"):
        results.wait(timeout=60)
    assert results.done
    results.cancel()


def test_no_inputs(evaluator):
    job = dcp.compute_for([], "(x) => x")
    states: list[str] = []
    job.on("readystatechange", states.append)
    assert list(job.local_exec(evaluator=evaluator)) == []
    assert states[-1] == "done"


# --- Inputs, work functions, arguments ---


def test_rows_of_a_numpy_array(evaluator):
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    source = "(row) => { if (!(row instanceof Float32Array)) throw new Error('no'); return row.map((x) => 2 * x); }"
    results = run(evaluator, rows, source, sandboxes=2)
    assert all(value.dtype == np.float32 for value in results)
    np.testing.assert_array_equal(np.stack(results), 2 * rows)


@pytest.mark.parametrize("make", [lambda a: a, lambda a: a[:, ::2], lambda a: a[::-1], np.asfortranarray])
@pytest.mark.parametrize("columns", [4, 40_000])
def test_rows_of_any_layout(evaluator, make, columns):
    rows = make(np.arange(5 * columns, dtype=np.int32).reshape(5, columns))
    results = run(evaluator, rows, "(row) => row.map((x) => -x)", sandboxes=2)
    np.testing.assert_array_equal(np.stack(results), -rows)


def test_rows_of_shared_memory(evaluator):
    rows = dcp.shared_empty((6, 30_000), np.float64)
    rows[:] = np.arange(6)[:, None]
    source = "(row) => { const sum = row.reduce((a, b) => a + b); row.fill(-1); return [sum, row]; }"
    for index, (total, row) in enumerate(run(evaluator, rows, source, sandboxes=2)):
        assert total == 30_000 * index
        assert (row == -1).all()
    assert (rows == np.arange(6)[:, None]).all(), "a write in the sandbox came back"


def test_items_of_a_one_dimensional_array_are_numbers(evaluator):
    assert list(run(evaluator, np.array([1.5, -2.5]), "(x) => typeof x + x")) == ["number1.5", "number-2.5"]


@pytest.mark.parametrize(
    "source",
    [
        "(x, y) => x + y",
        "async (x, y) => x + y",
        "function (x, y) { return x + y; }",
        "function add(x, y) { return x + y; }",
        "async function add(x, y) { await null; return x + y; }",
        "(x, y) => x + y; // the sum",
        "// adds\n(x, y) => x + y;\n",
        "(x, y) => ({ then(resolve) { resolve(x + y); } })",
        "const add = (x, y) => x + y;\n(x, y) => add(x, y);",
    ],
)
def test_kinds_of_work_functions(evaluator, source):
    assert list(run(evaluator, [1, 2], source, 10, sandboxes=1)) == [11, 12]


@pytest.mark.parametrize("convert", [str, Path])
def test_a_work_function_in_a_file(evaluator, tmp_path, convert):
    path = tmp_path / "work.js"
    path.write_text(
        "// Ünïcödé ✓\n(x) => {\n  if (x === 2) throw new RangeError('✗');\n  return x;\n}\n", encoding="utf-8"
    )
    results = run(evaluator, [1, 2], convert(path), sandboxes=1)
    assert results[0] == 1
    with pytest.raises(dcp.SliceError) as caught:
        results[1]
    assert caught.value.message == "✗"
    assert f"{path}:3" in caught.value.stack


def test_arguments_and_public(evaluator):
    job = dcp.compute_for([1], "(x, a, b, c) => [x, a, b, c, work.job.public]", {"k": [None]}, b"\x01", np.float32([2]))
    job.public = {"name": "test", "n": 2**60}
    x, a, b, c, public = job.local_exec(1, evaluator=evaluator)[0]
    assert (x, a, b, c.tolist(), public) == (1, {"k": [None]}, b"\x01", [2.0], {"name": "test", "n": 2**60})


def test_slices_of_a_sandbox_share_their_global(evaluator):
    source = "(x) => { globalThis.seen = (globalThis.seen ?? 0) + 1; return globalThis.seen; }"
    assert list(run(evaluator, range(5), source, sandboxes=1)) == [1, 2, 3, 4, 5]
    assert list(run(evaluator, range(1), source, sandboxes=1)) == [1], "jobs share nothing"


# --- Many, and at once ---


def test_two_jobs_at_once(evaluator):
    values: dict[int, list[int]] = {}

    def program(factor: int) -> None:
        values[factor] = list(run(evaluator, range(50), "(x, f) => x * f", factor, sandboxes=2))

    threads = [threading.Thread(target=program, args=(factor,)) for factor in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == {2: [2 * x for x in range(50)], 3: [3 * x for x in range(50)]}


def test_a_job_can_run_again(evaluator):
    job = dcp.compute_for([1, 2], "(x) => x + 1")
    assert list(job.local_exec(1, evaluator=evaluator)) == list(job.local_exec(1, evaluator=evaluator)) == [2, 3]
    assert job.metrics.slices == 2


def test_the_default_evaluator():
    assert list(dcp.compute_for([1], "(x) => x").local_exec()) == [1]
    assert list(dcp.compute_for([2], "(x) => x").local_exec()) == [2]


def test_a_closed_evaluator_ends_its_jobs_and_takes_no_more():
    with dcp.Evaluator() as evaluator:
        assert repr(evaluator) == f"<dcp_evaluator.Evaluator {evaluator.engine}>"
        results = run(evaluator, [0], "() => { for (;;); }", sandboxes=1)
        time.sleep(0.1)
    with pytest.raises(dcp.JobCancelledError):
        results.wait(60)
    assert repr(evaluator) == f"<dcp_evaluator.Evaluator {evaluator.engine} closed>"
    with pytest.raises(dcp.JobError, match="evaluator is closed"):
        run(evaluator, [0], "(x) => x").wait(60)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_many_slices_in_bounded_memory(evaluator):
    count = 20_000

    gc.collect()
    before = _resident_bytes()
    job = dcp.compute_for((bytes(10_000) for _ in range(count)), "(x) => x.byteLength")
    ahead = 0

    def observe(event: dcp.StatusEvent) -> None:
        nonlocal ahead
        ahead = max(ahead, event.distributed - event.computed)

    job.on("status", observe)
    results = job.local_exec(1, evaluator=evaluator).wait()
    assert len(results) == count
    assert set(results) == {10_000}
    assert ahead <= 1000, "inputs are read as sandboxes have room for them"
    assert _resident_bytes() - before < 40 << 20, "of 200 MB of inputs"
