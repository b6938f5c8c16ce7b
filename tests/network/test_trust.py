"""Failures: slices go on to others, a bad job ends with a code, a bad worker spoils no job; who is gone loses what it
has.
"""

from __future__ import annotations

import pytest
from desks import SILENCE, Desk

from dcp_scheduler.jobs.status import JobStatus
from dcp_scheduler.scheduling import failures
from dcp_scheduler.scheduling.allotment import MOST_SLICES
from dcp_scheduler.scheduling.trust import Trust

pytestmark = pytest.mark.any_engine

FAULT = "ENOPROGRESS"


def fail_all(desk: Desk, worker: str, rounds: int = 1) -> int:
    """The worker gives back all that it gets. How much that was."""
    count = 0
    for _ in range(rounds):
        for job, number in desk.ask(worker, room=4.0, long_slices=4):
            if desk.job(job).status == JobStatus.RUNNING:
                desk.give_back(worker, job, number, reason=FAULT)
            count += 1
        desk.now += 1
    return count


def test_a_slice_that_fails_everywhere_ends_its_job(desk: Desk) -> None:
    job, other = desk.deploy(1), desk.deploy(10)
    workers = [f"w{number}" for number in range(failures.MOST_OF_SLICE)]
    for worker in workers:
        for of, number in desk.ask(worker, room=2.0, long_slices=2):
            if of == job:
                desk.give_back(worker, of, number, reason=FAULT)
            else:
                desk.answer(worker, of, number)
    assert (desk.job(job).status, desk.job(job).code) == (JobStatus.CANCELLED, FAULT)
    assert desk.job(other).status != JobStatus.CANCELLED


def test_one_worker_alone_is_enough_to_find_a_bad_job(desk: Desk) -> None:
    job = desk.deploy(1)
    assert fail_all(desk, "alone", 2 * failures.MOST_OF_SLICE) == failures.MOST_OF_SLICE
    assert desk.job(job).code == FAULT


def test_a_broken_worker_spoils_no_job_while_there_are_others(desk: Desk) -> None:
    jobs = [desk.deploy(20) for _ in range(3)]
    desk.answer("good", *desk.ask("good")[0])
    for _ in range(200):
        fail_all(desk, "broken")
        for job, number in desk.ask("good"):
            desk.answer("good", job, number)
    assert {desk.job(job).status for job in jobs} == {JobStatus.FINISHED}


def test_who_fails_a_slice_gets_it_again_last(desk: Desk) -> None:
    job = desk.deploy(3)
    desk.ask("other", room=0.0)
    assert desk.ask("first") == [(job, 1)]
    desk.give_back("first", job, 1, reason=FAULT)
    assert desk.ask("first") == [(job, 2)]
    assert desk.ask("other") == [(job, 1)]


@pytest.mark.parametrize("reason", ["EFETCH", "repoMan", "the user wants it so", ""])
def test_reasons_that_blame_nobody(desk: Desk, reason: str) -> None:
    job = desk.deploy(1)
    for _ in range(3 * failures.MOST_OF_SLICE):
        assert desk.ask("w") == [(job, 1)]
        desk.give_back("w", job, 1, reason=reason)
    assert desk.job(job).status == JobStatus.RUNNING


def test_what_a_worker_does_not_have_it_cannot_give_back(desk: Desk) -> None:
    job = desk.deploy(1)
    desk.ask("w")
    for _ in range(2 * failures.MOST_OF_SLICE):
        desk.give_back("another", job, 1, reason=FAULT)
    assert desk.statuses(job) == {1: "out"}


def test_a_slice_that_its_worker_does_not_speak_of_goes_to_others(desk: Desk) -> None:
    job = desk.deploy(2)
    name = desk.jobs[job].id
    assert desk.ask("w", room=2.0, long_slices=2) == [(job, 1), (job, 2)]
    desk.now += SILENCE / 2
    desk.ask("w", room=0.0, alive={name: [1]})
    desk.now += 0.6 * SILENCE
    desk.ask("w", room=0.0, alive={name: [1]})
    assert desk.statuses(job) == {1: "out", 2: "waiting"}
    desk.ask("w", room=0.0)
    desk.now += 1.1 * SILENCE
    desk.ask("w", room=0.0, alive={})
    assert desk.statuses(job) == {1: "waiting", 2: "waiting"}


def test_too_many_failures_end_a_job() -> None:
    assert failures.verdict(1, 50, 49, FAULT) == (
        "ETOOMANYERRORS", "slices have failed 50 times, the last with ENOPROGRESS, and 49 have results",
    )  # fmt: skip
    assert failures.verdict(1, 50, 50, FAULT) is None
    assert failures.verdict(4, 49, 0, FAULT) is None


def test_who_fails_often_gets_less() -> None:
    trust = Trust()
    assert trust.asked("w", 0.0) == MOST_SLICES
    for round_ in range(100):
        trust.failed("w", 1, [round_], 0.0)
        trust.finished("w")
    assert trust.asked("w", 0.0) == pytest.approx(MOST_SLICES / 4, rel=0.1)
    for _ in range(500):
        trust.finished("w")
    assert trust.asked("w", 0.0) == MOST_SLICES


def test_a_suspect_waits_and_is_tried_with_one_slice() -> None:
    trust = Trust()
    trust.asked("good", 0.0)
    assert trust.failed("bad", 1, [1], 0.0)
    assert not trust.failed("bad", 2, [1], 0.0)
    assert [trust.asked("bad", now) for now in (1.0, 59.0, 61.0)] == [0, 0, 1]
    trust.finished("bad")
    assert trust.asked("bad", 62.0) == MOST_SLICES
    assert trust.failed("bad", 3, [1], 0.0)


def test_alone_nobody_is_suspected() -> None:
    trust = Trust()
    for job in range(5):
        assert trust.failed("w", job, [1], 0.0)
    assert trust.asked("w", 1.0) > 1
