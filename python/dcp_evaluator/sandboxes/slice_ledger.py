"""What may happen to a slice and to a sandbox, as tables, and the ledger where it is written down.

No process, socket or clock is in here: the supervisor reports what has happened and is told what follows. Nothing
outside of this file changes the state of a slice or of a lane, so each slice ends exactly once. docs/architecture.md
shows the tables as pictures; a test compares them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

_MOST_DEATHS_WITHOUT_PROGRESS = 5


class SliceState(StrEnum):
    WAITING = "waiting"
    WAITING_FOR_NEW_SANDBOX = "waiting for a new sandbox"
    SENT = "sent"
    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SliceEvent(StrEnum):
    SEND = "send"
    ANSWER = "answer"
    FAIL = "fail"
    """The work function threw, a limit was passed, retries are used up, or the datum cannot be sent."""
    RETURN = "return"
    """Its sandbox ended before it began: nothing is lost."""
    LOSE = "lose"
    """Its sandbox died while it ran."""
    REJECT = "reject"
    RUN_OUT_OF_MEMORY = "run out of memory"
    """In a sandbox that had run others before: it may be what those left."""
    CANCEL = "cancel"


class LaneState(StrEnum):
    STARTING = "starting"
    ASSIGNED = "assigned"
    CLOSING = "closing"
    ENDED = "ended"


class LaneEvent(StrEnum):
    ASSIGN = "assign"
    """The sandbox has the work function."""
    HANG_UP = "hang up"
    """Its channel is closed: the zygote will say how it ended."""
    END = "end"


SLICES: Mapping[SliceState, Mapping[SliceEvent, SliceState]] = {
    SliceState.WAITING: {
        SliceEvent.SEND: SliceState.SENT,
        SliceEvent.FAIL: SliceState.FAILED,
        SliceEvent.CANCEL: SliceState.CANCELLED,
    },
    SliceState.WAITING_FOR_NEW_SANDBOX: {
        SliceEvent.SEND: SliceState.SENT,
        SliceEvent.FAIL: SliceState.FAILED,
        SliceEvent.CANCEL: SliceState.CANCELLED,
    },
    SliceState.SENT: {
        SliceEvent.ANSWER: SliceState.ANSWERED,
        SliceEvent.FAIL: SliceState.FAILED,
        SliceEvent.RETURN: SliceState.WAITING,
        SliceEvent.LOSE: SliceState.WAITING,
        SliceEvent.REJECT: SliceState.WAITING,
        SliceEvent.RUN_OUT_OF_MEMORY: SliceState.WAITING_FOR_NEW_SANDBOX,
        SliceEvent.CANCEL: SliceState.CANCELLED,
    },
    SliceState.ANSWERED: {},
    SliceState.FAILED: {},
    SliceState.CANCELLED: {},
}

LANES: Mapping[LaneState, Mapping[LaneEvent, LaneState]] = {
    LaneState.STARTING: {
        LaneEvent.ASSIGN: LaneState.ASSIGNED,
        LaneEvent.HANG_UP: LaneState.CLOSING,
        LaneEvent.END: LaneState.ENDED,
    },
    LaneState.ASSIGNED: {LaneEvent.HANG_UP: LaneState.CLOSING, LaneEvent.END: LaneState.ENDED},
    LaneState.CLOSING: {LaneEvent.END: LaneState.ENDED},
    LaneState.ENDED: {},
}

# Looking up a member of an Enum takes Python 3.11 as long as the rest of an event.
_WAITING, _SEND, _ANSWER = SliceState.WAITING, SliceEvent.SEND, SliceEvent.ANSWER
_OPEN = frozenset((LaneState.STARTING, LaneState.ASSIGNED))


class LedgerError(RuntimeError):
    """What cannot happen in this state: a fault of this program, or of a sandbox that speaks out of turn."""


class Slice:
    """One datum on its way to a result.

    ``index`` counts from 0. ``size``: what waits in its sandbox for it, in bytes. ``deaths``, ``rejections``: how
    often its sandbox died while it ran, and it called ``work.reject``. ``ran_out_of_memory``: in a sandbox that had run
    others before.
    """

    __slots__ = ("datum", "deaths", "index", "ran_out_of_memory", "rejections", "size", "state")

    def __init__(self, index: int, datum: Any) -> None:
        self.index = index
        self.datum = datum
        self.state = _WAITING
        self.size = 0
        self.deaths = 0
        self.rejections = 0
        self.ran_out_of_memory = False

    def move(self, event: SliceEvent) -> None:
        """Raises LedgerError."""
        try:
            self.state = SLICES[self.state][event]
        except KeyError:
            raise LedgerError(f"{event!s} of a slice that is {self.state}") from None


class Lane:
    """A sandbox in the ledger. ``queue``: the slices that it was given and has not answered; the first one runs.

    ``is_open``: whether something may still come from it.
    """

    __slots__ = ("answered", "is_open", "queue", "state")

    def __init__(self) -> None:
        self.state = LaneState.STARTING
        self.is_open = True
        self.queue: deque[Slice] = deque()
        self.answered = 0

    @property
    def is_unused(self) -> bool:
        """Whether it has been given no slice yet."""
        return not self.answered and not self.queue

    @property
    def is_assigned(self) -> bool:
        """Whether the sandbox takes slices."""
        return self.state is LaneState.ASSIGNED

    def runs(self, index: int) -> bool:
        """Whether this slice runs."""
        return bool(self.queue) and self.queue[0].index == index

    def move(self, event: LaneEvent) -> None:
        """Raises LedgerError."""
        try:
            self.state = LANES[self.state][event]
        except KeyError:
            raise LedgerError(f"{event!s} of a sandbox that is {self.state}") from None
        self.is_open = self.state in _OPEN


class SliceSource(Protocol):
    """Where slices come from. ``exhausted``: no more will come, once ``take`` has given None."""

    @property
    def exhausted(self) -> bool: ...

    def take(self) -> Slice | None:
        """The next slice, or None when there is none now."""


_Source = TypeVar("_Source", bound=SliceSource)


class TakenSlices(Generic[_Source]):
    """What is taken from a source, and ends. ``distributed``: how many slices were taken."""

    def __init__(self, source: _Source) -> None:
        self.distributed = 0
        self._source = source
        self._exhausted = False
        self._open = 0  # slices taken that have not ended

    def _take(self) -> Slice | None:
        work = None if self._exhausted else self._source.take()
        if work is not None:
            self._open += 1
            self.distributed += 1
        elif self._source.exhausted:
            self._exhausted = True
        return work

    def _end(self, work: Slice, event: SliceEvent) -> Slice:
        work.move(event)
        self._open -= 1
        return work


class SliceLedger(TakenSlices[SliceSource]):
    """All slices of one job. ``retries``: how often a slice runs again when its sandbox dies."""

    def __init__(self, source: SliceSource, retries: int) -> None:
        super().__init__(source)
        self._retries = retries
        self._lanes: set[Lane] = set()
        self._waiting: deque[Slice] = deque()
        self._waiting_for_new_sandbox: deque[Slice] = deque()
        self._deaths_without_progress = 0

    @property
    def done(self) -> bool:
        """Whether every slice there is has ended."""
        return self._exhausted and not self._open

    # --- Handing out ---

    def add(self, lane: Lane) -> None:
        """A sandbox is started."""
        self._lanes.add(lane)

    def wants_sandbox(self) -> bool:
        """Whether one more sandbox would have something to do."""
        idle = sum(not lane.queue for lane in self._lanes)
        unused = sum(lane.is_unused for lane in self._lanes)
        waiting = len(self._waiting) + len(self._waiting_for_new_sandbox)
        if len(self._waiting_for_new_sandbox) > unused or waiting > idle:
            return True
        work = self._take()
        if work is not None:
            self._waiting.append(work)
        return work is not None

    def next(self, lane: Lane) -> Slice | None:
        """A slice for that sandbox; ``sent``, ``put_back`` or ``cannot_be_sent`` follows."""
        if self._waiting_for_new_sandbox and lane.is_unused:
            return self._waiting_for_new_sandbox.popleft()
        return self._waiting.popleft() if self._waiting else self._take()

    def sent(self, lane: Lane, work: Slice) -> None:
        work.move(_SEND)
        lane.queue.append(work)

    def put_back(self, work: Slice) -> None:
        """``next`` gave it, and it cannot be sent now; it comes first."""
        new = work.state is SliceState.WAITING_FOR_NEW_SANDBOX
        (self._waiting_for_new_sandbox if new else self._waiting).appendleft(work)

    def cannot_be_sent(self, work: Slice) -> None:
        self._end(work, SliceEvent.FAIL)

    # --- What becomes of the slice that runs ---

    def answered(self, lane: Lane) -> Slice:
        """It has a result."""
        work = self._finish(lane)
        work.move(_ANSWER)
        self._open -= 1
        return work

    def failed(self, lane: Lane) -> Slice:
        """It has an error; its sandbox goes on."""
        return self._end(self._finish(lane), SliceEvent.FAIL)

    def rejected(self, lane: Lane, retries: int) -> bool:
        """It asks to run again, ``retries`` times at most. Whether it has failed with that."""
        work = self._finish(lane)
        work.rejections += 1
        return self._again(work, SliceEvent.REJECT, work.rejections <= retries)

    def out_of_memory(self, lane: Lane) -> bool:
        """Its sandbox takes no more slices and ends. Whether the slice has failed with that.

        One that was not the first there runs again in a new sandbox, once: what others have left is not its fault.
        """
        work = self._finish(lane)
        again = not work.ran_out_of_memory and lane.answered > 1
        work.ran_out_of_memory = True
        self._close(lane)
        return self._again(work, SliceEvent.RUN_OUT_OF_MEMORY, again)

    def stopped(self, lane: Lane) -> Slice:
        """It has passed a limit: it fails, and its sandbox is ended."""
        work = self._end(lane.queue.popleft(), SliceEvent.FAIL)
        self._close(lane)
        return work

    def lost(self, lane: Lane, *, blameless: bool = False) -> Slice | None:
        """The sandbox has died. Returns the slice that has failed with that, for want of retries.

        ``blameless``: its end has nothing to do with the slice, which loses no retry.
        """
        running = lane.queue.popleft() if lane.queue else None
        self._close(lane)
        if running is None:
            return None
        running.deaths += not blameless
        return running if self._again(running, SliceEvent.LOSE, running.deaths <= self._retries) else None

    def cancel(self) -> None:
        """The job ends: no slice is taken any more, and those that have not ended never will."""
        self._exhausted = True
        for slices in (self._waiting, self._waiting_for_new_sandbox, *(lane.queue for lane in self._lanes)):
            while slices:
                self._end(slices.popleft(), SliceEvent.CANCEL)

    # --- Sandboxes that end and no slice does ---

    def count_death(self, error: Exception) -> None:
        """A zygote has died, or a sandbox where no slice ran. Raises ``error`` after too many in a row."""
        self._deaths_without_progress += 1
        if self._deaths_without_progress > _MOST_DEATHS_WITHOUT_PROGRESS:
            raise error

    def _finish(self, lane: Lane) -> Slice:
        lane.answered += 1
        self._deaths_without_progress = 0
        return lane.queue.popleft()

    def _again(self, work: Slice, event: SliceEvent, allowed: bool) -> bool:
        """Whether it has failed instead."""
        if not allowed:
            self._end(work, SliceEvent.FAIL)
            return True
        work.move(event)
        new = work.state is SliceState.WAITING_FOR_NEW_SANDBOX
        (self._waiting_for_new_sandbox if new else self._waiting).append(work)
        return False

    def _close(self, lane: Lane) -> None:
        """Slices that have not begun lose nothing, and come first."""
        lane.move(LaneEvent.END)
        self._lanes.discard(lane)
        while lane.queue:
            work = lane.queue.pop()
            work.move(SliceEvent.RETURN)
            self._waiting.appendleft(work)


def diagram(table: Mapping[Any, Mapping[Any, Any]]) -> Iterable[str]:
    """The lines of a Mermaid state diagram."""
    yield "stateDiagram-v2"
    names = {state: state.replace(" ", "_") for state in table}
    yield f"  [*] --> {names[next(iter(table))]}"
    for state, events in table.items():
        targets: dict[Any, list[str]] = {}
        for event, target in events.items():
            targets.setdefault(target, []).append(event)
        yield from (f"  {names[state]} --> {names[target]}: {', '.join(by)}" for target, by in targets.items())
        if not events:
            yield f"  {names[state]} --> [*]"
