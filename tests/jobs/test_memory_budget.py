"""max_memory: what all sandboxes of an evaluator may take together."""

from __future__ import annotations

import pytest

import dcp_evaluator as dcp
from cli_driver import one_message, run
from dcp_evaluator.sandboxes.memory_budget import MemoryBudget
from dcp_evaluator.settings import memory
from dcp_evaluator.settings.settings import Settings

MIB = 1 << 20


@pytest.mark.any_engine
def test_each_job_gets_what_is_left_and_one_sandbox_at_least() -> None:
    budget = MemoryBudget(Settings(max_memory=1000 * MIB))
    assert budget.reserve(64, None) == 64
    assert budget.reserve(3, 200 * MIB) == 3
    assert budget.reserve(3, 200 * MIB) == 2
    assert budget.reserve(3, 200 * MIB) == 1
    budget.release(3, 200 * MIB)
    budget.release(1, 200 * MIB)
    assert budget.reserve(9, 100 * MIB) == 6


@pytest.mark.any_engine
def test_sandboxes_share_it_where_nobody_has_said() -> None:
    for total, given in ((100 << 30, False), (4 << 30, True)):
        budget = MemoryBudget(Settings(max_memory=total if given else None))
        budget.total = total
        assert budget.limit(1) is None
        assert budget.limit(40 if given else 200) == (64 * MIB if given else 512 * MIB)
    assert budget.limit(4) == 1 << 30


@pytest.mark.any_engine
def test_three_quarters_of_the_machine_unless_given() -> None:
    assert Settings().max_memory == memory.of_machine() // 4 * 3
    assert Settings(max_memory=100 * MIB).with_engine("v8").max_memory == 100 * MIB
    with pytest.raises(ValueError, match=r"^max_memory is a number of bytes, 64 MiB or more, not 1$"):
        dcp.Evaluator(max_memory=1)


def test_fewer_sandboxes_run_where_their_limits_do_not_fit(capfd: pytest.CaptureFixture[str]) -> None:
    running: set[int] = set()
    most = [0]
    work = "async (x) => { progress(0); await new Promise((done) => setTimeout(done, 200)); progress(1); return x; }"
    with dcp.Evaluator(64 * MIB, max_memory=150 * MIB) as evaluator:
        job = dcp.compute_for(range(6), work)
        job.on("progress", lambda event: running.add(event.index) if event.value == 0 else running.discard(event.index))
        job.on("progress", lambda event: most.append(len(running)))
        assert list(job.local_exec(4, evaluator=evaluator)) == list(range(6))
    assert max(most) == 2
    assert capfd.readouterr().err == (
        "dcp-evaluator: a job has 2 of 4 sandboxes at a time: with their memory limit, more would pass the memory for "
        "all together; lower memory_limit, or raise max_memory\n"
    )


def test_a_limit_above_the_sum_is_refused() -> None:
    message = "the memory limit of a sandbox is 200 MiB, more than the 100 MiB for all together; lower the first"
    with pytest.raises(ValueError, match=message):
        dcp.Evaluator(200 * MIB, max_memory=100 * MIB)
    with dcp.Evaluator(max_memory=100 * MIB) as evaluator, pytest.raises(ValueError, match=message):
        dcp.compute_for([1], "(x) => x").local_exec(evaluator=evaluator, memory_limit=200 * MIB)
    done = run("--max-memory", "100", "--memory-limit", "200", __file__)
    assert message in one_message(done, 2)


def test_sandboxes_without_a_limit_take_no_more(evaluator: dcp.Evaluator) -> None:
    fill = "(size) => { const kept = []; for (let i = 0; i < size; i++) kept.push(new Uint8Array(1 << 20).fill(1)); }"
    with dcp.Evaluator(max_memory=200 * MIB) as small:
        results = dcp.compute_for([1000, 10], fill).local_exec(1, evaluator=small, retries=0).wait(60)
    assert set(results.errors) == {0}
    assert list(dcp.compute_for([1000], fill).local_exec(1, evaluator=evaluator)) == [None]
