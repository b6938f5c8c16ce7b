"""The machine that deploys a job, against a scheduler of a few lines, whose connections are lost at any moment."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_evaluator.errors import NetworkError
from dcp_evaluator.networks.deployment import Ask, Deployment, Order, Service, Step
from dcp_evaluator.networks.news import Result, Stopped, read_news
from dcp_protocol.errors import ProtocolError

pytestmark = pytest.mark.any_engine

JOB = "A" * 22
PILES = [["a", "b"], ["c"], ["d", "e", "f"]]
SLICES = [datum for pile in PILES for datum in pile]


class Scheduler:
    """Keeps what it is told; ``asked``: how often each step reached it."""

    def __init__(self) -> None:
        self.data: list[str] = []
        self.asked: Counter[Step] = Counter()
        self.closed = False

    def answer(self, ask: Ask) -> Any:
        self.asked[ask.step] += 1
        match ask.step:
            case Step.SUBMIT:
                return {"escrow": "0x1", "status": "new", "lastSliceNumber": len(self.data)}
            case Step.ADD:
                assert not self.closed
                self.data += ask.data("session")["dataValues"]
                return {"success": True, "lastSliceNumber": len(self.data)}
            case Step.CLOSE:
                self.closed = True
            case Step.SUBSCRIBE:
                labels = [*ask.data("session")["reliableEvents"], *ask.data("session")["optionalEvents"]]
                return {"tokens": [{"event": label, "token": f"of {label}"} for label in labels]}
            case Step.FETCH:
                return [{"slice": n, "value": f"data%3A%2C{n}"} for n in ask.data("session")["range"]]
        return {"success": True}


def deployment(*, by_value: bool = True) -> Deployment:
    return Deployment(Order(job=JOB, submission={}, groups=lambda _: [], owner="0x1", payer="0x2", by_value=by_value))


FATES = st.sampled_from(["answered", "answered", "never arrives", "answer is lost"])


@given(st.lists(FATES, max_size=60), st.lists(st.booleans(), min_size=len(SLICES), max_size=len(SLICES)))
def test_whatever_is_lost_data_go_once_and_results_are_told_once(fates: list[str], told: list[bool]) -> None:
    """``told``: whether the result of a slice comes as an event; the others are fetched."""
    machine, scheduler, piles = deployment(), Scheduler(), iter(PILES)
    results: list[int] = []
    fate = iter(fates)
    while machine.end is None:
        if machine.wants_data:
            pile = next(piles, None)
            machine.add(pile, len(pile)) if pile else machine.has_all_data()
        asks = machine.asks()
        if not asks:
            assert scheduler.closed
            numbers = [n for n, is_told in enumerate(told, 1) if is_told] * 2
            heard = [machine.heard(Result(n, f"data:,{n}")) for n in numbers]
            results += [news.slice for news in heard if isinstance(news, Result)]
            machine.heard(Stopped("finished", len(SLICES), "", ""))
            continue
        for ask in asks:
            what = next(fate, "answered")
            answer = None if what == "never arrives" else scheduler.answer(ask)
            if what == "answered":
                results += [news.slice for news in machine.answered(ask, answer) if isinstance(news, Result)]
            else:
                machine.lost(ask.step.service)
    assert scheduler.data == SLICES
    assert sorted(results) == list(range(1, len(SLICES) + 1))
    assert machine.failure() is None


def accepted() -> Deployment:
    machine, scheduler = deployment(by_value=False), Scheduler()
    while asks := machine.asks():
        for ask in asks:
            machine.answered(ask, scheduler.answer(ask))
    assert machine.is_accepted
    assert not machine.wants_data
    return machine


def test_a_lost_connection_for_events_is_subscribed_again_and_nothing_else() -> None:
    machine = accepted()
    assert machine.label_of("of stop") == "stop"
    for service in Service:
        machine.lost(service)
    assert machine.label_of("of stop") is None
    assert [ask.step for ask in machine.asks()] == [Step.SUBSCRIBE]


def test_a_scheduler_with_other_data_than_were_sent_is_refused() -> None:
    machine, scheduler = deployment(), Scheduler()
    (submit,) = machine.asks()
    machine.answered(submit, scheduler.answer(submit))
    machine.add(["a", "b"], 2)
    machine.lost(Service.SUBMISSION)
    scheduler.data = ["a"]
    (submit,) = [ask for ask in machine.asks() if ask.step is Step.SUBMIT]
    with pytest.raises(NetworkError, match="it has 1 slices, and 0 or 2 were sent"):
        machine.answered(submit, scheduler.answer(submit))


def test_a_job_that_nobody_knows_is_cancelled_without_a_word() -> None:
    machine = deployment()
    machine.cancel("enough")
    assert machine.asks() == []
    assert machine.is_cancelled


def test_a_job_that_is_on_its_way_is_cancelled_when_it_has_arrived() -> None:
    machine = deployment()
    (submit,) = machine.asks()
    machine.cancel("enough")
    assert not machine.is_cancelled
    machine.answered(submit, {"lastSliceNumber": 0})
    (cancel,) = machine.asks()
    assert cancel.data("") == {"job": JOB, "owner": "0x2", "reason": "enough"}
    machine.refused(cancel, "ENOENT", "it has ended")
    assert machine.is_cancelled


def test_results_that_the_scheduler_does_not_have_are_an_error() -> None:
    machine = accepted()
    machine.heard(Stopped("finished", 2, "", ""))
    (fetch,) = machine.asks()
    with pytest.raises(NetworkError, match="no results of 1 of its slices"):
        machine.answered(fetch, [{"slice": 2, "value": "data%3A%2C2"}, {"slice": 9, "value": ""}, None])


@pytest.mark.parametrize(
    ("label", "data"),
    [
        ("result", {"sliceNumber": 0, "result": {"result": "data:,"}}), ("result", {"sliceNumber": 1, "result": "x"}),
        ("result", {"sliceNumber": True, "result": {"result": "data:,"}}), ("status", {"total": -1}), ("stop", {}),
        ("stop", {"runStatus": "finished", "sliceCount": 2**60}), ("custom", {"sliceNumber": 1}), ("nofunds", {}),
    ],
)  # fmt: skip
def test_events_that_say_nothing_are_refused(label: str, data: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read_news(label, data)
