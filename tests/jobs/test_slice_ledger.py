"""The ledger of slices without any process: its tables, and that each slice ends exactly once whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dcp_evaluator.sandboxes.slice_ledger import (
    LANES,
    SLICES,
    Lane,
    LaneEvent,
    LaneState,
    LedgerError,
    Slice,
    SliceEvent,
    SliceLedger,
    SliceState,
    diagram,
)

ENDS = {SliceState.ANSWERED, SliceState.FAILED, SliceState.CANCELLED}
ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"


class Source:
    """So many slices; ``ends``: the last state of each that has one, once for each time that it came there."""

    def __init__(self, count: int, *, exhausted: bool = True) -> None:
        self.count = count
        self.exhausted = exhausted
        self.taken: list[Slice] = []
        self.ends: list[tuple[int, SliceState]] = []

    def take(self) -> Slice | None:
        if len(self.taken) == self.count:
            return None
        self.taken.append(_Witness(len(self.taken), self))
        return self.taken[-1]


class _Witness(Slice):
    def __init__(self, index: int, source: Source) -> None:
        super().__init__(index, None)
        self._source = source

    def move(self, event: SliceEvent) -> None:
        super().move(event)
        if self.state in ENDS:
            self._source.ends.append((self.index, self.state))


def started(ledger: SliceLedger) -> Lane:
    lane = Lane()
    ledger.add(lane)
    lane.move(LaneEvent.ASSIGN)
    return lane


def feed(ledger: SliceLedger, lane: Lane) -> Slice | None:
    work = ledger.next(lane)
    if work is not None:
        ledger.sent(lane, work)
    return work


# --- The tables ---


@pytest.mark.parametrize(("table", "events"), [(SLICES, SliceEvent), (LANES, LaneEvent)])
def test_each_state_is_reached_and_each_event_happens(table, events):
    reached = {target for row in table.values() for target in row.values()}
    first = next(iter(table))
    assert reached | {first} == set(table)
    assert {event for row in table.values() for event in row} == set(events)


def test_what_has_ended_stays_so():
    assert {state for state, events in SLICES.items() if not events} == ENDS
    assert {state for state, events in LANES.items() if not events} == {LaneState.ENDED}


@pytest.mark.parametrize("state", SLICES)
@pytest.mark.parametrize("event", SliceEvent)
def test_a_slice_follows_its_table(state, event):
    work = Slice(0, None)
    work.state = state
    if event in SLICES[state]:
        work.move(event)
        assert work.state is SLICES[state][event]
    else:
        with pytest.raises(LedgerError, match=f"{event} of a slice that is {state}"):
            work.move(event)


@pytest.mark.parametrize("table", [SLICES, LANES])
def test_the_documentation_shows_the_table(table):
    assert "\n".join(diagram(table)) in ARCHITECTURE.read_text(encoding="utf-8")


# --- One thing after the other ---


def test_a_slice_whose_sandbox_died_runs_again_as_often_as_allowed():
    source = Source(1)
    ledger = SliceLedger(source, retries=2)
    for _ in range(2):
        lane = started(ledger)
        work = feed(ledger, lane)
        assert ledger.lost(lane) is None
    lane = started(ledger)
    assert feed(ledger, lane) is work
    assert ledger.lost(lane) is work
    assert (work.state, work.deaths) == (SliceState.FAILED, 3)
    assert feed(ledger, started(ledger)) is None
    assert ledger.done


def test_slices_that_had_not_begun_come_first_and_have_lost_nothing():
    source = Source(5)
    ledger = SliceLedger(source, retries=0)
    lane = started(ledger)
    for _ in range(4):
        feed(ledger, lane)
    assert ledger.lost(lane) is source.taken[0]
    other = started(ledger)
    assert [feed(ledger, other).index for _ in range(4)] == [1, 2, 3, 4]
    assert [work.deaths for work in source.taken] == [1, 0, 0, 0, 0]


def test_out_of_memory_in_a_used_sandbox_is_tried_once_more_in_a_new_one():
    ledger = SliceLedger(Source(3), retries=9)
    lane, used = started(ledger), started(ledger)
    feed(ledger, used)
    for _ in range(2):
        feed(ledger, lane)
    ledger.answered(lane)
    hungry = lane.queue[0]
    assert not ledger.out_of_memory(lane)
    assert hungry.state is SliceState.WAITING_FOR_NEW_SANDBOX
    ledger.answered(used)
    assert feed(ledger, used) is None
    new = started(ledger)
    assert feed(ledger, new) is hungry
    assert ledger.out_of_memory(new)
    assert ledger.done


def test_out_of_memory_in_a_new_sandbox_is_the_slices_own():
    ledger = SliceLedger(Source(1), retries=9)
    lane = started(ledger)
    work = feed(ledger, lane)
    assert ledger.out_of_memory(lane)
    assert work.state is SliceState.FAILED


def test_out_of_memory_is_tried_once_more_even_when_the_new_sandbox_dies():
    ledger = SliceLedger(Source(2), retries=9)
    lane = started(ledger)
    feed(ledger, lane)
    ledger.answered(lane)
    hungry = feed(ledger, lane)
    assert not ledger.out_of_memory(lane)
    new = started(ledger)
    assert feed(ledger, new) is hungry
    assert ledger.lost(new) is None
    used = started(ledger)
    used.answered = 1
    assert feed(ledger, used) is hungry
    assert ledger.out_of_memory(used)
    assert hungry.state is SliceState.FAILED


def test_deaths_without_progress_end_the_job_unless_something_ends_between():
    ledger = SliceLedger(Source(2), retries=0)
    error = ValueError("too many")
    for _ in range(2):
        for _ in range(5):
            ledger.count_death(error)
        lane = started(ledger)
        feed(ledger, lane)
        ledger.answered(lane)
    for _ in range(5):
        ledger.count_death(error)
    with pytest.raises(ValueError, match="too many"):
        ledger.count_death(error)


def test_more_sandboxes_are_wanted_while_there_is_work_for_them():
    ledger = SliceLedger(Source(2), retries=0)
    assert ledger.wants_sandbox()
    lane = started(ledger)
    assert ledger.wants_sandbox()  # one waits for this sandbox; there is a second
    other = started(ledger)
    assert not ledger.wants_sandbox()
    feed(ledger, lane)
    feed(ledger, other)
    assert not ledger.wants_sandbox()


def test_a_source_that_has_nothing_now_is_asked_again():
    source = Source(1, exhausted=False)
    ledger = SliceLedger(source, retries=0)
    lane = Lane()
    ledger.add(lane)
    lane.move(LaneEvent.ASSIGN)
    feed(ledger, lane)
    ledger.answered(lane)
    assert ledger.next(lane) is None
    assert not ledger.done
    source.count = 2
    feed(ledger, lane)
    ledger.answered(lane)
    assert not ledger.done
    source.exhausted = True
    assert ledger.next(lane) is None
    assert ledger.done


# --- Anything after anything ---


class Jobs(RuleBasedStateMachine):
    """Sandboxes and slices in any order of events."""

    @initialize(count=st.integers(0, 12), retries=st.integers(0, 2))
    def begin(self, count: int, retries: int) -> None:
        self.source = Source(count)
        self.retries = retries
        self.ledger = SliceLedger(self.source, retries)
        self.lanes: list[Lane] = []
        self.cancelled = False

    def lane(self, data: st.DataObject, running: bool = True) -> Lane:
        return data.draw(st.sampled_from([lane for lane in self.lanes if lane.queue or not running]))

    def runs(self) -> bool:
        return any(lane.queue for lane in self.lanes)

    def forget_ended(self) -> None:
        self.lanes = [lane for lane in self.lanes if lane.state is not LaneState.ENDED]

    @precondition(lambda self: len(self.lanes) < 4)
    @rule()
    def start(self) -> None:
        lane = Lane()
        self.ledger.add(lane)
        self.lanes.append(lane)

    @precondition(lambda self: any(lane.state is LaneState.STARTING for lane in self.lanes))
    @rule()
    def assign(self) -> None:
        next(lane for lane in self.lanes if lane.state is LaneState.STARTING).move(LaneEvent.ASSIGN)

    @precondition(lambda self: any(lane.state is LaneState.ASSIGNED for lane in self.lanes))
    @rule(data=st.data(), encodable=st.booleans())
    def hand_out(self, data: st.DataObject, encodable: bool) -> None:
        lane = data.draw(st.sampled_from([lane for lane in self.lanes if lane.state is LaneState.ASSIGNED]))
        work = self.ledger.next(lane)
        if work is None:
            return
        assert work.state in (SliceState.WAITING, SliceState.WAITING_FOR_NEW_SANDBOX)
        if encodable:
            self.ledger.sent(lane, work)
        else:
            self.ledger.cannot_be_sent(work)

    @rule()
    def ask_for_a_sandbox(self) -> None:
        self.ledger.wants_sandbox()

    @precondition(runs)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        assert self.ledger.answered(self.lane(data)).state is SliceState.ANSWERED

    @precondition(runs)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        assert self.ledger.failed(self.lane(data)).state is SliceState.FAILED

    @precondition(runs)
    @rule(data=st.data(), retries=st.integers(0, 2))
    def reject(self, data: st.DataObject, retries: int) -> None:
        lane = self.lane(data)
        work = lane.queue[0]
        failed = self.ledger.rejected(lane, retries)
        assert failed is (work.rejections > retries) is (work.state is SliceState.FAILED)

    @precondition(runs)
    @rule(data=st.data())
    def run_out_of_memory(self, data: st.DataObject) -> None:
        lane = self.lane(data)
        work = lane.queue[0]
        before = work.ran_out_of_memory
        failed = self.ledger.out_of_memory(lane)
        assert failed is (before or lane.answered == 1)
        self.forget_ended()

    @precondition(runs)
    @rule(data=st.data())
    def pass_a_limit(self, data: st.DataObject) -> None:
        assert self.ledger.stopped(self.lane(data)).state is SliceState.FAILED
        self.forget_ended()

    @precondition(lambda self: self.lanes)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        lane = self.lane(data, running=False)
        running = lane.queue[0] if lane.queue else None
        failed = self.ledger.lost(lane)
        assert not lane.queue
        assert failed is (running if running is not None and running.deaths > self.retries else None)
        self.forget_ended()

    @precondition(lambda self: any(lane.state is not LaneState.CLOSING for lane in self.lanes))
    @rule()
    def hang_up(self) -> None:
        next(lane for lane in self.lanes if lane.state is not LaneState.CLOSING).move(LaneEvent.HANG_UP)

    @precondition(lambda self: not self.cancelled)
    @rule(really=st.integers(0, 9))
    def cancel(self, really: int) -> None:
        if really == 0:
            self.ledger.cancel()
            self.cancelled = True

    @invariant()
    def each_slice_has_ended_once_or_can_still_end(self) -> None:
        if not hasattr(self, "ledger"):
            return
        indexes = [index for index, _ in self.source.ends]
        assert len(indexes) == len(set(indexes))
        queued = [work for lane in self.lanes for work in lane.queue]
        assert all(work.state is SliceState.SENT for work in queued)
        assert len(set(queued)) == len(queued)
        assert sum(work.state is SliceState.SENT for work in self.source.taken) == len(queued)
        assert all(work.deaths <= self.retries + 1 for work in self.source.taken)
        assert self.ledger.distributed == len(self.source.taken)
        if self.ledger.done:
            assert len(indexes) == len(self.source.taken)

    def teardown(self) -> None:
        """From here on all goes well: the job ends, with every slice ended once."""
        if not hasattr(self, "ledger"):
            return
        for lane in self.lanes:
            self.ledger.lost(lane)
        while not self.ledger.done:
            lane = started(self.ledger)
            assert feed(self.ledger, lane) is not None or self.ledger.done
            if lane.queue:
                self.ledger.answered(lane)
        assert sorted(index for index, _ in self.source.ends) == list(range(len(self.source.taken)))
        if not self.cancelled:
            assert len(self.source.taken) == self.source.count


Jobs.TestCase.settings = settings(max_examples=200, stateful_step_count=60)
TestJobs = Jobs.TestCase
