"""Statuses go together, in their order, and again where a connection ended."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from submitted_slices import one_slice

from dcp_worker.dialects.slice_status import Begun, Returned, Status
from dcp_worker.submission.status_queue import StatusQueue

pytestmark = pytest.mark.any_engine


class StatusMachine(RuleBasedStateMachine):
    """One message on its way at a time: then all is told in its order, but what was given up."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = StatusQueue(together=3, open=1)
        self.now = 0.0
        self.added: list[Status] = []
        self.told: list[Status] = []
        self.given_up: list[Status] = []
        self.way: list[Status] = []

    @rule(number=st.integers(0, 3), begins=st.booleans())
    def add(self, number: int, begins: bool) -> None:
        status = Begun(one_slice(number)) if begins else Returned(one_slice(number), "r")
        self.queue.add([status])
        self.added.append(status)

    @precondition(lambda self: not self.way)
    @rule()
    def take(self) -> None:
        self.way = self.queue.take(self.now)
        assert len(self.way) <= 3
        assert self.queue.take(self.now) == [] or not self.way

    @precondition(lambda self: self.way)
    @rule(how=st.sampled_from(["told", "interrupted", "refused"]))
    def ends(self, how: str) -> None:
        way, self.way = self.way, []
        if how == "told":
            self.queue.told()
            self.told += way
        elif how == "interrupted":
            self.queue.interrupted(way, self.now)
        elif self.queue.refused(way, self.now):
            self.given_up += way

    @rule(seconds=st.floats(0, 40))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def teardown(self) -> None:
        if self.way:
            self.queue.told()
            self.told += self.way
        while not self.queue.is_idle:
            self.now = self.queue.deadline() or self.now
            self.told += self.queue.take(self.now)
            self.queue.told()
        given_up = set(map(id, self.given_up))
        assert list(map(id, self.told)) == [id(status) for status in self.added if id(status) not in given_up]


TestStatuses = StatusMachine.TestCase


def test_beginnings_that_wait_are_known() -> None:
    queue = StatusQueue()
    begun = Begun(one_slice(1))
    queue.add([begun])
    assert queue.has_begun_waiting(begun.slice.key)
    taken = queue.take(0)
    assert not queue.has_begun_waiting(begun.slice.key)
    queue.interrupted(taken, 0)
    assert queue.has_begun_waiting(begun.slice.key)


def test_of_too_many_the_returned_ones_are_kept() -> None:
    queue = StatusQueue(most=10)
    returned = [Returned(one_slice(number), "r") for number in range(3)]
    queue.add(returned)
    queue.add([Begun(one_slice(number)) for number in range(20)])
    assert queue.take(0) == returned
