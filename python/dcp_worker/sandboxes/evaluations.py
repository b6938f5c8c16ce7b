"""Sources that a sandbox is asked to evaluate. Its errors do not say of which: there is one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .course import Course
from .events import Evaluated
from .limits import Timeouts
from .states import State
from .thrown import text_of
from .wire import RuleBrokenError

TRIAL = "trial"
_EVALUATION = "evaluation"
_PREFIX = "evalResult::"
_BETWEEN_SLICES = (State.STARTING, State.READY, State.ASSIGNED)


class Evaluations:
    def __init__(self, course: Course, timeouts: Timeouts) -> None:
        self._course = course
        self._timeouts = timeouts
        self._open: dict[str, Callable[[Any], None]] = {}

    def handlers(self) -> Mapping[tuple[int, str], Callable[[Mapping[str, Any]], None]]:
        return {(ring, "error"): self._error for ring in (0, 1, 2)}

    def evaluate(self, source: str, now: float) -> None:
        """Raises RuntimeError while something else goes on."""
        if self._course.state not in _BETWEEN_SLICES or self._open:
            raise RuntimeError(f"a sandbox that is {self._course.state} evaluates nothing else")
        self._course.wait(now + self._timeouts.answer)
        self._course.output.append(self.begin(_EVALUATION, source, self._threw))

    def begin(self, name: str, source: str, threw: Callable[[Any], None]) -> bytes:
        """The message; ``threw`` is called with the error where the source throws."""
        self._open[name] = threw
        return self._course.wire.write({"request": "eval", "data": source, "filename": "worker.js", "msgId": name})

    def drop(self, name: str) -> None:
        """Its answer does not matter any more."""
        self._open.pop(name, None)

    def take(self, request: str, value: Mapping[str, Any]) -> bool:
        """Whether the message was an answer. Raises RuleBrokenError for one that nobody waits for."""
        if not request.startswith(_PREFIX):
            return False
        name = request.removeprefix(_PREFIX)
        if self._open.pop(name, None) is None:
            raise RuleBrokenError("it answered an evaluation that nobody asked for")
        if name == _EVALUATION:
            self._course.wait_no_more()
            self._course.events.append(Evaluated(value.get("data"), None))
        return True

    def _error(self, value: Mapping[str, Any]) -> None:
        error = value.get("error")
        if self._open:
            _, threw = self._open.popitem()
            threw(error)
        else:
            self._course.broke(f"its start-up files failed: {text_of(error)}")

    def _threw(self, error: Any) -> None:
        self._course.wait_no_more()
        self._course.events.append(Evaluated(None, text_of(error)))
