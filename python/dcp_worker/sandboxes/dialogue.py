"""The dialogue of a supervisor with one sandbox, without any I/O: lines and times in, lines, events and a deadline out.

Whoever is at the other end may send anything. What breaks the rules ends this sandbox, and only the slice in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from dcp_protocol import kvin

from ..dialects.sandbox_messages import SandboxMessages, described
from ..dialects.texts import utf16_size
from ..errors import (
    AssignError,
    NoProgressError,
    SandboxEndedError,
    SandboxError,
    SliceOutputError,
    SliceTooSlowError,
    UnrecoverableEvaluatorError,
)
from ..tasks.capabilities import Worktime
from ..tasks.job import Job
from .events import (
    Assigned,
    ConsoleWritten,
    Described,
    Ended,
    Evaluated,
    Event,
    EventEmitted,
    FetchRequest,
    FetchResponse,
    FetchWanted,
    Measured,
    ModuleGroup,
    ModulesWanted,
    Progressed,
    Sizes,
    SliceCompleted,
    SliceRejected,
    SliceThrew,
)
from .limits import Limits, Timeouts
from .wire import DIE, Died, Failed, Reading, RuleBrokenError, Told, Wire, shortened

_TRIAL, _EVALUATION = "trial", "evaluation"
_MOST_MODULES = 1000
_WORTH_A_COPY = 1 << 16  # bytes, below which two writes cost more
_MOST_REPORT, _MOST_NAME = 10_000, 100  # characters of the text of an error
_STACK = re.compile(r"(\w{1,80})(?::[^\n]*)?")


class State(StrEnum):
    STARTING = "starting"
    DESCRIBING = "describing itself"
    READY = "ready"
    APPLYING = "applying requirements"
    ASSIGNING = "assigning"
    ASSIGNED = "assigned"
    RESETTING = "resetting"
    WORKING = "working"
    ENDED = "ended"


class Step(StrEnum):
    ASK = "ask what it can do"
    DESCRIBE = "describe"
    ASSIGN = "assign"
    APPLY = "apply requirements"
    TAKE_JOB = "take the job"
    WORK = "work"
    RESET = "reset"
    FINISH = "finish"
    END = "end"


STATES: Mapping[State, Mapping[Step, State]] = {
    State.STARTING: {Step.ASK: State.DESCRIBING, Step.ASSIGN: State.APPLYING, Step.END: State.ENDED},
    State.DESCRIBING: {Step.DESCRIBE: State.READY, Step.END: State.ENDED},
    State.READY: {Step.ASSIGN: State.APPLYING, Step.END: State.ENDED},
    State.APPLYING: {Step.APPLY: State.ASSIGNING, Step.END: State.ENDED},
    State.ASSIGNING: {Step.TAKE_JOB: State.ASSIGNED, Step.END: State.ENDED},
    State.ASSIGNED: {Step.WORK: State.RESETTING, Step.END: State.ENDED},
    State.RESETTING: {Step.RESET: State.WORKING, Step.END: State.ENDED},
    State.WORKING: {Step.FINISH: State.ASSIGNED, Step.END: State.ENDED},
    State.ENDED: {},
}
# Looking up a member of an Enum takes Python 3.11 as long as the rest of an event.
_WORKING, _RESETTING, _ASSIGNED, _ENDED = State.WORKING, State.RESETTING, State.ASSIGNED, State.ENDED
_WORK, _RESET, _FINISH = Step.WORK, Step.RESET, Step.FINISH


class _Slice:
    """What has been heard of the slice that runs."""

    __slots__ = ("began", "cpu", "gpu", "last", "last_determinate", "output", "progressed", "said", "taken")

    def __init__(self, now: float) -> None:
        self.began = now
        self.progressed = False
        self.last: dict[str, Any] | None = None
        self.last_determinate: dict[str, Any] | None = None
        self.cpu = self.gpu = 0.0
        self.output = self.said = self.taken = 0

    def measured(self) -> Measured:
        return Measured(self.cpu, self.gpu)


class Dialogue:
    """``state``, ``deadline`` (of the clock that ``now`` is from, when ``time_passes`` is to be called).

    ``output`` has the bytes to be sent and ``events`` what has happened, in order; who drives takes both away.
    ``module_size``: UTF-16 units of the modules that the sandbox has got.
    """

    def __init__(
        self, messages: SandboxMessages, now: float, timeouts: Timeouts | None = None, limits: Limits | None = None
    ) -> None:
        self.state = State.STARTING
        self.output: list[bytes] = []
        self.events: list[Event] = []
        self.module_size = 0
        self._messages = messages
        self._timeouts = timeouts or Timeouts()
        self._limits = limits or Limits()
        self._wire = Wire(messages.kvin_version)
        self._reset_state = self._wire.write({"request": "resetState"})
        self._assignment: list[bytes] = []
        self._patience = self._timeouts.assign
        self._slice: _Slice | None = None
        self._evaluating = self._trying = False
        self._modules: dict[int, Any] = {}
        self._fetches: dict[int, tuple[Any, _Slice | None]] = {}
        self._serial = 0
        self._told = _NOTHING
        self.read = self._wire.read
        self._now = now
        self._wait_until = self._slice_until = math.inf

    @property
    def deadline(self) -> float:
        return min(self._wait_until, self._slice_until)

    # --- What the supervisor wants ---

    def describe(self, now: float) -> None:
        """``Described`` or ``Ended`` follows. Only with that, the sandbox gets a GPU, and a process for it."""
        self._move(Step.ASK)
        self._wait_until = now + self._timeouts.describe
        self.output.append(self._wire.write({"request": "describe"}))

    def assign(self, job: Job, worktime: Worktime, work_function: str, arguments: Sequence[Any], now: float) -> None:
        """``Assigned`` or ``Ended`` follows. Raises KvinError, TypeError for arguments that KVIN does not have."""
        requirements = self._wire.write(self._messages.requirements(job, worktime))
        self._assignment = [self._wire.write(self._messages.assignment(job, worktime, work_function, arguments))]
        trial = self._messages.trial(job, worktime, work_function)
        if trial is not None:
            self._assignment.insert(0, self._evaluation(trial, _TRIAL))
        self._move(Step.ASSIGN)
        self._trying = trial is not None
        self._patience = self._timeouts.assign if worktime.name == "map-basic" else self._timeouts.assign_others
        self._wait_until = now + self._timeouts.answer
        self.output.append(requirements)

    def main(self, datum: object) -> bytes:
        """The message with a datum, for ``work``. May run on any thread: of a large one it takes its time.

        Raises KvinError, TypeError for a datum that KVIN does not have.
        """
        return self._wire.write({"request": "main", "data": datum})

    def work(self, main: bytes, now: float) -> None:
        """A slice: ``SliceCompleted``, ``SliceThrew``, ``SliceRejected`` or ``Ended`` follows."""
        self._move(_WORK)
        self._slice = _Slice(now)
        self._wait_until = now + self._timeouts.answer
        self._slice_until = now + self._timeouts.slice
        # What comes before the answer to the first is of the slice before.
        if len(main) < _WORTH_A_COPY:
            self.output.append(self._reset_state + main)
        else:
            self.output += (self._reset_state, main)

    def evaluate(self, source: str, now: float) -> None:
        """Runs a source between slices: ``Evaluated`` or ``Ended`` follows."""
        if self.state not in (State.STARTING, State.READY, _ASSIGNED) or self._evaluating:
            raise RuntimeError(f"a sandbox that is {self.state} evaluates nothing else")
        self._evaluating = True
        self._wait_until = now + self._timeouts.answer
        self.output.append(self._evaluation(source, _EVALUATION))

    def die(self) -> None:
        """Ends the sandbox in its own way: between slices, it looks at its messages."""
        if self.state is not _ENDED:
            self.output.append(DIE)
            self.end(SandboxEndedError("the sandbox was ended"))

    def end(self, error: SandboxError) -> None:
        """It is over; ``Ended`` follows, once."""
        if self.state is _ENDED:
            return
        self._move(Step.END)
        self._slice = None
        self._modules.clear()
        self._fetches.clear()
        self._wait_until = self._slice_until = math.inf
        self.events.append(Ended(error))

    # --- Answers to what the sandbox wants ---

    def provide_modules(self, request: int, group: ModuleGroup | None, now: float) -> None:
        """None: there are no such modules, and the work function may go on without."""
        if request not in self._modules:
            return
        identity = self._modules.pop(request)
        if group is None:
            self.output.append(self._wire.write({"request": "moduleGroupError", "id": identity, "stack": "ENOMODULE"}))
        else:
            self.module_size += sum(
                utf16_size(text.encode("utf-8", "surrogatepass")) for files in group.values() for text in files.values()
            )
            data = {package: dict(files) for package, files in group.items()}
            self.output.append(self._wire.write({"request": "moduleGroup", "data": data, "id": identity}))
        if self.state is State.ASSIGNING and not self._modules:
            self._wait_until = now + self._patience

    def provide_response(self, request: int, response: FetchResponse) -> None:
        if request not in self._fetches:
            return
        identity, work = self._fetches.pop(request)
        if work is not None:
            work.taken += len(f"{response.status} {response.status_text}\r\n") + _headers_size(response.headers)
            work.taken += len(response.body or b"")
        data = {
            "url": response.url,
            "status": response.status,
            "statusText": response.status_text,
            "headersEntries": [list(header) for header in response.headers],
            "bodyBuffer": None if response.body is None else np.frombuffer(response.body, np.uint8),
        }
        self.output.append(self._wire.write({"request": "fetchResponse", "id": identity, "data": data}))

    def refuse_fetch(self, request: int, name: str, message: str, code: str) -> None:
        if request not in self._fetches:
            return
        identity, _ = self._fetches.pop(request)
        error = {"name": name, "message": message, "stack": f"{name}: {message}", "code": code}
        self.output.append(self._wire.write({"request": "fetchError", "id": identity, "error": error}))

    # --- What happens ---

    def receive(self, line: bytes, now: float) -> None:
        """A line of the sandbox, without its end."""
        self.take(self.read(line), now)

    def take(self, reading: Reading, now: float) -> None:
        """What ``read``, which may run on any thread, has made of a line."""
        if reading is None or self.state is _ENDED:
            return
        self._now = now
        try:
            if type(reading) is Told:
                self._take(reading)
            elif type(reading) is Died:
                self.end(SandboxEndedError(f"the sandbox ended itself: {reading.reason or 'it gave no reason'}"))
            elif type(reading) is Failed:
                self._broke(f"it could not handle a message: {reading.reason}")
            elif isinstance(reading, kvin.KvinError):
                self._unreadable(reading)
            else:
                self._broke(str(reading))
        except RuleBrokenError as error:
            self._broke(str(error))

    def lose(self, reason: str) -> None:
        """Its connection has ended."""
        self.end(SandboxEndedError(f"the sandbox ended while it was {self.state}: {reason}"))

    def time_passes(self, now: float) -> None:
        """To be called at ``deadline``, and whenever else."""
        if now < self.deadline:
            return
        if now >= self._slice_until and self._slice is not None:
            message = f"Slice took longer than {self._timeouts.slice:g} seconds."
            self.end(SliceTooSlowError(message, self._milliseconds(now)))
        elif self.state is _WORKING:
            message = f"No progress event was received in the last {self._timeouts.progress:g} seconds."
            self._no_progress(message, now)
        elif self.state is State.ASSIGNING:
            self.end(AssignError(
                f"the sandbox did not take the work function within {self._patience:g} s: it throws before it is "
                "called, or its modules do not load"
            ))  # fmt: skip
        else:
            self.end(SandboxEndedError(f"the sandbox gave no answer within its time while it was {self.state}"))

    # --- Messages ---

    def _take(self, told: Told) -> None:
        """Raises RuleBrokenError."""
        ring, value = told.ring, told.value
        request = value.get("request") if isinstance(value, dict) else None
        handler = _HANDLERS.get((ring, request)) if isinstance(request, str) else None
        self._told = told
        if handler is not None:
            handler(self, value)
        elif ring == 2 and isinstance(request, str) and request.startswith("evalResult::"):
            self._evaluated(request.removeprefix("evalResult::"), value.get("data"))
        elif ring != 3:  # work functions may post what they like, which npm's supervisor takes no notice of
            raise RuleBrokenError(f"it sent an unknown message from ring {ring}: {shortened(request)}")
        self._told = _NOTHING

    def _script_loaded(self, value: Mapping[str, Any]) -> None:
        if value.get("result") != "success":
            name, text = shortened(value.get("script")), _error_text(value.get("error"))
            self._broke(f"its start-up file {name} failed: {text}")

    def _loaded(self, value: Mapping[str, Any]) -> None:
        """All start-up files; the answer to ``describe`` says the same."""

    def _unrecoverable(self, value: Mapping[str, Any]) -> None:
        text = shortened(value.get("message"))
        self.end(UnrecoverableEvaluatorError(f"the evaluator is of no use any more: {text}"))

    def _described(self, value: Mapping[str, Any]) -> None:
        try:
            description = described(value)
        except ValueError as error:
            raise RuleBrokenError(f"its description is none: {error}") from None
        self._move(Step.DESCRIBE)
        self._wait_until = math.inf
        self.events.append(Described(description))

    def _applied(self, value: Mapping[str, Any]) -> None:
        self._move(Step.APPLY)
        self._wait_until = self._now + self._patience
        self.output += self._assignment
        self._assignment = []

    def _took_job(self, value: Mapping[str, Any]) -> None:
        self._move(Step.TAKE_JOB)
        self._wait_until = math.inf
        self.events.append(Assigned())

    def _refused_job(self, value: Mapping[str, Any]) -> None:
        if self.state is not State.ASSIGNING:
            raise RuleBrokenError(f"it refused a job while it was {self.state}")
        self._cannot_assign(value.get("error"))

    def _error(self, value: Mapping[str, Any]) -> None:
        if self._evaluating:
            self._evaluating = False
            self._wait_until = math.inf
            self.events.append(Evaluated(None, _error_text(value.get("error"))))
        elif self._trying:
            self._cannot_assign(value.get("error"))
        else:
            self._broke(f"its start-up files failed: {_error_text(value.get('error'))}")

    def _evaluated(self, identity: str, result: Any) -> None:
        if identity == _TRIAL and self._trying:
            self._trying = False
        elif identity == _EVALUATION and self._evaluating:
            self._evaluating = False
            self._wait_until = math.inf
            self.events.append(Evaluated(result, None))
        else:
            raise RuleBrokenError("it answered an evaluation that nobody asked for")

    def _reset(self, value: Mapping[str, Any]) -> None:
        self._move(_RESET)
        self._wait_until = self._now + self._timeouts.progress

    def _wants_modules(self, value: Mapping[str, Any]) -> None:
        names = value.get("data")
        if not isinstance(names, list) or len(names) > _MOST_MODULES or not all(type(name) is str for name in names):
            raise RuleBrokenError("it asked for modules without their names")
        self._modules[self._next_request()] = value.get("id")
        if self.state is State.ASSIGNING:
            self._wait_until = math.inf
        self.events.append(ModulesWanted(self._serial, names))

    def _wants_fetch(self, value: Mapping[str, Any]) -> None:
        fetch = _fetch_request(value.get("data"))
        work = self._slice if self.state is _WORKING else None
        self._fetches[self._next_request()] = value.get("id"), work
        if work is None:
            self.refuse_fetch(self._serial, "Error", "no slice runs that could fetch", "EPERM")
            return
        size = len(f"{fetch.method} {fetch.url}\r\n") + _headers_size(fetch.headers) + len(fetch.body or b"")
        self._count(work, size, as_output=True)
        if self.state is _WORKING:
            self.events.append(FetchWanted(self._serial, fetch))

    def _progress(self, value: Mapping[str, Any]) -> None:
        work = self._slice
        if self.state is not _WORKING or work is None:
            return
        work.progressed = True
        self._wait_until = self._now + self._timeouts.progress
        percent, vague = value.get("progress"), value.get("indeterminate")
        work.last = report = {
            "deltaMs": self._milliseconds(self._now),
            "progress": percent,
            "value": value.get("value"),
            "throttledReports": value.get("throttledReports"),
        }
        if not vague:
            work.last_determinate = report
        is_known = isinstance(percent, int | float) and not vague and 0 <= percent <= 100
        self.events.append(Progressed(percent if is_known else None))

    def _says_no_progress(self, value: Mapping[str, Any]) -> None:
        if self.state is _WORKING:
            self._no_progress(shortened(value.get("message")), self._now)

    def _console(self, value: Mapping[str, Any]) -> None:
        work = self._slice
        payload = value.get("payload")
        if self.state is not _WORKING or work is None or not isinstance(payload, dict):
            return
        level, same = payload.get("level"), payload.get("same")
        arguments = payload.get("message", kvin.UNDEFINED)
        self._count(work, utf16_size(kvin.serialize(arguments, self._messages.kvin_version)), as_output=True)
        if self.state is _WORKING:
            known = level if level in _LEVELS else "log"
            self.events.append(ConsoleWritten(known, arguments, same if type(same) is int else 1))

    def _emitted(self, value: Mapping[str, Any]) -> None:
        work = self._slice
        payload = value.get("payload")
        if self.state is not _WORKING or work is None or not isinstance(payload, dict):
            return
        name = payload.get("customEvent")
        if type(name) is not str:
            raise RuleBrokenError("it emitted an event without a name")
        self._count(work, self._told.size, as_output=False)
        if self.state is _WORKING:
            self.events.append(EventEmitted(name, payload.get("data")))

    def _measured(self, value: Mapping[str, Any]) -> None:
        work = self._slice
        if self.state is _WORKING and work is not None:
            work.cpu += _duration(value.get("CPU"))
            work.gpu += _duration(value.get("webGPU")) + _duration(value.get("webGL"))

    def _completed(self, value: Mapping[str, Any]) -> None:
        work = self._running("a result")
        if not work.progressed:
            self._no_progress("Sandbox never emitted a progress event.", self._now)
            return
        result = value.get("result", kvin.UNDEFINED)
        sizes = Sizes(work.taken, work.output + self._wire.result_size(self._told))
        self._finish()
        self.events.append(SliceCompleted(result, work.measured(), sizes))

    def _threw(self, value: Mapping[str, Any]) -> None:
        work = self._running("an error")
        error = value.get("error")
        if not isinstance(error, kvin.JSError):
            error = kvin.JSError(error if isinstance(error, str) else "the work function threw what is no error")
        result = self._messages.thrown(error)
        sizes = Sizes(work.taken, work.output + utf16_size(kvin.serialize(result, self._messages.kvin_version)))
        self._finish()
        self.events.append(SliceThrew(result, work.measured(), sizes))

    def _rejected(self, value: Mapping[str, Any]) -> None:
        work = self._running("a rejection")
        data = value.get("workRejectData")
        data = data if isinstance(data, dict) else {}
        reason, retries = data.get("reason"), data.get("retries")
        text = reason if isinstance(reason, str) else "false" if reason is False else ""
        again = int(retries) if isinstance(retries, int | float) and 0 < retries < 1 << 31 else 0
        self._slice = None
        self.events.append(SliceRejected(text[:_MOST_REPORT], again, work.measured(), Sizes(work.taken, work.output)))
        self.end(SandboxEndedError("the sandbox ended itself after work.reject"))

    def _sandbox_error(self, value: Mapping[str, Any]) -> None:
        self._broke(f"its start-up files failed while it was {self.state}: {_error_text(value.get('error'))}")

    # --- Parts of the above ---

    def _move(self, step: Step) -> None:
        """Raises RuleBrokenError; RuntimeError for what only this program does."""
        try:
            self.state = STATES[self.state][step]
        except KeyError:
            fault = f"{step!s} while it was {self.state}"
            raise (RuntimeError if step in _OURS else RuleBrokenError)(fault) from None

    def _running(self, what: str) -> _Slice:
        if self.state is not _WORKING or self._slice is None:
            raise RuleBrokenError(f"it sent {what} of no slice, while it was {self.state}")
        return self._slice

    def _finish(self) -> None:
        self._move(_FINISH)
        self._slice = None
        self._wait_until = self._slice_until = math.inf

    def _broke(self, what: str) -> None:
        self.end(SandboxEndedError(f"the sandbox was ended: {what}"))

    def _unreadable(self, error: kvin.KvinError) -> None:
        """What npm's supervisor takes for an error of the work function, and ends the sandbox."""
        work = self._slice
        if self.state is _WORKING and work is not None:
            thrown = self._messages.thrown(kvin.JSError("Unserializable message from work function"))
            self._slice = None
            self.events.append(SliceThrew(thrown, work.measured(), Sizes(work.taken, work.output)))
        self._broke(f"it sent a value that cannot be read: {shortened(str(error))}")

    def _no_progress(self, message: str, now: float) -> None:
        work = self._slice
        reports = {"last": work and work.last, "lastDeterministic": work and work.last_determinate}
        self.end(NoProgressError(message, self._milliseconds(now), reports))

    def _milliseconds(self, now: float) -> float:
        return 0.0 if self._slice is None else max(0.0, now - self._slice.began) * 1000

    def _count(self, work: _Slice, size: int, *, as_output: bool) -> None:
        """``as_output``: whether the scheduler counts it as such."""
        work.said += size
        if as_output:
            work.output += size
        if work.said > self._limits.output:
            limit = self._limits.output
            self.end(SliceOutputError(f"the slice wrote more than {limit} characters to its console and as events"))

    def _evaluation(self, source: str, identity: str) -> bytes:
        return self._wire.write({"request": "eval", "data": source, "filename": "worker.js", "msgId": identity})

    def _next_request(self) -> int:
        if len(self._modules) + len(self._fetches) >= self._limits.services:
            raise RuleBrokenError(f"it asked for more than {self._limits.services} modules and fetches at once")
        self._serial += 1
        return self._serial

    def _cannot_assign(self, error: Any) -> None:
        name, message, stack = _error_parts(error)
        self.end(AssignError(f"the work function cannot be assigned: {shortened(message)}", name, stack))


_NOTHING = Told(3, None)
_OURS = (Step.ASK, Step.ASSIGN, Step.WORK)
_LEVELS = ("log", "debug", "info", "warn", "error")
_HANDLERS: Mapping[tuple[int, str], Callable[[Dialogue, Mapping[str, Any]], None]] = {
    (0, "scriptLoaded"): Dialogue._script_loaded,
    (0, "__sandboxLoaded"): Dialogue._loaded,
    (0, "error"): Dialogue._error,
    (0, "unrecoverable-evaluator"): Dialogue._unrecoverable,
    (1, "applyRequirementsDone"): Dialogue._applied,
    (1, "error"): Dialogue._error,
    (2, "describe"): Dialogue._described,
    (2, "assigned"): Dialogue._took_job,
    (2, "reject"): Dialogue._refused_job,
    (2, "error"): Dialogue._error,
    (2, "resetStateDone"): Dialogue._reset,
    (2, "dependency"): Dialogue._wants_modules,
    (2, "fetchRequest"): Dialogue._wants_fetch,
    (3, "progress"): Dialogue._progress,
    (3, "noProgress"): Dialogue._says_no_progress,
    (3, "console"): Dialogue._console,
    (3, "emitEvent"): Dialogue._emitted,
    (3, "measurement"): Dialogue._measured,
    (3, "complete"): Dialogue._completed,
    (3, "workError"): Dialogue._threw,
    (3, "workReject"): Dialogue._rejected,
    (3, "sandboxError"): Dialogue._sandbox_error,
}


def _headers_size(headers: Sequence[tuple[str, str]]) -> int:
    """As they stand in HTTP/1.1, with the line that ends them."""
    return sum(len(name) + len(value) + 4 for name, value in headers) + (2 if headers else 4)


def _fetch_request(data: Any) -> FetchRequest:
    """Raises RuleBrokenError."""
    if isinstance(data, dict):
        url, method, headers, body = (data.get(name) for name in ("url", "method", "headersEntries", "bodyBuffer"))
        if (
            isinstance(url, str)
            and isinstance(method, str)
            and isinstance(headers, list)
            and all(isinstance(header, list) and len(header) == 2 for header in headers)
            and all(isinstance(text, str) for header in headers for text in header)
            and (body is None or isinstance(body, np.ndarray))
        ):
            credentials = data.get("credentials")
            return FetchRequest(
                url,
                method,
                [(name, value) for name, value in headers],
                None if body is None else body.tobytes(),
                credentials if isinstance(credentials, str) else "",
            )
    raise RuleBrokenError("it asked for a fetch that is none")


def _duration(value: Any) -> float:
    """Milliseconds; 0 for what is no duration."""
    return float(value) if isinstance(value, int | float) and 0 <= value < math.inf else 0.0


def _error_parts(error: Any) -> tuple[str, str, str]:
    """Name, message and stack of what a sandbox calls an error: an Error, an object, or the text of a stack."""
    if isinstance(error, kvin.JSError):
        error = {"name": error.name, "message": error.message, **error.properties}
    if isinstance(error, dict):
        name, message, stack = (error.get(member) for member in ("name", "message", "stack"))
        name, message, stack = (text if isinstance(text, str) else "" for text in (name, message, stack))
        return name[:_MOST_NAME], f"{name}: {message}"[:_MOST_REPORT], stack[:_MOST_REPORT]
    text = error[:_MOST_REPORT] if isinstance(error, str) else ""
    found = _STACK.match(text)
    return (found[1] if found else ""), (found[0] if found else text) or "no reason is given", text


def _error_text(error: Any) -> str:
    return shortened(_error_parts(error)[1])
