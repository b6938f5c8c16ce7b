"""Tasks, as schedulers answer requests for work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from dcp_protocol import canonical_json
from dcp_protocol.messages.bodies import JsonText

from ..errors import TaskError
from ..tasks.capabilities import Capability, Worktime
from ..tasks.job import Job, JobMetrics
from ..tasks.slices import Authorization, Slice, SliceKey, Storage
from ..tasks.task import Lifetimes, Refused, SchedulerRules, Task
from .fields import LARGEST_NUMBER, Fields

_MOST_FAULTS = 20
_Part = TypeVar("_Part")


class Needs(NamedTuple):
    """What a job asks of an evaluator."""

    needs: Capability
    is_discrete: bool
    use_strict: bool
    requirements: Any = None


@dataclass(frozen=True, slots=True)
class TaskNames:
    """What is named otherwise in another dialect."""

    job: str
    """The member of a job with its address or id."""
    slice_job: str
    """The same of a slice."""
    needs: Callable[[Fields], Needs]


@dataclass(slots=True)
class _Reading:
    """What has been read of one reply."""

    names: TaskNames
    authorization: Authorization
    jobs: dict[str, Job] = field(default_factory=dict)
    slices: dict[SliceKey, Slice] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def fault(self, error: TaskError) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(str(error))


def read_task(reply: object, names: TaskNames, known: Mapping[str, Job]) -> Task:
    """``reply``: the payload as JSON has it; ``known``: jobs at hand, whose messages need not have all members again.

    A job or a slice with a fault takes no other away: it is in ``refused`` where it can be returned, else in
    ``faults`` only. Raises TaskError where the whole is no answer.
    """
    payload = Fields(reply, "the answer to the request for work")
    if "body" not in payload:
        raise TaskError("the answer to the request for work has no body")
    body = Fields(payload.get("body"), "body")
    has_notifications = body.flag("pendingNotifications")
    if "newJobs" not in body:
        return Task(has_notifications=has_notifications)
    reading = _Reading(names, _authorization(reply))
    tasks = body.mapping("task")
    for key, message in body.mapping("newJobs").items():
        reason = _read_job(reading, key, message, known)
        _read_slices(reading, key, tasks.get(key), reason)
    rules = _optional(reading, _rules, body)
    return Task(
        jobs=reading.jobs,
        slices=list(reading.slices.values()),
        rules=rules,
        origins=_optional(reading, _origins, body) or {},
        refused=reading.refused,
        faults=reading.faults,
        has_notifications=has_notifications,
    )


def _authorization(reply: Any) -> Authorization:
    return Authorization(JsonText(canonical_json.encode({n: v for n, v in reply.items() if n != "body"})))


def _optional(reading: _Reading, read: Callable[[Fields], _Part], body: Fields) -> _Part | None:
    try:
        return read(body)
    except TaskError as error:
        reading.fault(error)
        return None


def _read_job(reading: _Reading, key: str, message: object, known: Mapping[str, Job]) -> str:
    """Why its slices must be returned; empty if they need not be."""
    try:
        fields = Fields(message, f"job {len(reading.jobs) + 1}")
        identity = fields.identity(reading.names.job)
        if identity != key:
            raise fields.wrong(reading.names.job, "what the job is listed by")
        reading.jobs[identity] = read_job(fields, reading.names, known.get(identity))
    except TaskError as error:
        reading.fault(error)
        return f"invalid job: {error}"
    return ""


def read_job(fields: Fields, names: TaskNames, known: Job | None = None) -> Job:
    """Raises TaskError."""
    if known and "codeLocation" not in fields:
        return _refreshed(fields, known)
    public = Fields(fields.mapping("public"), "public")
    worktime = Fields(fields.get("worktime") or {"name": "map-basic", "version": "1.0.0"}, "worktime")
    needs = names.needs(fields)
    return Job(
        identity=fields.identity(names.job),
        group_job=fields.identity("jobCgId") if "jobCgId" in fields else "",
        name=public.shown("name", 200),
        description=public.shown("description", 2000),
        link=public.shown("link", 2000),
        code=fields.text("codeLocation"),
        arguments=dict(_arguments(fields)),
        input_set=fields.get("mro"),
        input_set_location=fields.text("MROLocation", ""),
        dependencies=fields.texts("dependencies"),
        module_path=fields.texts("modulePath"),
        require_path=fields.texts("requirePath"),
        needs=needs.needs,
        is_discrete=needs.is_discrete,
        use_strict=needs.use_strict,
        worktime=Worktime(worktime.text("name"), worktime.text("version")),
        public=fields.mapping("public"),
        metrics=read_metrics(fields.get("metrics")),
        is_almost_done=fields.flag("almostDone"),
        requirements=needs.requirements,
    )


def _refreshed(fields: Fields, known: Job) -> Job:
    """A job at hand, with what changes while its slices are computed."""
    metrics = read_metrics(fields.get("metrics")) if "metrics" in fields else known.metrics
    return replace(known, metrics=metrics, is_almost_done=fields.flag("almostDone"))


def _arguments(fields: Fields) -> Iterator[tuple[int, str]]:
    listed = fields.get("argumentsLocation")
    if listed is None:
        return
    if not isinstance(listed, list):
        raise fields.wrong("argumentsLocation", "a list")
    for element in listed:
        argument = Fields(element, "an element of argumentsLocation")
        index = argument.whole("argIndex")
        if index >= len(listed):
            raise fields.wrong("argumentsLocation", "a list without gaps")
        yield index, argument.text("value")


def read_metrics(value: object) -> JobMetrics:
    """What is missing counts as not known, and what cannot be as 1 ms of which half is at work, as npm has it."""
    if not isinstance(value, dict):
        return JobMetrics()
    fields = Fields(value, "metrics")
    cpu_time, cpu_density = _time_and_density(fields, "sliceCPUTime", "sliceCPUDensity")
    gpu_time, gpu_density = _time_and_density(fields, "sliceGPUTime", "sliceGPUDensity")
    measured, last = (fields.number(name) or 0 for name in ("measuredSlices", "lastSliceNumber"))
    return JobMetrics(cpu_time, gpu_time, cpu_density, gpu_density, _count(measured), _count(last))


def _time_and_density(fields: Fields, time_name: str, density_name: str) -> tuple[float, float]:
    if time_name not in fields and density_name not in fields:
        return 0.0, 0.0
    time, density = fields.number(time_name), fields.number(density_name)
    return (1.0, 0.5) if time is None or density is None or density > 1 else (time, density)


def _count(number: float) -> int:
    return int(min(number, LARGEST_NUMBER))


def _read_slices(reading: _Reading, job: str, messages: object, reason: str) -> None:
    if not isinstance(messages, list):
        reading.fault(TaskError("the slices of a job must be a list"))
        return
    for message in messages:
        try:
            fields = Fields(message, "a slice")
            if fields.get(reading.names.slice_job) != job:
                raise fields.wrong(reading.names.slice_job, "the job under which it is listed")
            _add_slice(reading, SliceKey(job, fields.whole("sliceNumber")), fields, reason)
        except TaskError as error:
            reading.fault(error)


def _add_slice(reading: _Reading, key: SliceKey, fields: Fields, reason: str) -> None:
    """Raises TaskError for a slice that is there twice; others that are wrong can be returned."""
    if key in reading.slices:
        raise TaskError("a slice: it stands in the task twice")
    try:
        found = _slice(key, fields, reading.authorization)
    except TaskError as error:
        reason = reason or f"invalid slice: {error}"
        found = Slice(key=key, authorization=reading.authorization, is_estimation=fields.flag("isEstimationSlice"))
        reading.fault(error)
    if reason:
        reading.refused.append(Refused(found, reason))
    else:
        reading.slices[key] = found


def _slice(key: SliceKey, fields: Fields, authorization: Authorization) -> Slice:
    return Slice(
        key=key,
        datum=fields.text("datumUri", ""),
        storage=_storage(fields),
        is_estimation=fields.flag("isEstimationSlice"),
        is_long=fields.flag("isLongSlice"),
        cotasks=fields.whole("cotaskCount", 0),
        authorization=authorization,
    )


_TO_THE_SCHEDULER = Storage()


def _storage(fields: Fields) -> Storage:
    kind = fields.text("resultStorageType", "values")
    if kind == "values":
        return _TO_THE_SCHEDULER
    if kind != "pattern":
        raise fields.wrong("resultStorageType", "values or pattern")
    url = fields.text("resultStorageDetails")
    if not url:
        raise fields.wrong("resultStorageDetails", "a URL")
    return Storage(url, dict(fields.mapping("resultStorageParams")))


def _rules(body: Fields) -> SchedulerRules | None:
    """``SoteriaSharedHive`` in ``utils/worker-and-daemons.js``: 0 and what is missing stand for the default."""
    if "schedulerConfig" not in body:
        return None
    config = Fields(body.get("schedulerConfig"), "schedulerConfig")
    shared = Fields(config.mapping("shared"), "schedulerConfig.shared")
    slices = Fields(shared.mapping("slice"), "schedulerConfig.shared.slice")
    slower = shared.number("debuggingFactor") or 1.0
    lifetimes = Lifetimes(
        analysed=shared.flag("useLifetimeAnalysis"),
        factor=shared.number("lifetimeFactor") or 1.0,
        multiplier=slices.number("multiplier") or 1.5,
        sigmas=slices.number("sigmas") or 2.0,
        bias=(slices.number("biasMs") or 120_000.0) * slower,
    )
    duration = (config.number("targetTaskDuration") or 180.0) * slower
    return SchedulerRules(duration, (shared.number("frequencyMs") or 240_000.0) / 1000 * slower, lifetimes)


def _origins(body: Fields) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    groups = body.mapping("computeGroupOrigins")
    return {
        group: {purpose: Fields(purposes, "computeGroupOrigins").texts(purpose) for purpose in purposes}
        for group, purposes in groups.items()
        if isinstance(purposes, dict)
    }
