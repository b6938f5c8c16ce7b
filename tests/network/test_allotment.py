"""Which slices a worker gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_scheduler.model.measured import Measured, Rates
from dcp_scheduler.model.requirements import Requirements
from dcp_scheduler.model.work_request import FetchState, WorkRequest
from dcp_scheduler.scheduling.allotment import MOST_SLICES, TASK_SECONDS, Share, allot
from dcp_scheduler.scheduling.candidate import Candidate
from dcp_scheduler.scheduling.fairness import Fairness
from dcp_scheduler.scheduling.suitability import suits

pytestmark = pytest.mark.any_engine

REQUEST = WorkRequest(
    dialect=5, worker="w", owner="0xo", session="s", state=FetchState.NORMAL, room=1.0,
    has=Requirements.FDLIBM, worktimes={"map-basic": ["1.0.0"]},
)  # fmt: skip
SECOND = Measured(cpu=1000.0, cpu_density=1.0)
JOB = Candidate(
    job=1, names=frozenset(("0xj", "job")), owner="0xc", groups=frozenset((1,)), needs=Requirements.NONE,
    worktime="map-basic", versions="^1.0.0", mean=SECOND, quota=1000,
)  # fmt: skip
GROUPS = frozenset((1, 2))


def shares(request: WorkRequest, *jobs: Candidate) -> list[Share]:
    return allot(request, GROUPS, jobs, Fairness(), 0.0)


def counts(request: WorkRequest, *jobs: Candidate) -> dict[int, int]:
    return {share.job: share.slices for share in shares(request, *jobs)}


def taking(milliseconds: float) -> Measured:
    return Measured(cpu=milliseconds, cpu_density=1.0)


def test_work_for_three_minutes_on_each_core() -> None:
    assert counts(REQUEST, JOB) == {1: TASK_SECONDS}
    assert counts(replace(REQUEST, room=2.0), JOB) == {1: 2 * TASK_SECONDS}
    assert counts(REQUEST, replace(JOB, mean=taking(0.01))) == {1: MOST_SLICES}
    (share,) = shares(replace(REQUEST, room=2.0), JOB)
    assert TASK_SECONDS <= share.seconds <= TASK_SECONDS + 1


def test_what_a_slice_takes_this_worker() -> None:
    assert counts(replace(REQUEST, quanta=2.0), JOB) == {1: TASK_SECONDS // 2}
    assert counts(replace(REQUEST, quanta=2.0, known_cpu={"job": 500.0}), JOB) == {1: 2 * TASK_SECONDS}
    waits = replace(JOB, mean=Measured(cpu=100.0, cpu_density=0.1))
    assert counts(REQUEST, waits) == {1: TASK_SECONDS}


def test_jobs_share_the_room() -> None:
    had = counts(REQUEST, JOB, replace(JOB, job=2), replace(JOB, job=3, quota=1))
    assert had == {1: pytest.approx(TASK_SECONDS / 2, abs=2), 2: pytest.approx(TASK_SECONDS / 2, abs=2), 3: 1}


def test_a_long_slice_for_each_core() -> None:
    request = replace(REQUEST, room=3.0, long_slices=3)
    for mean in (taking(1e9), None):
        (share,) = shares(request, replace(JOB, mean=mean))
        assert (share.slices, share.is_long) == (3, True)
    assert counts(replace(request, room=0.5, long_slices=0), replace(JOB, mean=None)) == {1: 1}
    assert sum(counts(request, replace(JOB, mean=None), replace(JOB, job=2, mean=taking(1e9))).values()) == 3


def test_no_more_for_gpus_than_there_are() -> None:
    job = replace(JOB, needs=Requirements.WEBGPU, mean=Measured(1000.0, 1000.0, 0.5, 0.5))
    request = replace(REQUEST, has=Requirements.WEBGPU, room=8.0)
    assert counts(request, job) == {}
    assert counts(replace(request, gpu=1.0), job)[1] <= TASK_SECONDS / 2
    assert counts(replace(request, gpu=1.0), replace(job, mean=None)) == {1: 1}


def test_a_discrete_job_gives_one_slice() -> None:
    assert counts(REQUEST, replace(JOB, discrete=True)) == {1: 1}


@pytest.mark.parametrize(
    ("request_", "job"),
    [
        (REQUEST, replace(JOB, groups=frozenset((3,)))),
        (REQUEST, replace(JOB, groups=frozenset())),
        (REQUEST, replace(JOB, needs=Requirements.WEBGPU)),
        (REQUEST, replace(JOB, needs=Requirements(1 << 20))),
        (REQUEST, replace(JOB, worktime="pyodide")),
        (REQUEST, replace(JOB, versions="^2.0.0")),
        (REQUEST, replace(JOB, versions="no range")),
        (REQUEST, replace(JOB, local=True)),
        (replace(REQUEST, only=frozenset(("another",))), JOB),
        (replace(REQUEST, excluded=frozenset(("job",))), JOB),
        (replace(REQUEST, worked_before=frozenset(("0xj",))), replace(JOB, discrete=True)),
        (replace(REQUEST, only=frozenset(("job",))), replace(JOB, local=True, owner="0xanother")),
        (replace(REQUEST, wage=Rates(cpu=3600.0)), replace(JOB, offer=0.99)),
        (replace(REQUEST, wage=Rates(cpu=3600.0)), replace(JOB, offer=0.0, mean=None)),
        (replace(REQUEST, wage=Rates(size_out=1.0)), replace(JOB, offer=1.0, mean=Measured(size_out=2e6))),
    ],
)
def test_jobs_that_do_not_suit(request_: WorkRequest, job: Candidate) -> None:
    assert not suits(request_, GROUPS, job)
    assert counts(request_, job) == {}


def test_a_worker_takes_what_pays_its_wage_or_is_not_known() -> None:
    request = replace(REQUEST, wage=Rates(cpu=3600.0))
    for job in (replace(JOB, offer=1.01), replace(JOB, offer=None), replace(JOB, offer=0.1, mean=None)):
        assert suits(request, GROUPS, job)


def test_a_local_job_goes_to_the_worker_of_its_owner_that_names_it() -> None:
    job = replace(JOB, local=True, owner="0xo", groups=frozenset())
    assert counts(replace(REQUEST, only=frozenset(("job",))), job) == {1: TASK_SECONDS}


def served(rounds: int, jobs: Sequence[Candidate], fairness: Fairness | None = None) -> Counter[int]:
    """Milliseconds of work that each job has got after so many requests."""
    fairness, had = fairness or Fairness(), Counter[int]()
    work = {job.job: job.work for job in jobs}
    for number in range(rounds):
        for share in allot(REQUEST, GROUPS, jobs, fairness, number * TASK_SECONDS):
            had[share.job] += share.slices * work[share.job]
    return had


def test_an_owner_of_many_jobs_gets_as_much_as_one_of_one() -> None:
    many = [replace(JOB, job=number, owner="0xmany") for number in range(1, 301)]
    had = served(100, [*many, replace(JOB, job=0, owner="0xone", mean=taking(50_000.0), quota=10**6)])
    assert had[0] == pytest.approx(sum(had[number] for number in range(1, 301)), rel=0.05)
    assert min(had[number] for number in range(1, 201)) > 0


def test_groups_share_before_owners_do() -> None:
    public = [replace(JOB, job=number, owner=f"0x{number}") for number in range(1, 10)]
    lab = replace(JOB, job=0, owner="0xlab", groups=frozenset((2,)))
    assert served(200, [*public, lab])[0] == pytest.approx(100 * TASK_SECONDS * 1000, rel=0.05)


def test_shares_are_weighted() -> None:
    jobs = [replace(JOB, job=1, weight=4.0), replace(JOB, job=2), replace(JOB, job=3, owner="0xd")]
    had = served(500, jobs, Fairness({"0xd": 2.0}))
    assert had[1] == pytest.approx(4 * had[2], rel=0.05)
    assert had[3] == pytest.approx(2 * (had[1] + had[2]), rel=0.05)


def test_nobody_pays_for_having_been_alone_and_nobody_for_having_waited() -> None:
    fairness = Fairness()
    served(1000, [JOB], fairness)
    late = replace(JOB, job=2, owner="0xlate")
    had = served(20, [JOB, late], fairness)
    assert abs(had[1] - had[2]) <= 604_000 + 2000 * TASK_SECONDS


JOBS = st.lists(
    st.builds(
        replace, st.just(JOB), job=st.integers(), quota=st.integers(0, 10**9), owner=st.sampled_from("abc"),
        weight=st.sampled_from((0.1, 1.0, 8.0)), groups=st.sampled_from((frozenset((1,)), frozenset((1, 2)))),
        mean=st.one_of(st.none(), st.floats(0, 1e9).map(taking)),
    ),
    max_size=20, unique_by=lambda job: job.job,
)  # fmt: skip


@given(JOBS, st.floats(0, 1024))
def test_no_worker_gets_more_than_it_can_hold(jobs: list[Candidate], room: float) -> None:
    given_ = shares(replace(REQUEST, room=room), *jobs)
    quotas = {job.job: job.quota for job in jobs}
    assert sum(share.slices for share in given_) <= MOST_SLICES
    assert all(0 < share.slices <= quotas[share.job] for share in given_)


LASTING = st.lists(
    st.builds(
        replace, st.just(JOB), job=st.integers(), quota=st.just(10**9), owner=st.sampled_from("abc"),
        weight=st.sampled_from((0.5, 1.0, 2.0)), groups=st.sampled_from((frozenset((1,)), frozenset((1, 2)))),
        mean=st.one_of(st.none(), st.floats(1000, 200_000).map(taking)),
    ),
    max_size=10, unique_by=lambda job: job.job,
)  # fmt: skip


@given(LASTING)
def test_everybody_gets_his_turn(jobs: list[Candidate]) -> None:
    """A worker serves all of them again and again, whatever they weigh and take."""
    fairness = Fairness()
    for _ in range(2):
        waiting, rounds = {job.job for job in jobs}, 0
        while waiting:
            assert rounds < 1000 * len(jobs)
            waiting -= {share.job for share in allot(REQUEST, GROUPS, jobs, fairness, rounds * TASK_SECONDS)}
            rounds += 1
