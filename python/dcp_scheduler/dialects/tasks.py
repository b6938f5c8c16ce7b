"""A task as workers of both dialects read it: jobs, slices, and the scheduler's word that they are this worker's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dcp_protocol import canonical_json
from dcp_protocol.keys.private_key import PrivateKey

from ..jobs.records import Job
from ..model.requirements import Requirements
from ..model.submission import Submission

_ENVIRONMENT = {
    "offscreenCanvas": Requirements.OFFSCREEN_CANVAS, "fdlibm": Requirements.FDLIBM, "webgpu": Requirements.WEBGPU,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaskSlice:
    """``datum``: its URI; None where it is in the job's range."""

    number: int
    datum: str | None
    is_estimation: bool
    is_long: bool
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class TaskJob:
    """``groups``: ids and join keys of the groups for which the worker does it. ``worktime_version``: what dialect 4
    is told of it, one of the worker's.
    """

    job: Job
    submission: Submission
    slices: Sequence[TaskSlice]
    groups: Sequence[tuple[str, str]]
    worktime_version: str


def task_message(key: PrivateKey, worker: str, jobs: Sequence[TaskJob], dialect: int, rules: Mapping[str, Any]) -> Any:
    """The reply to a request for work. ``rules``: of the scheduler, for all workers."""
    if not jobs:
        return {"body": {}}
    auth = {
        "workerId": worker,
        "authSlices": {name_of(each.job, dialect): [one.number for one in each.slices] for each in jobs},
        "schedulerId": str(key.address),
        "jobCommissions": {name_of(each.job, dialect): {"rate": 0, "account": 0} for each in jobs},
    }
    body = {
        "newJobs": {name_of(each.job, dialect): _job(each, dialect) for each in jobs},
        "task": {name_of(each.job, dialect): [_slice(each, one, dialect) for one in each.slices] for each in jobs},
        "schedulerConfig": dict(rules),
    }
    if dialect == 5:
        body["computeGroupOrigins"] = {}
    signature = key.sign(canonical_json.encode(auth)).to_json()
    return {"owner": str(key.address), "signature": signature, "auth": auth, "body": body}


def name_of(job: Job, dialect: int) -> str:
    """What a worker of this dialect calls a job."""
    return str(job.address if dialect == 4 else job.id)


def metrics(job: Job) -> dict[str, Any]:
    """What the network knows of a job's slices: means over those that are done."""
    done = job.done or 1
    return {
        "sliceCPUTime": job.cpu / done,
        "sliceGPUTime": job.gpu / done,
        "sliceCPUDensity": job.cpu_density / done,
        "sliceGPUDensity": job.gpu_density / done,
        "sliceInDataSize": job.size_in / done,
        "sliceOutDataSize": job.size_out / done,
        "lastSliceNumber": job.total,
        "measuredSlices": job.done,
        "alpha": 0.1,
        "running": 1,
    }


def _job(of: TaskJob, dialect: int) -> dict[str, Any]:
    job, submission = of.job, of.submission
    message: dict[str, Any] = {
        "uuid": job.id,
        "codeLocation": submission.code,
        "argumentsLocation": [{"argIndex": index, "value": uri} for index, uri in enumerate(submission.arguments)],
        "dependencies": submission.dependencies,
        "modulePath": [],
        "requirePath": submission.require_path,
        "public": {
            "name": submission.name,
            "description": submission.description,
            "link": submission.link,
            "computeGroups": [{"opaqueId": identity, "name": key} for identity, key in of.groups],
        },
        "metrics": metrics(job),
        "almostDone": False,
        "workerConsole": submission.sends_console,
        "localExec": submission.local,
        "opaqueId": job.id,
    }
    if submission.inputs is not None:
        message["mro"] = submission.inputs
    if submission.local_range:
        message["MROLocation"] = submission.local_range
    return message | (_of_dialect_4(of) if dialect == 4 else _of_dialect_5(of))


def _of_dialect_4(of: TaskJob) -> dict[str, Any]:
    needs = of.submission.needs
    return {
        "address": of.job.address,
        "requirements": {
            "environment": {name: True for name, bit in _ENVIRONMENT.items() if needs & bit},
            "engine": {},
            "discrete": of.submission.discrete,
            "useStrict": of.submission.use_strict,
        },
        "worktime": {"name": of.submission.worktime.name, "version": of.worktime_version},
    }


def _of_dialect_5(of: TaskJob) -> dict[str, Any]:
    group = of.groups[0][0] if of.groups else "none"
    return {
        "jobId": of.job.id,
        "jobCgId": f"{of.job.id}-{group}",
        "needCapabilities": int(of.submission.needs),
        "discrete": of.submission.discrete,
        "useStrict": of.submission.use_strict,
        "worktime": {"name": of.submission.worktime.name, "version": of.submission.worktime.versions},
    }


def _slice(of: TaskJob, one: TaskSlice, dialect: int) -> dict[str, Any]:
    storage = of.submission.storage
    message: dict[str, Any] = {
        "jobAddress" if dialect == 4 else "jobId": name_of(of.job, dialect),
        "sliceNumber": one.number,
        "resultStorageType": storage.kind,
        "resultStorageDetails": storage.url,
        "resultStorageParams": storage.parameters,
        "isEstimationSlice": one.is_estimation,
        "isLongSlice": one.is_long,
        "cotaskCount": int(one.is_copy),
    }
    if one.datum is not None:
        message["datumUri"] = one.datum
    return message
