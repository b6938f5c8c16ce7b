"""A slice in a sandbox: what is heard of it while it runs, and how it ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from dcp_protocol import kvin

from ..dialects.texts import utf16_size
from ..errors import NoProgressError, SandboxEndedError, SliceOutputError, SliceTooSlowError
from .course import Course
from .events import (
    ConsoleWritten,
    EventEmitted,
    Measured,
    Progressed,
    Sizes,
    SliceCompleted,
    SliceRejected,
    SliceThrew,
)
from .limits import Limits, Timeouts
from .states import State, Step
from .thrown import MOST_TEXT
from .wire import RuleBrokenError, shortened

_WORTH_A_COPY = 1 << 16  # bytes, below which two writes cost more
_LEVELS = ("log", "debug", "info", "warn", "error")
_WORKING, _RESET, _FINISH, _WORK = State.WORKING, Step.RESET, Step.FINISH, Step.WORK


class RunningSlice:
    """What has been heard of one slice. ``taken``, ``output``: sizes; ``said``: of all that it told."""

    __slots__ = ("began", "cpu", "gpu", "last", "last_determinate", "output", "said", "taken")

    def __init__(self, now: float) -> None:
        self.began = now
        self.last: dict[str, Any] | None = None
        self.last_determinate: dict[str, Any] | None = None
        self.cpu = self.gpu = 0.0
        self.output = self.said = self.taken = 0

    def milliseconds(self, now: float) -> float:
        return max(0.0, now - self.began) * 1000

    def measured(self) -> Measured:
        return Measured(self.cpu, self.gpu)

    def sizes(self, result: int = 0) -> Sizes:
        return Sizes(self.taken, self.output + result)


class Slices:
    """The slices of a sandbox, one after the other. ``until``: when the one that runs has taken too long."""

    def __init__(self, course: Course, timeouts: Timeouts, limits: Limits) -> None:
        self.until = math.inf
        self._course = course
        self._timeouts = timeouts
        self._most_output = limits.output
        self._slice: RunningSlice | None = None
        self._reset_state = course.wire.write({"request": "resetState"})
        course.at_end.append(self._forget)

    def handlers(self) -> Mapping[tuple[int, str], Callable[[Mapping[str, Any]], None]]:
        return {
            (2, "resetStateDone"): self._reset,
            (3, "progress"): self._progress,
            (3, "noProgress"): self._says_no_progress,
            (3, "console"): self._console,
            (3, "emitEvent"): self._emitted,
            (3, "measurement"): self._measured,
            (3, "complete"): self._completed,
            (3, "workError"): self._threw,
            (3, "workReject"): self._rejected,
        }

    @property
    def running(self) -> RunningSlice | None:
        """The one that a message from the sandbox is about."""
        return self._slice if self._course.state is _WORKING else None

    def begin(self, main: bytes, now: float) -> None:
        """What comes before the answer to the first message is of the slice before."""
        course = self._course
        course.move(_WORK)
        self._slice = RunningSlice(now)
        self.until = now + self._timeouts.slice
        course.wait(now + self._timeouts.answer)
        if len(main) < _WORTH_A_COPY:
            course.output.append(self._reset_state + main)
        else:
            course.output += (self._reset_state, main)

    def is_late(self, now: float) -> None:
        if self._slice is not None:
            message = f"Slice took longer than {self._timeouts.slice:g} seconds."
            self._course.end(SliceTooSlowError(message, self._slice.milliseconds(now)))

    def sent_unreadable(self) -> None:
        """What npm's supervisor takes for an error of the work function."""
        if (work := self.running) is not None:
            thrown = self._course.messages.thrown(kvin.JSError("Unserializable message from work function"))
            self._slice = None
            self._course.events.append(SliceThrew(thrown, work.measured(), work.sizes()))

    def may_say(self, work: RunningSlice, size: int, *, as_output: bool) -> bool:
        """Whether it is within bounds; else the sandbox has ended. ``as_output``: whether the scheduler counts it."""
        work.said += size
        if as_output:
            work.output += size
        if work.said <= self._most_output:
            return True
        most = self._most_output
        self._course.end(SliceOutputError(f"the slice wrote more than {most} characters to its console and as events"))
        return False

    # --- Messages ---

    def _reset(self, value: Mapping[str, Any]) -> None:
        self._course.move(_RESET)
        self._await_progress()

    def _await_progress(self) -> None:
        self._course.wait(self._course.now + self._timeouts.progress, self._made_none)

    def _progress(self, value: Mapping[str, Any]) -> None:
        if (work := self.running) is None:
            return
        self._await_progress()
        percent, vague = value.get("progress"), value.get("indeterminate")
        work.last = report = {
            "deltaMs": work.milliseconds(self._course.now),
            "progress": percent,
            "value": value.get("value"),
            "throttledReports": value.get("throttledReports"),
        }
        if not vague:
            work.last_determinate = report
        is_known = isinstance(percent, int | float) and not vague and 0 <= percent <= 100
        self._course.events.append(Progressed(percent if is_known else None))

    def _says_no_progress(self, value: Mapping[str, Any]) -> None:
        if (work := self.running) is not None:
            self._no_progress(work, shortened(value.get("message")), self._course.now)

    def _console(self, value: Mapping[str, Any]) -> None:
        payload = value.get("payload")
        if (work := self.running) is None or not isinstance(payload, dict):
            return
        level, same = payload.get("level"), payload.get("same")
        arguments = payload.get("message", kvin.UNDEFINED)
        size = utf16_size(kvin.serialize(arguments, self._course.messages.kvin_version))
        if self.may_say(work, size, as_output=True):
            known = level if level in _LEVELS else "log"
            self._course.events.append(ConsoleWritten(known, arguments, same if type(same) is int else 1))

    def _emitted(self, value: Mapping[str, Any]) -> None:
        payload = value.get("payload")
        if (work := self.running) is None or not isinstance(payload, dict):
            return
        name = payload.get("customEvent")
        if type(name) is not str:
            raise RuleBrokenError("it emitted an event without a name")
        if self.may_say(work, self._course.told.size, as_output=False):
            self._course.events.append(EventEmitted(name, payload.get("data")))

    def _measured(self, value: Mapping[str, Any]) -> None:
        if (work := self.running) is not None:
            work.cpu += _duration(value.get("CPU"))
            work.gpu += _duration(value.get("webGPU")) + _duration(value.get("webGL"))

    def _completed(self, value: Mapping[str, Any]) -> None:
        work = self._require_running("a result")
        if work.last is None:
            self._no_progress(work, "Sandbox never emitted a progress event.", self._course.now)
            return
        sizes = work.sizes(self._course.wire.result_size(self._course.told))
        self._finish()
        self._course.events.append(SliceCompleted(value.get("result", kvin.UNDEFINED), work.measured(), sizes))

    def _threw(self, value: Mapping[str, Any]) -> None:
        work = self._require_running("an error")
        error, messages = value.get("error"), self._course.messages
        if not isinstance(error, kvin.JSError):
            error = kvin.JSError(error if isinstance(error, str) else "the work function threw what is no error")
        result = messages.thrown(error)
        sizes = work.sizes(utf16_size(kvin.serialize(result, messages.kvin_version)))
        self._finish()
        self._course.events.append(SliceThrew(result, work.measured(), sizes))

    def _rejected(self, value: Mapping[str, Any]) -> None:
        work = self._require_running("a rejection")
        data = value.get("workRejectData")
        data = data if isinstance(data, dict) else {}
        reason, retries = data.get("reason"), data.get("retries")
        text = reason if isinstance(reason, str) else "false" if reason is False else ""
        again = int(retries) if isinstance(retries, int | float) and 0 < retries < 1 << 31 else 0
        self._course.events.append(SliceRejected(text[:MOST_TEXT], again, work.measured(), work.sizes()))
        self._course.end(SandboxEndedError("the sandbox ended itself after work.reject"))

    # --- Parts of the above ---

    def _require_running(self, what: str) -> RunningSlice:
        if (work := self.running) is None:
            raise RuleBrokenError(f"it sent {what} of no slice, while it was {self._course.state}")
        return work

    def _finish(self) -> None:
        self._course.move(_FINISH)
        self._course.wait_no_more()
        self._forget()

    def _forget(self) -> None:
        self._slice = None
        self.until = math.inf

    def _made_none(self, now: float) -> None:
        if self._slice is not None:
            message = f"No progress event was received in the last {self._timeouts.progress:g} seconds."
            self._no_progress(self._slice, message, now)

    def _no_progress(self, work: RunningSlice, message: str, now: float) -> None:
        reports = {"last": work.last, "lastDeterministic": work.last_determinate}
        self._course.end(NoProgressError(message, work.milliseconds(now), reports))


def _duration(value: Any) -> float:
    """Milliseconds; 0 for what is no duration."""
    return float(value) if isinstance(value, int | float) and 0 <= value < math.inf else 0.0
