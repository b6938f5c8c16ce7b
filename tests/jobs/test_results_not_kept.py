"""Results of jobs that were started with ``keep=False``: each is taken once, the run waits for whoever takes them."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import dcp_evaluator as dcp
from process_tree import children, cpu_seconds, is_running, kill
from zygote_control import wait_until

FAILING = "(x, every) => { if (x % every === 0) throw new RangeError(`not <${x}>`); return 10 * x; }"
MANY = 30_000
"""More than may wait to be taken."""
MOST = 10_000
AHEAD = 2 * 256
"""Slices that two sandboxes may have been given when the run comes to rest."""
MIB = 1 << 20


def start(evaluator: dcp.Evaluator, inputs: Any, source: Any = "(x) => x", count: int = 2, *arguments: Any) -> Any:
    return dcp.compute_for(inputs, source, *arguments).local_exec(count, evaluator=evaluator, keep=False)


class Counted:
    """Inputs that count how many of them were taken."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken = 0

    def __iter__(self) -> Iterator[int]:
        for index in range(self.count):
            self.taken += 1
            yield index


def wait_for_rest(inputs: Counted, results: dcp.Results, least: int) -> None:
    """Until the run takes no more of its inputs, all that it took have arrived."""
    wait_until(lambda: inputs.taken >= least and results.job.metrics.slices == inputs.taken, "the run rests")


# --- Ways to read ---


def test_each_value_is_taken_once(evaluator):
    assert list(start(evaluator, range(5000))) == list(range(5000))
    assert list(start(evaluator, range(5000)).items()) == [(index, index) for index in range(5000)]
    assert sorted(start(evaluator, range(5000)).as_completed()) == [(index, index) for index in range(5000)]
    assert list(start(evaluator, iter(range(3)))) == [0, 1, 2]
    assert list(start(evaluator, [])) == []


def test_the_same_without_blocking(evaluator):
    async def read() -> tuple[Any, ...]:
        values = [value async for value in start(evaluator, range(500))]
        pairs = [pair async for pair in start(evaluator, range(500)).items()]
        return values, pairs, [pair async for pair in start(evaluator, range(500)).as_completed()]

    values, pairs, arrived = asyncio.run(read())
    assert values == list(range(500))
    assert pairs == sorted(arrived) == [(index, index) for index in range(500)]


def test_a_loop_that_is_left_reads_on_with_its_iterator(evaluator):
    pairs = start(evaluator, range(100)).items()
    assert next(pairs) == (0, 0)
    assert [index for index, _ in pairs] == list(range(1, 100))


def test_threads_share_an_iterator(evaluator):
    values = iter(start(evaluator, range(MANY)))
    taken: list[list[Any]] = [[], []]
    threads = [threading.Thread(target=mine.extend, args=[values]) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken[0] + taken[1]) == list(range(MANY))


def test_how_the_job_goes_is_told_as_ever(evaluator):
    results = start(evaluator, range(4))
    assert len(results) == 4
    assert list(results) == [0, 1, 2, 3]
    assert results.done
    assert repr(results.wait()) == "<dcp_evaluator.Results done, 4 of 4 arrived, 0 failed>"
    assert "<td>4 of 4</td><td>0</td>" in results._repr_html_()
    assert results.job.metrics.slices == 4
    assert results.job.metrics.wall > 0


# --- What is gone ---


@pytest.mark.parametrize(
    ("what", "read", "instead"),
    [
        (r"results\[i\]", lambda results: results[0], "as it comes"),
        (r"results\[i\]", lambda results: results[1:], "as it comes"),
        (r"results\[i\]", lambda results: next(reversed(results)), "as it comes"),
        (r"values\(\)", lambda results: results.values(default=None), "as it comes"),
        ("await", lambda results: asyncio.run(_awaited(results)), "as it comes"),
        (r"len\(\)", len, "count the values"),
        ("metrics", lambda results: results.metrics, r"job\.metrics has the sums"),
        (r"to_dataframe\(\)", lambda results: results.to_dataframe(), r"job\.metrics has the sums"),
    ],
)
def test_what_needs_all_results_says_what_to_use_instead(evaluator, what, read: Callable[[Any], Any], instead):
    has_read = threading.Event()

    def unsized() -> Iterator[int]:
        yield from range(2)
        has_read.wait(60)  # len() is known once the last has arrived
        yield 2

    results = start(evaluator, unsized() if what == r"len\(\)" else range(3))
    with pytest.raises(
        dcp.NotKeptError, match=rf"started with keep=False: {what} would need what is gone; .*{instead}"
    ):
        read(results)
    has_read.set()
    assert list(results) == [0, 1, 2]


async def _awaited(results: Any) -> Any:
    return await results


def test_a_second_loop(evaluator):
    results = start(evaluator, range(3))
    values = iter(results)
    for read in (iter, dcp.Results.items, dcp.Results.as_completed):
        with pytest.raises(dcp.NotKeptError, match=r"keep=False: a loop takes its results already; keep one iterator"):
            read(results)
    with pytest.raises(ValueError, match="errors is one of"):
        results.items(errors="ignore")
    assert list(values) == [0, 1, 2]
    del values
    with pytest.raises(dcp.NotKeptError, match=r"keep=False: each of its results has been taken; .* keep=True"):
        list(results)


def test_after_a_loop_that_was_left_the_job_goes_on_and_nothing_waits(evaluator):
    results = start(evaluator, range(MANY))
    for value in results:
        if value == 5:
            break
    results.wait(60)
    assert results.job.metrics.slices == MANY
    with pytest.raises(dcp.NotKeptError, match=r"keep=False: the loop that took its results was left"):
        next(iter(results))


def test_a_loop_that_is_left_wakes_a_run_that_rests(evaluator):
    inputs = Counted(MANY)
    results = start(evaluator, inputs)
    pairs = results.as_completed()
    wait_for_rest(inputs, results, MOST)
    around = [pairs]
    around.append(around)  # which the garbage collector finds, wherever it runs
    del pairs, around
    gc.collect()
    wait_until(lambda: results.done, "the job ends")
    assert results.job.metrics.slices == MANY


# --- Nobody reads ---


@pytest.mark.parametrize("wait", [lambda results: results.wait(60), lambda results: results.progress(sys.stderr)])
def test_waiting_without_a_loop_lets_go_of_all(evaluator, wait):
    inputs = Counted(MANY)
    results = start(evaluator, inputs)
    wait_for_rest(inputs, results, MOST)
    assert wait(results) is results
    assert results.job.metrics.slices == MANY
    with pytest.raises(dcp.NotKeptError, match=r"keep=False: wait\(\) or progress\(\) without a loop lets go"):
        results.as_completed()


def test_callbacks_get_all_results_and_nothing_waits_for_others(evaluator):
    seen: list[int] = []
    job = dcp.compute_for(range(MANY), "(x) => x")
    job.on("result", lambda event: seen.append(event.value))
    ended = threading.Event()
    job.on("complete", lambda results: ended.set())
    results = job.local_exec(2, evaluator=evaluator, keep=False)
    assert ended.wait(60)
    assert sorted(seen) == list(range(MANY))
    with pytest.raises(dcp.NotKeptError, match='keep=False: callbacks of the event "result" get its results'):
        list(results)


def test_waiting_for_ones_own_loop(evaluator):
    inputs = Counted(MANY)
    results = start(evaluator, inputs)
    values = iter(results)
    assert next(values) == 0
    for wait in (results.wait, results.progress):
        with pytest.raises(dcp.NotKeptError, match=r"keep=False: too many results wait .* read on instead, or cancel"):
            wait()
    assert list(values) == list(range(1, MANY))
    results.wait(60)


def test_waiting_for_the_loop_of_another_thread(evaluator):
    results = start(evaluator, range(MANY))
    taken: list[Any] = []
    thread = threading.Thread(target=taken.extend, args=[results.items()])
    thread.start()
    results.wait(60)
    thread.join()
    assert len(taken) == MANY


# --- The run waits ---


@pytest.mark.parametrize("read", [iter, dcp.Results.as_completed])
def test_no_more_slices_are_taken_while_many_results_wait(evaluator, read):
    inputs = Counted(MANY)
    results = start(evaluator, inputs)
    reader = read(results)
    wait_for_rest(inputs, results, MOST)
    assert inputs.taken <= MOST + AHEAD
    before = inputs.taken
    for _ in range(100):
        next(reader)
    assert inputs.taken == before, "not before half of them were taken"
    assert len(list(reader)) == MANY - 100
    assert inputs.taken == MANY


def test_large_results_are_fewer(evaluator):
    inputs = Counted(100)
    results = start(evaluator, inputs, "(x) => [{ part: 'x'.repeat(8 << 20) }]")
    values = iter(results)
    wait_for_rest(inputs, results, 32)
    assert inputs.taken < 100
    results.cancel()
    arrived = 0
    with pytest.raises(dcp.JobCancelledError):
        for value in values:
            arrived += 1
            assert len(value[0]["part"]) == 8 * MIB
    assert arrived >= 32, "what has arrived stays"


def busy_child(zygote: int) -> int:
    """The sandbox that computes while the others rest; one that waits might just be given its slice."""
    before = {pid: cpu_seconds(pid) for pid in children(zygote)}

    def busy() -> list[int]:
        return [pid for pid in before if cpu_seconds(pid) > before[pid]]

    wait_until(lambda: bool(busy()), "one is busy")
    return busy()[0]


def test_the_slice_that_the_reader_waits_for_runs_again_while_others_are_too_many():
    """It ends, for want of retries, long after the run has come to rest."""
    others = set(children(os.getpid()))
    source = "(x) => { if (x === 0) { progress(); for (;;); } return x; }"
    inputs, runs = Counted(MANY), threading.Semaphore(0)
    with dcp.Evaluator() as evaluator:
        job = dcp.compute_for(inputs, source)
        job.on("progress", lambda event: runs.release())
        results = job.local_exec(2, evaluator=evaluator, retries=1, keep=False)
        pairs = results.items(errors="yield")
        for _ in range(2):
            assert runs.acquire(timeout=60)
            wait_until(lambda: job.metrics.slices >= MOST and job.metrics.slices == inputs.taken - 1, "the run rests")
            (zygote,) = (pid for pid in set(children(os.getpid())) - others if is_running(pid))
            kill(busy_child(zygote), "dcp-sandbox")
        index, error = next(pairs)
        assert (index, error.code) == (0, "ESANDBOX")
        assert list(pairs) == [(index, index) for index in range(1, MANY)]


# --- Slices and jobs that fail ---


def test_what_becomes_of_failed_slices_in_each_way_to_read(evaluator):
    good = [(index, 10 * index) for index in (1, 3)]
    for read in (dcp.Results.items, dcp.Results.as_completed):
        assert sorted(read(start(evaluator, range(4), FAILING, 2, 2), errors="skip")) == good
        outcomes = dict(read(start(evaluator, range(4), FAILING, 2, 2), errors="yield"))
        assert [outcomes[index].index for index in (0, 2)] == [0, 2]
        assert (outcomes[1], outcomes[3]) == (10, 30)


def test_reading_in_order_goes_on_after_a_failed_slice(evaluator):
    results = start(evaluator, range(4), FAILING, 2, 2)
    values = iter(results)
    for index in (0, 2):
        with pytest.raises(dcp.SliceError, match=f"slice {index}: RangeError: not <{index}>"):
            next(values)
        assert next(values) == 10 * (index + 1)
    assert list(values) == []
    assert set(results.errors) == {0, 2}


def test_all_failures_are_told_and_of_many_the_first_are_kept(evaluator):
    results = start(evaluator, range(4000), FAILING, 2, 2)
    pairs = results.as_completed()
    arrived = []
    with pytest.raises(dcp.SliceErrorGroup, match="2000 of 4000 slices failed; the first 1000 of them") as caught:
        arrived.extend(pairs)
    assert len(arrived) == 2000
    assert len(caught.value.exceptions) == 1000
    assert repr(results) == "<dcp_evaluator.Results done, 4000 of 4000 arrived, 2000 failed>"
    assert "and 1990 more" in results._repr_html_()
    with pytest.raises(dcp.NotKeptError, match=r"only 1000 errors of 2000 failed slices are kept; .*errors=.yield"):
        dict(results.errors)


def test_long_errors_are_fewer(evaluator):
    results = start(evaluator, range(40), "() => { throw new Error('x'.repeat(1 << 20)); }")
    with pytest.raises(dcp.SliceErrorGroup, match=r"40 of 40 slices failed; the first 1\d of them"):
        list(results.as_completed())


def test_a_job_that_fails(evaluator):
    with pytest.raises(dcp.JobError, match="SyntaxError"):
        list(start(evaluator, range(3), "(x) => {"))
    job = dcp.compute_for(range(MANY), FAILING, 1)
    results = job.local_exec(1, evaluator=evaluator, keep=False, on_error="stop")
    with pytest.raises(dcp.SliceError, match="slice 0: RangeError"):
        results.wait(60)


# --- Memory ---

_TAKE_ALL = """
import dcp_evaluator as dcp

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def read(count):
    failing = "(x) => { if (x % 10 === 0) throw new Error(`no ${x}`); return x; }"
    results = dcp.compute_for(range(count), failing).local_exec(1, evaluator=evaluator, keep=False)
    return sum(1 for pair in results.WAY(errors="skip"))

with dcp.Evaluator() as evaluator:
    read(20_000)
    before = resident()
    assert read(200_000) == 180_000
    print(resident() - before)
"""


@pytest.mark.parametrize("way", ["items", "as_completed"])
def test_the_memory_of_the_program_does_not_grow_with_the_slices(way):
    """All of them would take more than 60 MiB."""
    run = subprocess.run(
        [sys.executable, "-c", _TAKE_ALL.replace("WAY", way)], capture_output=True, text=True, check=False
    )
    assert re.fullmatch(r"-?\d+\n", run.stdout), run.stderr
    assert int(run.stdout) < 8 * MIB
