"""Slices that a worker is late with go to another as well: one result, one payment."""

from __future__ import annotations

import pytest
from desks import Desk

from dcp_scheduler.errors import RefusedError
from dcp_scheduler.jobs import handing
from dcp_scheduler.jobs.status import JobStatus
from dcp_scheduler.ledger import ledger
from dcp_scheduler.scheduling.copies import MOST_HOLDERS, Holding, to_copy

pytestmark = pytest.mark.any_engine


def test_the_first_result_is_taken_and_paid(desk: Desk) -> None:
    job = desk.deploy(2, price=5)
    assert desk.ask("slow") == [(job, 1)]
    assert desk.ask("fast") == [(job, 2)]
    desk.answer("fast", job, 2)
    assert desk.ask("fast") == []
    desk.now += 3600
    assert desk.ask("slow") == []
    assert desk.ask("fast") == [(job, 1)]
    assert desk.ask("third") == []
    assert desk.answer("fast", job, 1) == 5
    assert desk.answer("slow", job, 1) == 0
    assert desk.job(job).status == JobStatus.FINISHED
    assert (desk.earned("fast"), desk.earned("slow")) == (10, 0)
    assert ledger.imbalance(desk.connection) == {}
    assert ledger.balance(desk.connection, desk.job(job).address) == 0


def test_who_is_late_may_still_be_first(desk: Desk) -> None:
    job = desk.deploy(1, price=5)
    desk.ask("slow")
    desk.now += 3600
    assert desk.ask("fast") == [(job, 1)]
    assert desk.answer("slow", job, 1) == 5
    assert desk.answer("fast", job, 1) == 0


def test_a_copy_that_comes_back_leaves_the_other(desk: Desk) -> None:
    job = desk.deploy(2, price=5)
    desk.ask("slow")
    desk.now += 3600
    assert desk.ask("fast") == [(job, 2)], "what nobody has goes first"
    assert desk.ask("third") == [(job, 1)]
    handing.take_back_all(desk.transaction(), "third")
    assert desk.statuses(job) == {1: "copied", 2: "out"}
    handing.take_back_all(desk.transaction(), "slow")
    assert desk.statuses(job) == {1: "waiting", 2: "out"}
    assert (desk.job(job).waiting, desk.job(job).out) == (1, 1)
    assert ledger.balance(desk.connection, desk.job(job).address) == 5
    with pytest.raises(RefusedError, match="does not have this slice"):
        desk.answer("slow", job, 1)
    assert desk.ask("slow") == [(job, 1)]
    assert desk.answer("slow", job, 1) == desk.answer("fast", job, 2) == 5
    assert ledger.imbalance(desk.connection) == {}


def test_a_job_that_is_not_measured_yet_does_not_wait_for_one_worker(desk: Desk) -> None:
    job = desk.deploy(100, estimation=1)
    assert desk.ask("gone") == [(job, 1)]
    assert desk.ask("fast") == []
    desk.now += 11
    assert desk.ask("fast") == [(job, 2)], "as many more as have been out"
    desk.answer("fast", job, 2)
    assert desk.ask("fast") == [(job, number) for number in range(3, 101)]


def test_copies_are_bounded() -> None:
    holders = [Holding(1, 7, f"w{number}") for number in range(MOST_HOLDERS - 1)]
    assert to_copy(holders, "another") == {1: [7]}
    assert to_copy(holders, "w0") == {}
    assert to_copy([*holders, Holding(1, 7, "last")], "another") == {}


def test_each_copy_waits_until_all_before_it_are_late(desk: Desk) -> None:
    job = desk.deploy(1)
    desk.ask("a")
    for worker in ("b", "c"):
        desk.now += 1
        assert desk.ask(worker) == []
        desk.now += 3600
        assert desk.ask(worker) == [(job, 1)]
    desk.now += 3600
    assert desk.ask("d") == []
