"""Taking results as they come, without any process: whenever the run rests, whoever reads need not wait for ever."""

from __future__ import annotations

import threading

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from dcp_evaluator.errors import SliceError
from dcp_evaluator.frames.fields import NO_METRICS
from dcp_evaluator.jobs.passing import PassingOutcomes
from dcp_evaluator.jobs.sources import IterableSource, RationedSource
from dcp_evaluator.jobs.waiters import Waiters
from dcp_evaluator.sandboxes.slice_ledger import Lane, LaneEvent, LaneState, Slice, SliceLedger

MOST = 4
MOST_BYTES = 1000
MOST_AHEAD = 3


class _Inputs(IterableSource):
    """Which are only asked where there is room."""

    def __init__(self, count: int, reading: Reading) -> None:
        super().__init__(range(count))
        self._reading = reading

    def take(self) -> Slice | None:
        waiting = self._reading.waiting
        assert len(waiting) < MOST
        assert sum(waiting.values()) < MOST_BYTES
        return super().take()


class Reading(RuleBasedStateMachine):
    """Sandboxes, slices and a reader in any order of events. ``is_awake``: whether the supervisor has something to do.

    As the supervisor does, it asks its source only after something has happened, or somebody has called ``wake``.
    """

    @initialize(count=st.integers(0, 24), retries=st.integers(0, 2), in_order=st.booleans())
    def begin(self, count: int, retries: int, in_order: bool) -> None:
        self.count = count
        self.waiting: dict[int, int] = {}  # bytes of what nobody has taken
        self.lanes: list[Lane] = []
        self.is_awake = True
        self.in_order = in_order
        self.read: list[int] = []
        inputs = _Inputs(count, self)
        waiters = Waiters(lambda: None, threading.Thread())
        self.outcomes = PassingOutcomes(lambda: inputs.total, waiters, self.wake, most=MOST, most_bytes=MOST_BYTES)
        self.cursor = self.outcomes.in_order() if in_order else self.outcomes.by_arrival()
        self.ledger = SliceLedger(RationedSource(inputs, self.outcomes.has_room), retries)

    def wake(self) -> None:
        self.is_awake = True

    def running(self) -> list[Lane]:
        return [lane for lane in self.lanes if lane.queue]

    # --- The supervisor ---

    @precondition(lambda self: self.is_awake and not self.outcomes.is_done)
    @rule(lanes=st.integers(1, 3))
    def step(self, lanes: int) -> None:
        self.is_awake = False
        for lane in self.lanes:
            while len(lane.queue) < MOST_AHEAD and (work := self.ledger.next(lane)) is not None:
                self.ledger.sent(lane, work)
        while len(self.lanes) < lanes and self.ledger.wants_sandbox():
            self.lanes.append(Lane())
            self.ledger.add(self.lanes[-1])
            self.lanes[-1].move(LaneEvent.ASSIGN)
            self.wake()
        if self.ledger.done:
            self.outcomes.complete(None)
            self.outcomes.finish(None)

    @precondition(running)
    @rule(data=st.data(), length=st.integers(0, 800), is_good=st.booleans())
    def answer(self, data: st.DataObject, length: int, is_good: bool) -> None:
        lane = data.draw(st.sampled_from(self.running()))
        self.end(self.ledger.answered(lane) if is_good else self.ledger.failed(lane), "x" * length, is_good)

    @precondition(running)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        lane = data.draw(st.sampled_from(self.running()))
        work = lane.queue[0]
        self.wake()
        if self.ledger.rejected(lane, 1):
            self.end(work, "rejected", is_good=False)

    @precondition(running)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        failed = self.ledger.lost(data.draw(st.sampled_from(self.running())))
        self.lanes = [lane for lane in self.lanes if lane.state is not LaneState.ENDED]
        self.wake()
        if failed is not None:
            self.end(failed, "dead", is_good=False)

    def end(self, work: Slice, text: str, is_good: bool) -> None:
        outcome = text if is_good else SliceError(work.index, "Error", text)
        self.waiting[work.index] = len(text)
        self.outcomes.put(work.index, outcome, NO_METRICS, text)
        self.wake()

    # --- The reader ---

    @precondition(lambda self: self.cursor.is_ready())
    @rule()
    def take(self) -> None:
        pair = self.cursor.take()
        if pair is None:
            assert self.outcomes.is_done
            return
        self.read.append(pair[0])
        del self.waiting[pair[0]]

    # --- The end ---

    def teardown(self) -> None:
        """Everything goes on for as long as anything can: then all is read."""
        if not hasattr(self, "cursor"):
            return
        while not (self.outcomes.is_done and not self.waiting):
            if self.is_awake and not self.outcomes.is_done:
                self.step(2)
            elif running := self.running():
                self.end(self.ledger.answered(running[-1]), "late", is_good=True)
            else:
                assert self.cursor.is_ready(), "the run waits for the reader, who waits for the run"
                self.take()
        assert sorted(self.read) == list(range(self.count))
        assert self.read == sorted(self.read) or not self.in_order
        assert not self.outcomes.has(None)


Reading.TestCase.settings = settings(max_examples=200, stateful_step_count=60)
TestReading = Reading.TestCase
