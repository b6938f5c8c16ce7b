"""Small simulated networks of any kind: all slices end, each once, nobody starves, and it takes no longer than it must
by much.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation import Job, Simulation, Worker

from dcp_scheduler.scheduling.allotment import TASK_SECONDS

pytestmark = pytest.mark.any_engine

SECONDS = st.one_of(st.floats(0.1, 10), st.floats(10, 1000))
WORKERS = st.lists(
    st.tuples(
        st.integers(1, 4), st.floats(0.25, 4), st.sampled_from((0.0, 0.0, 0.2, 1.0)),
        st.one_of(st.none(), st.floats(0, 3000)),
    ),
    max_size=12,
)  # fmt: skip
JOBS = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(SECONDS, min_size=1, max_size=30), st.sampled_from((0.5, 1.0, 4.0))),
    min_size=1, max_size=6,
)  # fmt: skip
EVEN_JOBS = st.lists(
    st.builds(
        lambda owner, mean, parts: (owner, [mean * part for part in parts], 1.0),
        st.sampled_from("abc"), SECONDS, st.lists(st.floats(0.5, 2), min_size=1, max_size=30),
    ),
    min_size=1, max_size=6,
)  # fmt: skip


def simulated(workers: list[Any], jobs: list[Any], seed: int) -> Simulation:
    """With one worker more, that always works."""
    able = [Worker("able", 2, 1.0)]
    others = [
        Worker(f"w{number}", cores, speed, fails, float("inf") if dies is None else dies)
        for number, (cores, speed, fails, dies) in enumerate(workers)
    ]
    return Simulation(
        [*able, *others],
        [Job(number, owner, work, weight) for number, (owner, work, weight) in enumerate(jobs)],
        seed,
    )


@settings(max_examples=60, deadline=None)
@given(WORKERS, JOBS, st.integers(0, 1000))
def test_all_slices_end_each_once(workers: list[Any], jobs: list[Any], seed: int) -> None:
    simulation = simulated(workers, jobs, seed)
    simulation.run(until=1e6)
    for job in simulation.jobs.values():
        assert job.done == set(range(len(job.work)))
        assert (job.out, job.waiting) == (0, [])
    assert simulation.results == sum(len(job.work) for job in simulation.jobs.values())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.floats(0.5, 2)), max_size=8), EVEN_JOBS, st.integers(0, 1000))
def test_workers_that_work_are_not_idle_for_long(workers: list[Any], jobs: list[Any], seed: int) -> None:
    """List scheduling's bound (Graham), with what tasks' queues and the pauses between questions add, where slices of a
    job take about the same.
    """
    simulation = simulated([(cores, speed, 0.0, None) for cores, speed in workers], jobs, seed)
    simulation.run(until=1e6)
    end = max(job.ended or 1e6 for job in simulation.jobs.values())
    work = sum(sum(job.work) for job in simulation.jobs.values())
    speed = sum(worker.cores * worker.speed for worker in simulation.workers)
    longest = max(max(job.work) for job in simulation.jobs.values()) / min(each.speed for each in simulation.workers)
    assert end <= work / speed + 2 * longest + 4 * TASK_SECONDS


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.lists(st.integers(1, 20), min_size=2, max_size=4), st.integers(0, 1000))
def test_owners_get_the_same(workers: int, counts: list[int], seed: int) -> None:
    """Whatever their number of jobs, while all of them have work."""
    jobs = [(f"{owner}", [10.0] * (4000 // count)) for owner, count in enumerate(counts) for _ in range(count)]
    simulation = Simulation(
        [Worker(f"w{number}", 1 + number % 3) for number in range(workers)],
        [Job(number, owner, work) for number, (owner, work) in enumerate(jobs)],
        seed,
    )
    simulation.run(until=5000)
    had = dict.fromkeys((owner for owner, _ in jobs), 0.0)
    for owner, begun, ended, speed in simulation.spans:
        had[owner] += (ended - begun) * speed
    assert max(had.values()) - min(had.values()) <= 0.1 * sum(had.values()) / len(had) + 3 * TASK_SECONDS
