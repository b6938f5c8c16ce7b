"""The dialogue of a supervisor with one sandbox, without any I/O: lines and times in, lines, events and a deadline out.

Whoever is at the other end may send anything. What breaks the rules ends this sandbox, and only the slice in it.
Each part of the dialogue has its own messages: getting ready (``preparation``), slices (``running_slice``), what work
functions ask for (``requests``), and ``evaluations``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dcp_protocol import kvin

from ..dialects.sandbox_messages import SandboxMessages
from ..errors import SandboxEndedError, SandboxError, UnrecoverableEvaluatorError
from ..tasks.capabilities import Worktime
from ..tasks.job import Job
from .course import Course
from .evaluations import Evaluations
from .events import Event
from .limits import Limits, Timeouts
from .preparation import Preparation
from .requests import Requests
from .running_slice import Slices
from .states import State
from .thrown import text_of
from .wire import DIE, Died, Failed, Reading, RuleBrokenError, Told, shortened


class Dialogue:
    """``deadline``: when ``time_passes`` is to be called, of the clock that ``now`` is from."""

    def __init__(
        self, messages: SandboxMessages, now: float, timeouts: Timeouts | None = None, limits: Limits | None = None
    ) -> None:
        timeouts, limits = timeouts or Timeouts(), limits or Limits()
        self._course = course = Course(messages, now)
        self._slices = Slices(course, timeouts, limits)
        self._evaluations = Evaluations(course, timeouts)
        self._preparation = Preparation(course, self._evaluations, timeouts)
        self.requests = Requests(course, self._preparation, self._slices, limits)
        self._handlers = {
            (0, "scriptLoaded"): self._script_loaded,
            (0, "__sandboxLoaded"): self._loaded,
            (0, "unrecoverable-evaluator"): self._unrecoverable,
            (3, "sandboxError"): self._sandbox_error,
            **self._preparation.handlers(),
            **self._evaluations.handlers(),
            **self._slices.handlers(),
            **self.requests.handlers(),
        }
        self.read = course.wire.read
        """What a line says, for ``take``. May run on any thread."""

    @property
    def state(self) -> State:
        return self._course.state

    @property
    def deadline(self) -> float:
        return min(self._course.until, self._slices.until)

    def has_news(self) -> bool:
        """Whether there is something to be sent or told."""
        return bool(self._course.output or self._course.events)

    def take_output(self) -> list[bytes]:
        """What is to be sent."""
        output, self._course.output = self._course.output, []
        return output

    def take_events(self) -> list[Event]:
        """What has happened."""
        events, self._course.events = self._course.events, []
        return events

    # --- What the supervisor wants ---

    def describe(self, now: float) -> None:
        """``Described`` or ``Ended`` follows. Only with that, the sandbox gets a GPU, and a process for it."""
        self._preparation.describe(now)

    def assign(self, job: Job, worktime: Worktime, work_function: str, arguments: Sequence[Any], now: float) -> None:
        """``Assigned`` or ``Ended`` follows. Raises KvinError, TypeError for arguments that KVIN does not have."""
        self._preparation.assign(job, worktime, work_function, arguments, now)

    def main(self, datum: object) -> bytes:
        """The message with a datum, for ``work``. May run on any thread: of a large one it takes its time.

        Raises KvinError, TypeError for a datum that KVIN does not have.
        """
        return self._course.wire.write({"request": "main", "data": datum})

    def work(self, main: bytes, now: float) -> None:
        """A slice: ``SliceCompleted``, ``SliceThrew``, ``SliceRejected`` or ``Ended`` follows."""
        self._slices.begin(main, now)

    def evaluate(self, source: str, now: float) -> None:
        """Runs a source between slices: ``Evaluated`` or ``Ended`` follows."""
        self._evaluations.evaluate(source, now)

    def die(self) -> None:
        """Ends the sandbox in its own way: between slices, it looks at its messages."""
        if self._course.state is not State.ENDED:
            self._course.output.append(DIE)
            self.end(SandboxEndedError("the sandbox was ended"))

    def end(self, error: SandboxError) -> None:
        """It is over; ``Ended`` follows, once."""
        self._course.end(error)

    # --- What happens ---

    def receive(self, line: bytes, now: float) -> None:
        """A line of the sandbox, without its end."""
        self.take(self.read(line), now)

    def take(self, reading: Reading, now: float) -> None:
        """What ``read`` has made of a line."""
        course = self._course
        if reading is None or course.state is State.ENDED:
            return
        course.now = now
        try:
            if type(reading) is Told:
                self._take(reading)
            elif type(reading) is Died:
                self.end(SandboxEndedError(f"the sandbox ended itself: {reading.reason or 'it gave no reason'}"))
            elif type(reading) is Failed:
                course.broke(f"it could not handle a message: {reading.reason}")
            elif isinstance(reading, kvin.KvinError):
                self._slices.sent_unreadable()
                course.broke(f"it sent a value that cannot be read: {shortened(str(reading))}")
            else:
                course.broke(str(reading))
        except RuleBrokenError as error:
            course.broke(str(error))

    def lose(self, reason: str) -> None:
        """Its connection has ended."""
        self.end(SandboxEndedError(f"the sandbox ended while it was {self._course.state}: {reason}"))

    def time_passes(self, now: float) -> None:
        """To be called at ``deadline``, and whenever else."""
        if now >= self._slices.until:
            self._slices.is_late(now)
        elif now >= self._course.until:
            self._course.is_late(now)

    def _take(self, told: Told) -> None:
        """Raises RuleBrokenError."""
        ring, value = told.ring, told.value
        request = value.get("request") if isinstance(value, dict) else None
        handler = self._handlers.get((ring, request)) if isinstance(request, str) else None
        if handler is not None:
            self._course.told = told
            handler(value)
        elif ring == 2 and isinstance(request, str) and self._evaluations.take(request, value):
            return
        elif ring != 3:  # work functions may post what they like, which npm's supervisor takes no notice of
            raise RuleBrokenError(f"it sent an unknown message from ring {ring}: {shortened(request)}")

    # --- Start-up files ---

    def _script_loaded(self, value: Mapping[str, Any]) -> None:
        if value.get("result") != "success":
            name = shortened(value.get("script"))
            self._course.broke(f"its start-up file {name} failed: {text_of(value.get('error'))}")

    def _loaded(self, value: Mapping[str, Any]) -> None:
        """All start-up files; what comes later says the same."""

    def _unrecoverable(self, value: Mapping[str, Any]) -> None:
        text = shortened(value.get("message"))
        self.end(UnrecoverableEvaluatorError(f"the evaluator is of no use any more: {text}"))

    def _sandbox_error(self, value: Mapping[str, Any]) -> None:
        state = self._course.state
        self._course.broke(f"its start-up files failed while it was {state}: {text_of(value.get('error'))}")
