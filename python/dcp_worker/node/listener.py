"""What a slice tells while it runs: to the job's owner, and to who watches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dcp_protocol import kvin

from ..dialects.dialect import Dialect
from ..dialects.work_events import WorkEvent
from ..errors import NoProgressError, SandboxError
from ..logs.notices import Notices, SliceProgress
from ..sandboxes.outcomes import SliceListener
from ..tasks.job import Job
from ..tasks.slices import Slice, SliceError


class EventsOfSlice(SliceListener):
    """Makes the events of one slice, and passes them to ``emit``.

    ``size``: UTF-16 units that DCP counts as output of the slice.
    """

    __slots__ = ("_dialect", "_emit", "_job", "_last", "_notices", "_sandbox", "_slice", "_worker", "size")

    def __init__(
        self,
        dialect: Dialect,
        worker: str,
        job: Job,
        of: Slice,
        sandbox: int,
        emit: Callable[[WorkEvent], None],
        notices: Notices,
    ) -> None:
        self._dialect = dialect
        self._worker = worker
        self._job = job
        self._slice = of
        self._sandbox = sandbox
        self._emit = emit
        self._notices = notices
        self._last: Any = kvin.UNDEFINED
        self.size = 0

    def progressed(self, percent: float | None) -> None:
        self._notices.tell(SliceProgress(self._sandbox, None if percent is None else percent / 100))

    def console(self, level: str, arguments: Any, same: int) -> None:
        if arguments is not kvin.UNDEFINED:
            self._last = arguments
        if not isinstance(self._last, list):
            return
        try:
            event = self._dialect.console_event(self._job, self._slice, self._worker, level, self._last, same)
        except (ValueError, TypeError):
            return  # what no event can hold is lost
        self._pass_on(event)

    def emitted(self, name: str, data: Any) -> None:
        try:
            event = self._dialect.custom_event(self._job, self._slice, self._worker, name, data)
        except (ValueError, TypeError):
            return
        self._pass_on(event)

    def failed(self, error: SliceError) -> None:
        """The owner learns why there is no result, or that it is an error."""
        self._pass_on(self._dialect.error_event(self._job, self._slice, self._worker, error, datetime.now(UTC)))

    def ended_by(self, error: SandboxError) -> None:
        """The same of what the supervisor of its sandbox found."""
        told = SliceError(error.code, str(error), name=getattr(error, "name", "") or "Error")
        self.failed(told)
        if isinstance(error, NoProgressError):
            event = self._dialect.no_progress_event(
                self._job, self._slice, self._worker, str(error), error.timestamp / 1000, error.reports
            )
            self._pass_on(event)

    def _pass_on(self, event: WorkEvent) -> None:
        self.size += event.size
        self._emit(event)
