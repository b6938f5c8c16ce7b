"""Until a sandbox takes slices: what it can do, what it keeps of its environment, and the job that it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..dialects.sandbox_messages import described
from ..errors import AssignError
from ..tasks.capabilities import Worktime
from ..tasks.job import Job
from .course import Course
from .evaluations import TRIAL, Evaluations
from .events import Assigned, Described
from .limits import Timeouts
from .states import State, Step
from .thrown import parts_of
from .wire import RuleBrokenError, shortened


class Preparation:
    def __init__(self, course: Course, evaluations: Evaluations, timeouts: Timeouts) -> None:
        self._course = course
        self._evaluations = evaluations
        self._timeouts = timeouts
        self._assignment: list[bytes] = []
        self._patience = 0.0

    def handlers(self) -> Mapping[tuple[int, str], Callable[[Mapping[str, Any]], None]]:
        return {
            (1, "applyRequirementsDone"): self._applied,
            (2, "describe"): self._described,
            (2, "assigned"): self._took_job,
            (2, "reject"): self._refused_job,
        }

    def describe(self, now: float) -> None:
        self._course.move(Step.ASK)
        self._course.wait(now + self._timeouts.describe)
        self._course.send({"request": "describe"})

    def assign(self, job: Job, worktime: Worktime, work_function: str, arguments: Sequence[Any], now: float) -> None:
        """Raises KvinError, TypeError, and has done nothing then."""
        course, messages = self._course, self._course.messages
        requirements = course.wire.write(messages.requirements(job, worktime))
        self._assignment = [course.wire.write(messages.assignment(job, worktime, work_function, arguments))]
        trial = messages.trial(job, worktime, work_function)
        course.move(Step.ASSIGN)
        if trial is not None:
            self._assignment.insert(0, self._evaluations.begin(TRIAL, trial, self._cannot_assign))
        timeouts = self._timeouts
        self._patience = timeouts.assign if worktime.name == "map-basic" else timeouts.assign_others
        course.wait(now + timeouts.answer)
        course.output.append(requirements)

    def waits_for_modules(self) -> None:
        """Their way is not the sandbox's fault."""
        if self._course.state is State.ASSIGNING:
            self._course.wait_no_more()

    def has_modules(self, now: float) -> None:
        """All that it has asked for."""
        if self._course.state is State.ASSIGNING:
            self._course.wait(now + self._patience, self._late)

    def _described(self, value: Mapping[str, Any]) -> None:
        try:
            description = described(value)
        except ValueError as error:
            raise RuleBrokenError(f"its description is none: {error}") from None
        self._course.move(Step.DESCRIBE)
        self._course.wait_no_more()
        self._course.events.append(Described(description))

    def _applied(self, value: Mapping[str, Any]) -> None:
        self._course.move(Step.APPLY)
        self._course.wait(self._course.now + self._patience, self._late)
        self._course.output += self._assignment
        self._assignment = []

    def _took_job(self, value: Mapping[str, Any]) -> None:
        self._course.move(Step.TAKE_JOB)
        self._course.wait_no_more()
        self._evaluations.drop(TRIAL)
        self._course.events.append(Assigned())

    def _refused_job(self, value: Mapping[str, Any]) -> None:
        if self._course.state is not State.ASSIGNING:
            raise RuleBrokenError(f"it refused a job while it was {self._course.state}")
        self._cannot_assign(value.get("error"))

    def _cannot_assign(self, error: Any) -> None:
        name, message, stack = parts_of(error)
        self._course.end(AssignError(f"the work function cannot be assigned: {shortened(message)}", name, stack))

    def _late(self, now: float) -> None:
        self._course.end(
            AssignError(
                f"the sandbox did not take the work function within {self._patience:g} s: it throws before it is "
                "called, or its modules do not load"
            )
        )
