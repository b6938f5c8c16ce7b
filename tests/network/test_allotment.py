"""Which slices a worker gets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_scheduler.model.requirements import Requirements
from dcp_scheduler.model.work_request import FetchState, WorkRequest
from dcp_scheduler.scheduling.allotment import MOST_SLICES, TASK_SECONDS, Candidate, allot, suits

pytestmark = pytest.mark.any_engine

REQUEST = WorkRequest(
    dialect=5, worker="w", owner="0xo", session="s", state=FetchState.NORMAL, room=1.0,
    has=Requirements.FDLIBM, worktimes={"map-basic": ["1.0.0"]},
)  # fmt: skip
JOB = Candidate(
    job=1, names=frozenset(("0xj", "job")), owner="0xc", groups=frozenset((1,)), needs=Requirements.NONE,
    worktime="map-basic", versions="^1.0.0", discrete=False, local=False, cpu=1000.0, gpu=0.0, quota=1000,
)  # fmt: skip
GROUPS = frozenset((1,))


def counts(request: WorkRequest, *jobs: Candidate) -> dict[int, int]:
    return {share.job: share.slices for share in allot(request, GROUPS, jobs)}


def test_work_for_three_minutes_on_each_core() -> None:
    assert counts(REQUEST, JOB) == {1: TASK_SECONDS}
    assert counts(replace(REQUEST, room=2.0), JOB) == {1: 2 * TASK_SECONDS}
    assert counts(replace(REQUEST, quanta=2.0), JOB) == {1: TASK_SECONDS // 2}
    assert counts(REQUEST, replace(JOB, cpu=0.01)) == {1: MOST_SLICES}


def test_jobs_share_the_room() -> None:
    assert counts(REQUEST, JOB, replace(JOB, job=2), replace(JOB, job=3, quota=1)) == {1: 60, 2: 60, 3: 1}


def test_a_long_slice_for_each_core() -> None:
    assert counts(replace(REQUEST, room=3.0), replace(JOB, cpu=1e9)) == {1: 1}
    assert counts(replace(REQUEST, room=3.0), replace(JOB, cpu=None)) == {1: 3}


@pytest.mark.parametrize(
    ("request_", "job"),
    [
        (REQUEST, replace(JOB, groups=frozenset((2,)))),
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
    ],
)
def test_jobs_that_do_not_suit(request_: WorkRequest, job: Candidate) -> None:
    assert not suits(request_, GROUPS, job)
    assert counts(request_, job) == {}


def test_a_local_job_goes_to_the_worker_of_its_owner_that_names_it() -> None:
    job = replace(JOB, local=True, owner="0xo", groups=frozenset())
    assert counts(replace(REQUEST, only=frozenset(("job",))), job) == {1: TASK_SECONDS}


@given(
    st.lists(
        st.builds(
            replace, st.just(JOB), job=st.integers(), quota=st.integers(0, 10**9),
            cpu=st.one_of(st.none(), st.floats(0, 1e9)),
        ),
        max_size=20, unique_by=lambda job: job.job,
    ),
    st.floats(0, 1024),
)  # fmt: skip
def test_no_worker_gets_more_than_it_can_hold(jobs: list[Candidate], room: float) -> None:
    shares = allot(replace(REQUEST, room=room), GROUPS, jobs)
    quotas = {job.job: job.quota for job in jobs}
    assert sum(share.slices for share in shares) <= MOST_SLICES
    assert all(share.slices <= quotas[share.job] for share in shares)
