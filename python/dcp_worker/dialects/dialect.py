"""A dialect: how a worker and a scheduler of one version of DCP's programs tell each other what ``tasks`` has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from dcp_protocol import canonical_json, kvin
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.bodies import JsonText
from dcp_protocol.messages.sealed import seal

from ..tasks.job import Job
from ..tasks.slices import Slice, SliceError, SliceMetrics
from ..tasks.task import Task
from . import work_events
from .job_values import JobValue, serialize_job_value
from .results import ResultHead, result_head, upload_form
from .scheduler_commands import CommandReader, Subscription
from .slice_status import Status, status_text
from .task_reader import TaskNames, read_task
from .work_events import EventSource, WorkEvent
from .work_request import FetchState, WorkRequest


@dataclass(frozen=True, slots=True)
class Message:
    """A request: its operation, and its data as text."""

    operation: str
    data: JsonText


class Dialect(ABC):
    """Stateless. Messages' data are texts as JavaScript writes them, ready for ``Connection.request``."""

    name: ClassVar[str]
    kvin_version: ClassVar[kvin.Version]
    """Of messages to sandboxes and to the scheduler."""
    transport: ClassVar[str]
    """The dialect of ``dcp_protocol.transport`` in which the scheduler's services listen."""
    names: ClassVar[TaskNames]
    says_names_twice: ClassVar[bool]

    # Work

    @abstractmethod
    def request_task(self, request: WorkRequest, session: str, identity: PrivateKey) -> Message:
        """``session``: of the connection over which it goes now, since it proves the groups in no other."""

    @abstractmethod
    def return_all(self, worker: str, payment_address: str, identity: PrivateKey) -> Message | None:
        """What gives back all slices of this worker at once; None where there is no such message."""

    def read_task(self, reply: object, known: Mapping[str, Job] | None = None) -> Task:
        """See ``task_reader.read_task``. Takes some 3 µs per slice. Raises TaskError."""
        return read_task(reply, self.names, known or {})

    # Slices

    def status(self, worker: str, statuses: Iterable[Status]) -> Message:
        return Message("status", status_text(worker, statuses))

    def value_version(self, job: Job) -> kvin.Version:
        """In which version of KVIN this job's values are written."""
        return self.kvin_version

    def job_value(self, value: Any, job: Job) -> JobValue:
        """See ``serialize_job_value``."""
        return serialize_job_value(value, self.value_version(job), self.kvin_version)

    def result_head(self, of: Slice, worker: str, payment_address: str, metrics: SliceMetrics) -> ResultHead:
        """``with_value`` and ``with_answer`` make of it the data of the operation ``result``."""
        return result_head(of, worker, payment_address, metrics)

    def upload_form(self, of: Slice, value: Any, job: Job) -> bytes:
        """See ``results.upload_form``."""
        return upload_form(of, value, self.value_version(job))

    # Events, data of the operation workEmit

    def console_event(
        self, job: Job, of: Slice, worker: str, level: str, arguments: Sequence[Any], same: int = 1
    ) -> WorkEvent:
        return work_events.console_event(self._source(job, of, worker), level, arguments, same, self.value_version(job))

    def custom_event(self, job: Job, of: Slice, worker: str, name: str, data: Any) -> WorkEvent:
        return work_events.custom_event(self._source(job, of, worker), name, data)

    def error_event(
        self, job: Job, of: Slice, worker: str, error: SliceError, time: datetime, info: str = ""
    ) -> WorkEvent:
        return work_events.error_event(self._source(job, of, worker), error, time, info)

    def no_progress_event(
        self, job: Job, of: Slice, worker: str, message: str, elapsed: float, reports: Any
    ) -> WorkEvent:
        return work_events.no_progress_event(self._source(job, of, worker), message, elapsed, reports)

    def _source(self, job: Job, of: Slice, worker: str) -> EventSource:
        return EventSource(job, of, worker, self.says_names_twice)

    # Commands of the scheduler

    @abstractmethod
    def subscriptions(self, identity: str, worker: str) -> Sequence[Subscription]: ...

    def command_reader(self) -> CommandReader:
        """For one connection to the event router."""
        return CommandReader(self.names.slice_job)

    def __repr__(self) -> str:
        return f"<dialect {self.name}>"


def sealed_identity(worker: str, identity: PrivateKey) -> bytes:
    """The sealed message by which a worker proves that it may give back its slices."""
    return seal(identity, [canonical_json.encode({"id": worker})])


def liveness_only(request: WorkRequest) -> bool:
    return FetchState.NORMAL not in request.state
