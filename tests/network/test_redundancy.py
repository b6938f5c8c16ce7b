"""Slices that several workers of different owners do: the majority's result is taken, whoever has it is paid, and who
has not is remembered.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from desks import PAYER, Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from dcp_protocol import kvin
from dcp_protocol.uris.data_uri import encode_data_uri
from dcp_scheduler.administration.audit import findings
from dcp_scheduler.dialects.result_values import kind_among, kind_of
from dcp_scheduler.errors import RefusedError
from dcp_scheduler.jobs import handing, redundancy, results
from dcp_scheduler.jobs.status import JobStatus
from dcp_scheduler.ledger import ledger
from dcp_scheduler.model.submission import Wishes
from dcp_scheduler.scheduling.agreement import judge, majority, most_results

pytestmark = pytest.mark.any_engine

THRICE = Wishes(copies=3)


def result_of(desk: Desk, job: int, number: int) -> str:
    (stored,) = results.of_slices(desk.connection, job, [number], 1)
    return results.uris([stored], desk.contents)[0]


def test_the_majority_is_taken_and_paid(desk: Desk) -> None:
    job = desk.deploy(2, price=5, wishes=THRICE)
    for worker in "abc":
        assert desk.ask(worker, room=1.0)[:1] == [(job, 1)]
    assert desk.answer("a", job, 1, "data:,wrong") == 0
    assert desk.answer("b", job, 1, "data:,right") == 0
    assert desk.job(job).done == 0
    assert desk.answer("c", job, 1, "data:,right") == 5
    assert desk.job(job).done == 1
    assert result_of(desk, job, 1) == "data:,right"
    assert [desk.earned(worker) for worker in "abc"] == [0, 5, 5]
    assert [tuple(row) for row in redundancy.differing(desk.connection, 10)] == [("0xa", "a", 1, 1)]
    assert ledger.imbalance(desk.connection) == {}


def test_a_worker_that_comes_after_the_majority_is_paid_or_noticed_too(desk: Desk) -> None:
    job = desk.deploy(3, price=5, wishes=THRICE)
    for worker in "abc":
        assert desk.ask(worker, room=2.0, long_slices=2) == [(job, 1), (job, 2)]
    for number in (1, 2):
        for worker in "ab":
            desk.answer(worker, job, number)
    assert desk.answer("c", job, 1) == 5
    assert desk.answer("c", job, 1) == 0, "the same again"
    assert desk.answer("c", job, 2, "data:,lie") == 0
    assert [desk.earned(worker) for worker in "abc"] == [10, 10, 5]
    assert [row.owner for row in redundancy.differing(desk.connection, 10)] == ["0xc"]


def test_workers_of_one_owner_count_once(desk: Desk) -> None:
    job = desk.deploy(1, wishes=THRICE)
    assert desk.ask("a") == [(job, 1)]
    assert desk.ask("b", owner="0xa") == []
    assert desk.ask("a") == []
    desk.answer("a", job, 1)
    assert desk.ask("b", owner="0xa") == []
    assert desk.ask("b") == [(job, 1)]


def test_two_that_differ_are_judged_by_a_third(desk: Desk) -> None:
    job = desk.deploy(1, wishes=Wishes(copies=2))
    assert desk.ask("a") == desk.ask("b") == [(job, 1)]
    assert desk.ask("c") == []
    desk.answer("a", job, 1, "data:,1")
    desk.answer("b", job, 1, "data:,2")
    assert desk.ask("c") == [(job, 1)]
    desk.answer("c", job, 1, "data:,2")
    assert desk.job(job).status == JobStatus.FINISHED
    assert result_of(desk, job, 1) == "data:,2"


def test_without_a_majority_the_job_ends_with_a_code(desk: Desk) -> None:
    job = desk.deploy(2, price=5, wishes=THRICE)
    for number in range(most_results(3)):
        worker = f"w{number}"
        assert (job, 1) in desk.ask(worker)
        desk.answer(worker, job, 1, f"data:,{number}")
    assert (desk.job(job).status, desk.job(job).code) == (JobStatus.CANCELLED, "ENOMAJORITY")
    assert ledger.balance(desk.connection, PAYER) == 10**30
    assert ledger.imbalance(desk.connection) == {}


def test_who_goes_away_is_replaced(desk: Desk) -> None:
    job = desk.deploy(1, price=5, wishes=Wishes(copies=2))
    desk.ask("a"), desk.ask("b")
    assert desk.statuses(job) == {1: "out"}
    handing.take_back_all(desk.transaction(), "b")
    assert desk.statuses(job) == {1: "waiting"}
    assert ledger.balance(desk.connection, desk.job(job).address) == 5
    assert desk.ask("c") == [(job, 1)]
    with pytest.raises(RefusedError, match="does not have this slice"):
        desk.answer("b", job, 1)
    desk.answer("a", job, 1)
    assert desk.answer("c", job, 1) == 5
    assert (desk.job(job).status, desk.job(job).waiting, desk.job(job).out) == (JobStatus.FINISHED, 0, 0)


def test_who_is_late_is_not_waited_for(desk: Desk) -> None:
    job = desk.deploy(1, price=5, wishes=Wishes(copies=2))
    desk.ask("a"), desk.ask("slow")
    desk.answer("a", job, 1)
    assert desk.ask("c") == []
    desk.now += 3600
    assert desk.ask("a") == []
    assert desk.ask("c") == [(job, 1)]
    assert desk.answer("c", job, 1) == 5
    assert desk.job(job).status == JobStatus.FINISHED


def test_numbers_may_differ_within_the_tolerance(desk: Desk) -> None:
    job = desk.deploy(1, wishes=Wishes(copies=2, tolerance=1e-6))
    desk.ask("a"), desk.ask("b")
    desk.answer("a", job, 1, 'data:application/json,[1,{"x":2000.0001}]')
    desk.answer("b", job, 1, 'data:application/json,[1.0000001,{"x":2000}]')
    assert desk.job(job).status == JobStatus.FINISHED


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ([1, 2], [1, 2.0], True), ([1, 2], [2, 1], False), ({"a": None}, {"a": None}, True), ("1", 1, False),
        (float("nan"), float("nan"), True),
    ],
)  # fmt: skip
def test_values_not_texts_are_compared(one: object, other: object, is_same: bool) -> None:
    uris = [
        encode_data_uri(kvin.serialize(value, version).decode(), "application/x-kvin")
        for value, version in ((one, 8), (other, 9))
    ]
    assert (kind_of(uris[0]) == kind_of(uris[1])) is is_same


def test_what_is_no_value_is_compared_as_it_is() -> None:
    for uri in ("https://example.org/1", "data:application/json,{", "data:;base64,%"):
        assert kind_of(uri) == kind_of(uri) != kind_of(uri + "0")
        assert kind_among(uri, [("k", uri)], 0.1) == "k"


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.integers(1, 9))
def test_each_slice_is_judged_in_the_end(kinds: list[str], copies: int) -> None:
    taken: list[str] = []
    for kind in kinds:
        verdict = judge(taken, copies)
        if verdict.winner or verdict.is_hopeless:
            break
        taken.append(kind)
    verdict = judge(taken, copies)
    assert len(taken) <= most_results(copies)
    assert verdict.is_hopeless == (not verdict.winner and len(taken) == most_results(copies))
    if verdict.winner:
        assert taken.count(verdict.winner) == majority(copies)
    elif not verdict.is_hopeless:
        assert len(taken) + verdict.missing >= min(copies, most_results(copies))


@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(2, 4), st.integers(1, 3))
def test_whatever_workers_do_money_and_counts_are_right(data: st.DataObject, copies: int, count: int) -> None:
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        job = desk.deploy(count, price=5, wishes=Wishes(copies=copies))
        for _ in range(40):
            worker = data.draw(st.sampled_from("abcdef"))
            match data.draw(st.sampled_from(("ask", "answer", "answer", "leave", "wait"))):
                case "ask":
                    desk.ask(worker, room=2.0, long_slices=2)
                case "answer":
                    mine = [number for number, status in desk.statuses(job).items() if status != "done"]
                    for number in mine:
                        try:
                            desk.answer(
                                worker, job, number, data.draw(st.sampled_from(("data:,1", "data:,1", "data:,2")))
                            )
                        except RefusedError as error:
                            assert error.code == "EPERM"
                case "leave":
                    handing.take_back_all(desk.transaction(), worker)
                case _:
                    desk.now += 1000
            row, statuses = desk.job(job), list(desk.statuses(job).values())
            if not JobStatus(row.status).is_over:
                assert (row.waiting, row.out) == (statuses.count("waiting"), statuses.count("out"))
            assert row.done == statuses.count("done")
            assert list(findings(desk.connection, desk.contents)) == []
        desk.close()
