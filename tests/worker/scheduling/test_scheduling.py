"""The decisions of a worker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_worker.scheduling.demand import Queue, demand, excess, is_worth_asking
from dcp_worker.scheduling.estimates import JobEstimate
from dcp_worker.scheduling.lifetimes import lifetime
from dcp_worker.scheduling.quanta import Quanta
from dcp_worker.scheduling.room import Limits, Room
from dcp_worker.scheduling.selection import Candidate, next_job
from dcp_worker.tasks.job import JobMetrics
from dcp_worker.tasks.slices import SliceMetrics
from dcp_worker.tasks.task import Lifetimes, SchedulerRules

pytestmark = pytest.mark.any_engine


def estimate(milliseconds: float = 0.0, density: float = 1.0) -> JobEstimate:
    return JobEstimate(JobMetrics(cpu_time=milliseconds, cpu_density=density))


def test_an_estimate_begins_with_the_networks_and_goes_on_with_ours() -> None:
    known = estimate(100, 0.5)
    assert (known.elapsed, known.cpu_density) == (200, 0.5)
    known.learn(SliceMetrics(cpu_time=10, total_time=10))
    assert (known.elapsed, known.cpu_density, known.deviation) == (10, 1, 0)
    known.learn(SliceMetrics(cpu_time=20, total_time=30))
    assert known.elapsed == 20
    assert known.cpu_time == 15
    assert known.deviation == pytest.approx(10)


def test_of_a_job_with_few_slices_left_the_latest_count_less() -> None:
    known = JobEstimate(JobMetrics(last_slice=100, measured_slices=90))
    for milliseconds in (100, 200):
        known.learn(SliceMetrics(cpu_time=milliseconds, total_time=milliseconds))
    assert known.elapsed == pytest.approx(110)


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 1e9)), max_size=20))
def test_estimates_stay_within_bounds(measured: list[tuple[float, float, float]]) -> None:
    known = estimate()
    for cpu, gpu, elapsed in measured:
        known.learn(SliceMetrics(cpu, gpu, elapsed))
    assert 0 < known.cpu_density <= 1
    assert 0 <= known.gpu_density <= 1
    assert known.elapsed is None or known.elapsed >= 1


def test_quanta_are_the_ratio_to_the_network_in_steps_of_a_32nd() -> None:
    fast = estimate(100)
    assert Quanta(gpu=False).of([("a", fast)]) == {"0": 1.0}
    fast.learn(SliceMetrics(cpu_time=25, total_time=25))
    quanta = Quanta(gpu=False)
    assert quanta.of([("a", fast)]) == {"0": 0.25, "a": 25}
    assert quanta.of([("a", fast)]) == {"0": 0.25, "a": 25}
    assert quanta.of([]) == {"0": 1.0}


@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_quanta_have_bounds(here: float, elsewhere: float) -> None:
    known = estimate(elsewhere)
    known.learn(SliceMetrics(cpu_time=here, total_time=here))
    ratio = Quanta(gpu=False).of([("a", known)])["0"]
    assert 1 / 8 <= ratio <= 8
    assert ratio * 32 == int(ratio * 32)


def test_the_longest_job_that_does_not_run_comes_first_then_the_one_with_the_least_share() -> None:
    room = Room(Limits(8, 0, 8))
    short, long = estimate(10), estimate(1000)
    assert next_job([Candidate("short", short, 0), Candidate("long", long, 0)], room) == "long"
    assert next_job([Candidate("short", short, 0), Candidate("long", long, 1)], room) == "short"
    assert next_job([Candidate("short", short, 2), Candidate("long", long, 1)], room) == "long"
    assert next_job([Candidate("short", short, 1), Candidate("long", long, 1)], room) == "short"
    ending = Candidate("ending", long, 1, is_almost_done=True)
    assert next_job([Candidate("short", short, 1), ending], room) == "ending"
    assert next_job([], room) is None


def test_long_slices_wait_only_for_short_ones() -> None:
    room = Room(Limits(2, 0, 8))
    room.take(estimate(density=0.5), is_long=True)
    long, short = Candidate("long", estimate(), 1, is_long=True), Candidate("short", estimate(), 3)
    assert next_job([long, short], room) == "short"
    assert next_job([long], room) == "long"


def test_a_full_machine_and_a_gpu_that_is_away_take_nothing() -> None:
    full = Room(Limits(1, 1, 8))
    full.take(estimate(), is_long=False)
    assert next_job([Candidate("a", estimate(), 1)], full) is None
    on_gpu = Candidate("g", JobEstimate(JobMetrics(), uses_gpu=True), 0, uses_gpu=True)
    assert next_job([on_gpu], Room(Limits(1, 1, 8))) == "g"
    assert next_job([on_gpu], Room(Limits(1, 0, 8))) is None
    assert next_job([on_gpu], Room(Limits(1, 1, 8), gpu_rests=True)) is None
    assert next_job([on_gpu], Room(Limits(2, 1, 8), gpu=0.5)) is None


def test_what_is_missing_for_the_time_ahead_is_asked_for() -> None:
    limits = Limits(2, 1, 4)
    second = estimate(1000)
    assert demand([], limits, 20_000).cpu == 2
    assert demand([Queue(second, 10, ())], limits, 20_000).cpu == 2
    assert not is_worth_asking(demand([Queue(second, 40, ())], limits, 20_000))
    hour = estimate(3_600_000)
    assert demand([Queue(hour, 0, (0.0,))], limits, 20_000).cpu == 1
    assert demand([Queue(hour, 0, (3_590_000.0,))], limits, 20_000).cpu == 2
    assert demand([Queue(hour, 1, (0.0,), is_long=True)], limits, 20_000).cpu == 0
    assert not is_worth_asking(demand([Queue(estimate(), 2, ())], limits, 20_000))
    on_gpu = Limits(4, 2, 4, cpu_rests=True)
    assert is_worth_asking(demand([Queue(second, 20, ())], on_gpu, 20_000))
    assert not is_worth_asking(demand([Queue(second, 40, ())], on_gpu, 20_000))
    none = Limits(0, 0, 4)
    assert not is_worth_asking(demand([], none, 20_000))


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 100), st.lists(st.floats(0, 1e6), max_size=3)), max_size=5),
    st.floats(0, 8),
)
def test_demand_and_excess_have_bounds(jobs: list[tuple[float, int, list[float]]], cores: float) -> None:
    limits = Limits(cores, 0, 8)
    queues = {str(i): Queue(estimate(time), waiting, tuple(ran)) for i, (time, waiting, ran) in enumerate(jobs)}
    assert 0 <= demand(queues.values(), limits, 20_000).cpu <= limits.cores
    returned = excess(queues, limits, 360_000)
    assert all(0 < count <= queues[job].waiting for job, count in returned.items())


def test_a_slice_is_overdue_after_the_time_of_its_job_and_some_more() -> None:
    rules = SchedulerRules(target_task_duration=1, lifetimes=Lifetimes(True, 2.0, 3.0, 1.0, 500.0))
    assert lifetime(estimate(8000), 1, rules) == 500 + 3 * (8000 + 1000) * 2 * 2
    assert lifetime(estimate(), 0, rules) is None
    assert lifetime(estimate(8000), 0, SchedulerRules()) is None
    assert lifetime(estimate(1), 0, SchedulerRules(target_task_duration=9, lifetimes=Lifetimes(True))) == 9000
