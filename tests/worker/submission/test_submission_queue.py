"""Results go by age, within bounds, until they are acknowledged or given up."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dcp_worker.submission.submission_queue import Outcome, QueueOptions, SubmissionQueue

pytestmark = pytest.mark.any_engine
OPTIONS = QueueOptions(open=3, open_bytes=100, tries=3, first_rest=1, longest_rest=8)


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.queue = SubmissionQueue(OPTIONS)
        self.now = 0.0
        self.next = 1
        self.waiting: dict[int, int] = {}
        self.open: dict[int, int] = {}
        self.refusals: dict[int, int] = {}
        self.ended: set[int] = set()

    @rule(size=st.integers(0, 150))
    def add(self, size: int) -> None:
        self.queue.add(self.next, size)
        self.waiting[self.next] = size
        self.next += 1

    @rule()
    def take(self) -> None:
        taken = self.queue.take(self.now)
        assert taken == sorted(taken)
        for number in taken:
            self.open[number] = self.waiting.pop(number)
        assert len(self.open) <= OPTIONS.open
        assert len(self.open) <= 1 or sum(self.open.values()) <= OPTIONS.open_bytes
        never_refused = [number for number in self.waiting if number not in self.refusals]
        fresh = [number for number in taken if number not in self.refusals]
        if fresh and never_refused:
            assert max(fresh) < min(never_refused) or self.refusals or self.ended

    @precondition(lambda self: self.open)
    @rule(data=st.data(), how=st.sampled_from(["acknowledged", "refused", "interrupted", "removed"]))
    def ends(self, data: st.DataObject, how: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.open)))
        size = self.open.pop(number)
        if how in ("acknowledged", "removed"):
            getattr(self.queue, how)(number)
            self.ended.add(number)
        elif how == "interrupted":
            self.queue.interrupted(number, self.now)
            self.waiting[number] = size
        else:
            self.refusals[number] = self.refusals.get(number, 0) + 1
            outcome = self.queue.refused(number, self.now)
            assert outcome is (Outcome.GIVEN_UP if self.refusals[number] == OPTIONS.tries else Outcome.AGAIN)
            if outcome is Outcome.AGAIN:
                self.waiting[number] = size
            else:
                self.ended.add(number)

    @rule()
    def connected(self) -> None:
        self.queue.connected()

    @rule(seconds=st.floats(0, 10))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def knows_what_is_left(self) -> None:
        assert len(self.queue) == len(self.waiting) + len(self.open)

    @invariant()
    def a_deadline_is_ahead_after_taking(self) -> None:
        for number in self.queue.take(self.now):
            self.open[number] = self.waiting.pop(number)
        deadline = self.queue.deadline()
        assert deadline is None or self.now < deadline <= self.now + OPTIONS.longest_rest

    def teardown(self) -> None:
        """All end, if nothing goes wrong any more."""
        for _ in range(1000):
            for number in self.queue.take(self.now):
                self.open[number] = self.waiting.pop(number)
            for number in list(self.open):
                self.queue.acknowledged(number)
                del self.open[number]
            self.now = self.queue.deadline() or self.now
            if not len(self.queue):
                break
        assert not self.waiting


TestQueue = QueueMachine.TestCase


def test_by_age() -> None:
    queue = SubmissionQueue(OPTIONS)
    for number in (1, 2, 3, 4):
        queue.add(number, 10)
    assert queue.take(0) == [1, 2, 3]
    queue.interrupted(2, 0)
    queue.interrupted(1, 0)
    queue.connected()
    assert queue.take(0) == [1, 2]


def test_a_large_result_goes_alone() -> None:
    queue = SubmissionQueue(OPTIONS)
    queue.add(1, 1000)
    queue.add(2, 1)
    assert queue.take(0) == [1]
    queue.acknowledged(1)
    assert queue.take(0) == [2]


def test_outages_make_longer_rests_until_one_is_acknowledged() -> None:
    queue = SubmissionQueue(OPTIONS)
    queue.add(1, 1)
    now, rests = 0.0, []
    for _ in range(5):
        assert queue.take(now) == [1]
        queue.interrupted(1, now)
        deadline = queue.deadline()
        assert deadline is not None
        rests.append(deadline - now)
        assert queue.take((now + deadline) / 2) == []
        now = deadline
    assert rests == [1, 2, 4, 8, 8]
