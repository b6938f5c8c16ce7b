"""What the store holds is on disk, whatever fails and however calls and writes interleave."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from submitted_slices import AUTHORIZATION, one_slice, text

from dcp_protocol.messages.bodies import JsonText
from dcp_worker.submission.bodies import ResultText
from dcp_worker.submission.journal import Batch, Held, Journal, StoreLimits
from dcp_worker.tasks.slices import Authorization, SliceKey

pytestmark = pytest.mark.any_engine
NUMBERS = st.integers(0, 4)
LIMITS = StoreLimits(disk=2000, memory=1000)


class JournalMachine(RuleBasedStateMachine):
    """Against a model: what is held, and a disk of rows that a batch changes."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal(LIMITS)
        self.disk: dict[SliceKey, tuple[int, Any]] = {}
        self.files: set[int] = set()
        self.batch: Batch | None = None
        self.model: dict[SliceKey, int] = {}
        self.bodies: dict[int, ResultText] = {}

    def result_of(self, slice_number: int) -> int:
        return self.model.get(SliceKey("j", slice_number), 0)

    @rule(numbers=st.lists(NUMBERS, max_size=3), again=st.booleans())
    def began(self, numbers: list[int], again: bool) -> None:
        task = Authorization(JsonText(b"{}")) if again else AUTHORIZATION
        slices = [one_slice(number, task) for number in numbers]
        self.journal.began(slices)
        for one in slices:
            self.model.setdefault(one.key, 0)

    @rule(number=NUMBERS, size=st.integers(0, 900))
    def finished(self, number: int, size: int) -> None:
        known = self.result_of(number)
        body = text(number, size)
        result = self.journal.finished(one_slice(number), body)
        assert not known or result == known
        self.model[SliceKey("j", number)] = result
        if not known:
            assert result > max(self.bodies, default=0)
            self.bodies[result] = body
        self.check_dropped(self.journal.drop_excess())

    def check_dropped(self, dropped: list[Held]) -> None:
        for held in dropped:
            assert not held.is_sending
            assert self.model[held.slice.key] == held.number
            self.model[held.slice.key] = 0
        sending = [n for n in self.journal.results() if (h := self.journal.result(n)) and h.is_sending]
        if not sending:
            assert self.journal.stored_bytes + self.journal.unstored_bytes <= LIMITS.disk
            assert self.journal.unstored_bytes <= LIMITS.memory

    @rule(number=NUMBERS)
    def acknowledged(self, number: int) -> None:
        if result := self.result_of(number):
            del self.model[SliceKey("j", number)]
            self.journal.acknowledged(result)

    @rule(number=NUMBERS, size=st.integers(0, 100))
    def uploaded(self, number: int, size: int) -> None:
        if result := self.result_of(number):
            self.bodies[result] = text(number, size)
            self.journal.uploaded(result, self.bodies[result])

    @rule(number=NUMBERS)
    def lost(self, number: int) -> None:
        if result := self.result_of(number):
            self.model[SliceKey("j", number)] = 0
            self.journal.lost(result)

    @rule(number=NUMBERS)
    def gone(self, number: int) -> None:
        key = SliceKey("j", number)
        slices = {one.key: one for one in self.journal.in_flight()}
        self.journal.gone(one_slice(number, Authorization(JsonText(b"of another task"))))
        assert {one.key for one in self.journal.in_flight()} == slices.keys()
        if key in slices:
            self.journal.gone(slices[key])
            del self.model[key]

    @rule(number=NUMBERS, is_sending=st.booleans())
    def sending(self, number: int, is_sending: bool) -> None:
        held = self.journal.result(self.result_of(number))
        if held:
            held.is_sending = is_sending

    @rule()
    def release(self) -> None:
        self.journal.release_bodies(0)

    @precondition(lambda self: self.batch is None)
    @rule()
    def take(self) -> None:
        self.batch = self.journal.take_batch()

    @precondition(lambda self: self.batch is not None)
    @rule(works=st.booleans())
    def write(self, works: bool) -> None:
        assert self.batch
        if works:
            for key in self.batch.deleted:
                del self.disk[key]
            for put in self.batch.put:
                self.disk[put.slice.key] = (put.number, put.body)
                self.files |= {put.number} - {0}
            self.files -= set(self.batch.stale)
            self.journal.written(self.batch)
        else:
            self.journal.failed(self.batch)
        self.batch = None

    @invariant()
    def holds_what_it_should(self) -> None:
        without_result = {key for key, number in self.model.items() if not number}
        assert {one.key for one in self.journal.in_flight()} == without_result
        assert self.journal.results() == sorted(number for number in self.model.values() if number)
        held = [self.journal.result(number) for number in self.journal.results()]
        assert self.journal.stored_bytes == sum(one.size for one in held if one and one.is_stored)
        assert self.journal.unstored_bytes == sum(one.size for one in held if one and not one.is_stored)
        for one in held:
            assert one
            if one.body is None:
                assert self.disk[one.slice.key] == (one.number, self.bodies[one.number])

    @invariant()
    def what_is_not_to_be_written_is_on_disk(self) -> None:
        if self.batch is None and not self.journal.has_changes:
            assert {key: number for key, (number, _) in self.disk.items()} == self.model
            assert all(body == self.bodies[number] for number, body in self.disk.values() if number)
            assert self.files == {number for number, _ in self.disk.values() if number}

    def teardown(self) -> None:
        if self.batch:
            self.write(works=True)
        self.take()
        self.write(works=True)
        assert not self.journal.has_changes
        self.what_is_not_to_be_written_is_on_disk()


TestJournal = JournalMachine.TestCase


def test_the_oldest_results_go_first() -> None:
    journal = Journal(StoreLimits(memory=2500))
    numbers = [journal.finished(one_slice(number), text(number, 1000)) for number in range(2)]
    held = journal.result(numbers[0])
    assert held
    held.is_sending = True
    journal.finished(one_slice(2), text(2, 1000))
    assert [dropped.slice.key.number for dropped in journal.drop_excess()] == [1]
    assert [one.key.number for one in journal.in_flight()] == [1]


def test_what_comes_and_goes_between_two_writes_is_not_written() -> None:
    journal = Journal()
    journal.began([one_slice(1)])
    number = journal.finished(one_slice(1), text(1))
    journal.acknowledged(number)
    batch = journal.take_batch()
    assert (batch.put, batch.deleted) == ([], [])
